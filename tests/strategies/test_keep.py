"""Keeping what a model does: a trust region, and general texts that are read beside the rows."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tunesmith.core.batch import Batch
from tunesmith.core.strategy import Progress, Strategy
from tunesmith.core.task import HeadSpec
from tunesmith.engine.general import Foreseeing, Turns, general_texts, language_model
from tunesmith.errors import InputError
from tunesmith.models.body import states
from tunesmith.models.fill import load_filler, save_filler
from tunesmith.models.load import load_model
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.strategies.distil_from_base import DistilFromBase
from tunesmith.strategies.l2sp import L2SP
from tunesmith.strategies.prompt import Prompt
from tunesmith.strategies.replay import Replay
from tunesmith.strategies.trust_region import TrustRegion, distance

TEXTS = ["the film was good", "a book so bad", "my day felt odd"]
CLASSES = HeadSpec("single_label_classification", ("good", "bad", "odd"))


def move(model: nn.Module, by: float = 0.05) -> None:
    """Train the model, as it were."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(by * torch.randn(p.shape, generator=generator, dtype=p.dtype))


def begin(strategy: Strategy, model: nn.Module, step: int = 0) -> None:
    strategy.on_progress(Progress(0.0, step, 0.0), model)


def softmax(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    raised = np.exp(values - values.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


# A trust region.


def test_distances_are_symmetric_divergences() -> None:
    generator = torch.Generator().manual_seed(3)
    one, other = (torch.randn(5, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    p, q = softmax(one.numpy()), softmax(other.numpy())
    expected = (p * np.log(p / q)).sum(-1) + (q * np.log(q / p)).sum(-1)
    assert np.abs(distance(one, other, "token_classification").numpy() - expected).max() < 1e-6
    p, q = 1 / (1 + np.exp(-one.numpy())), 1 / (1 + np.exp(-other.numpy()))
    each = (p - q) * (np.log(p / q) - np.log((1 - p) / (1 - q)))
    assert np.abs(distance(one, other, "multi_label_classification").numpy() - each.mean(-1)).max() < 1e-6
    gaps = ((one - other) ** 2).numpy().sum(-1)
    assert np.abs(distance(one, other, "regression").numpy() - gaps).max() < 1e-6


def test_towards_base_charges_what_has_moved(bench) -> None:
    model, objective = bench.ready(TrustRegion(towards="base", weight=0.7))
    batch, plain = bench.batch(), bench.model()
    at_first = objective(batch).values.detach().numpy()
    base = plain(**batch.inputs).logits.detach()
    assert np.abs(at_first - bench.task.losses(base, batch).numpy()).max() < 1e-6
    move(model)
    found = objective(batch)
    now = model(**batch.inputs).logits.detach()
    p, q = softmax(now.numpy()), softmax(base.numpy())
    expected = bench.task.losses(now, batch).numpy() + 0.7 * ((p - q) * (np.log(p) - np.log(q))).sum(-1)
    assert np.abs(found.values.detach().numpy() - expected).max() < 1e-6
    assert torch.allclose(bench.gradient(model, objective), bench.gradient(model, objective, [2, 5]), atol=1e-7)


def said_when_moved(model: Any, batch: Batch, delta: torch.Tensor) -> torch.Tensor:
    """What the model says of embeddings that are given to it in the place of ids."""
    inputs = {name: value for name, value in batch.inputs.items() if name != "input_ids"}
    words = model.get_input_embeddings()(batch.inputs["input_ids"])
    return model(inputs_embeds=words + delta, **inputs).logits


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_towards_itself_is_the_answer_to_moved_words(bench, steps: int) -> None:
    strategy = TrustRegion(noise=0.01, steps=steps, radius=0.05, weight=2.0)
    model, objective = bench.ready(strategy)
    batch = bench.batch()
    torch.manual_seed(8)
    found = objective(batch).values.detach().numpy()
    torch.manual_seed(8)
    torch.manual_seed(int(torch.randint(2**62, (1,))))
    delta = 0.01 * torch.randn(*batch.inputs["input_ids"].shape, 16).double()
    clean = model(**batch.inputs).logits.detach()
    for _ in range(steps):
        slopes = []
        for row in range(len(delta)):
            moved = delta.clone().requires_grad_()
            distance(clean, said_when_moved(model, batch, moved), "single_label_classification")[row].backward()
            slopes.append(moved.grad[row])
        delta = torch.stack([
            torch.clamp(d + 0.05 * g / g.abs().max(), -0.05, 0.05) for d, g in zip(delta, slopes, strict=True)
        ])  # fmt: skip
    p, q = softmax(clean.numpy()), softmax(said_when_moved(model, batch, delta).detach().numpy())
    expected = bench.task.losses(clean, batch).numpy() + 2.0 * ((p - q) * (np.log(p) - np.log(q))).sum(-1)
    assert np.abs(found - expected).max() < 1e-6
    if steps:
        assert delta.abs().max().item() == pytest.approx(0.05)


def test_dropout_drops_the_same_in_both_passes(bench) -> None:
    values = []
    for weight in (0.0, 1e3):
        model, objective = bench.ready(TrustRegion(noise=1e-9, steps=0, weight=weight))
        model.train()
        torch.manual_seed(8)
        values.append(objective(bench.batch()).values.detach())
    assert torch.allclose(values[0], values[1], atol=1e-6)
    assert not torch.allclose(values[0], objective(bench.batch()).values.detach(), atol=1e-3), "it drops"


def test_climbing_finds_words_that_change_the_answer_more(bench) -> None:
    far = []
    for steps in (0, 1):
        _, objective = bench.ready(TrustRegion(noise=1e-3, steps=steps, radius=0.05, weight=1e3))
        torch.manual_seed(8)
        far.append(objective(bench.batch()).values.detach().mean().item())
    assert far[1] > far[0] + 0.1


def test_climbing_leaves_no_gradient_behind(bench) -> None:
    model, objective = bench.ready(TrustRegion())
    objective(bench.batch())
    assert all(p.grad is None for p in model.parameters())
    assert not model.get_input_embeddings()._forward_hooks


# General texts.


def test_texts_have_their_turn_once_a_step() -> None:
    turns = Turns.of(list("abcde"), 0.25, 8)
    assert turns.number == 2
    taken = []
    for step in range(5):
        turns.at(step)
        taken += turns.take()
        assert turns.take() == []
    assert sorted(taken) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert Turns.of(list("abcde"), 0.01, 8).number == 1


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_head_of_an_encoder_says_on_the_tuned_body_what_it_said_on_its_own(family: str, tmp_path: Path) -> None:
    bare = save_tiny(tmp_path / "bare", TEXTS, family=family)
    loaded = load_model(bare, CLASSES, seed=1)
    assert Foreseeing.of(loaded.model, bare) is None
    folder = tmp_path / "whole"
    save_filler(load_filler(bare, seed=3).model, loaded.tokenizer, bare, folder)
    assert_same_as_alone(
        folder, load_model(folder, CLASSES, seed=1).model, loaded.tokenizer, load_filler(folder, seed=0)[0]
    )


@pytest.mark.parametrize("family", sorted(name for name, kind in WRITERS.items() if kind.problem == "causal"))
def test_the_head_of_a_decoder_says_on_the_tuned_body_what_it_said_on_its_own(family: str, tmp_path: Path) -> None:
    folder = save_tiny_writer(tmp_path / "writer", TEXTS, family=family)
    whole, tokenizer = load_writer(folder, "causal")
    model = load_model(folder, CLASSES, seed=1).model
    model.config.pad_token_id = tokenizer.pad_token_id
    assert_same_as_alone(folder, model, tokenizer, whole)


def assert_same_as_alone(folder: Path, model: Any, tokenizer: Any, whole: Any) -> None:
    foreseeing = Foreseeing.of(model, folder)
    assert foreseeing is not None
    found = tokenizer(TEXTS, return_tensors="pt", padding=True)
    inputs = {name: found[name] for name in ("input_ids", "attention_mask")}
    asked = foreseeing.hide(Batch(inputs, None, torch.ones(3), torch.arange(3), [1, 1, 1]))
    assert len(asked.due) >= 3
    expected = whole(**asked.inputs).logits[asked.rows, asked.columns]
    assert torch.allclose(foreseeing.logits(model, asked), expected, atol=1e-5)
    foreseeing.losses(model, asked).sum().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
    own = {id(p) for p in model.parameters()}
    assert not any(p.requires_grad for p in foreseeing.head.parameters() if id(p) not in own)


def test_a_model_that_writes_is_asked_itself(tmp_path: Path) -> None:
    folder = save_tiny_writer(tmp_path / "writer", TEXTS, family="llama")
    model, _ = load_writer(folder, "causal")
    foreseeing = Foreseeing.of(model, folder)
    assert foreseeing is not None
    assert foreseeing.head is None
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    asked = foreseeing.hide(Batch({"input_ids": ids, "attention_mask": mask}, None, torch.ones(2), ids, [1, 1]))
    assert asked.due.tolist() == [6, 7, 8, 10, 11]
    logits = model(input_ids=ids, attention_mask=mask).logits.detach().numpy()
    chances = np.log(softmax(logits))
    expected = [-chances[r, c, ids[r, c + 1]] for r, c in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1))]
    assert foreseeing.losses(model, asked).detach().numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_what_a_prompt_puts_before_a_text_is_no_part_of_it(head_bench) -> None:
    batch = head_bench.setup.encode(["the day was odd", "dire"])
    for strategy in (Replay(share=0.5), DistilFromBase(share=0.5)):
        model, objective = head_bench.ready(strategy, Prompt())
        assert states(model, batch.inputs).shape == (*batch.inputs["input_ids"].shape, 16)
        found = objective(head_bench.batch()).penalty
        found.backward()
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters() if p.requires_grad)


def test_an_encoder_with_a_decoder_foresees_nothing(tmp_path: Path) -> None:
    assert language_model(save_tiny_writer(tmp_path / "writer", TEXTS, family="bart")) is None


def test_replay_is_the_loss_of_pretraining(head_bench) -> None:
    strategy = Replay(share=0.5, weight=0.3)
    model, objective = head_bench.ready(strategy)
    move(model)
    texts = general_texts(head_bench.setup, "replay")
    begin(strategy, model, 1)
    torch.manual_seed(4)
    found = objective(head_bench.batch()).penalty.item()
    whole = load_filler(head_bench.folder, seed=0).model.double()
    whole.bert.load_state_dict(model.bert.state_dict(), strict=False)
    whole.get_output_embeddings().weight = model.get_input_embeddings().weight
    torch.manual_seed(4)
    asked = strategy._foreseeing.hide(head_bench.setup.encode(texts[3:6]))
    logits = whole(**asked.inputs).logits[asked.rows, asked.columns].detach().numpy()
    chances = np.log(softmax(logits))[np.arange(len(logits)), asked.due.numpy()]
    assert found == pytest.approx(-0.3 * chances.mean(), abs=1e-6)
    assert (asked.inputs["input_ids"] != head_bench.setup.encode(texts[3:6]).inputs["input_ids"]).any()


@pytest.mark.parametrize("kind", [Replay, DistilFromBase])
def test_general_texts_are_read_once_a_step_whatever_the_micro_batches(head_bench, kind: type[Strategy]) -> None:
    strategy = kind()
    model, objective = head_bench.ready(strategy)
    move(model)
    found = []
    for cuts in ((), (1, 4)):
        begin(strategy, model)
        torch.manual_seed(4)
        found.append(head_bench.gradient(model, objective, cuts))
    assert torch.allclose(found[0], found[1], atol=1e-7)
    without = head_bench.gradient(model, objective)
    assert not torch.allclose(found[0], without, atol=1e-4), "the test could not fail"


def test_replay_where_there_is_no_head_is_distillation(bench) -> None:
    found = []
    for strategy in (Replay(share=0.5, weight=0.8), DistilFromBase(share=0.5, weight=0.8)):
        model, objective = bench.ready(strategy)
        move(model)
        begin(strategy, model, 2)
        found.append(objective(bench.batch()).penalty.item())
    assert found[0] == pytest.approx(found[1], abs=1e-12)
    assert found[0] > 1e-3


def mean_vectors(model: Any, batch: Batch) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        tokens = model.bert(**batch.inputs).last_hidden_state.numpy()
    mask = batch.inputs["attention_mask"].numpy()[..., None]
    return (tokens * mask).sum(1) / mask.sum(1)


@pytest.mark.parametrize("match", ["direction", "vectors"])
def test_distillation_of_vectors_is_the_formula(bench, match: Any) -> None:
    strategy = DistilFromBase(match=match, share=0.5, weight=1.5)
    model, objective = bench.ready(strategy)
    model.train()
    assert objective(bench.batch()).penalty.item() == pytest.approx(0.0, abs=1e-9), "dropout is off"
    assert model.training
    move(model)
    begin(strategy, model, 1)
    found = objective(bench.batch()).penalty.item()
    batch = bench.setup.encode(general_texts(bench.setup, "")[3:6])
    now, before = mean_vectors(model.eval(), batch), mean_vectors(bench.model(), batch)
    lengths = np.linalg.norm(now, axis=-1) * np.linalg.norm(before, axis=-1)
    each = 1 - (now * before).sum(-1) / lengths if match == "direction" else ((now - before) ** 2).mean(-1)
    assert found == pytest.approx(1.5 * each.mean(), abs=1e-6)
    assert found > 1e-3


def test_distillation_of_tokens_is_the_formula(head_bench) -> None:
    strategy = DistilFromBase(match="tokens", share=0.5, weight=1.5)
    model, objective = head_bench.ready(strategy)
    strategy._base.double()
    assert objective(head_bench.batch()).penalty.item() == pytest.approx(0.0, abs=1e-9)
    move(model)
    begin(strategy, model, 1)
    torch.manual_seed(4)
    found = objective(head_bench.batch()).penalty.item()
    torch.manual_seed(4)
    asked = strategy._foreseeing.hide(head_bench.setup.encode(general_texts(head_bench.setup, "")[3:6]))
    base, now = (load_filler(head_bench.folder, seed=0).model.double() for _ in range(2))
    now.bert.load_state_dict(model.bert.state_dict(), strict=False)
    now.get_output_embeddings().weight = model.get_input_embeddings().weight
    p, q = (
        softmax(m(**asked.inputs).logits[asked.rows, asked.columns].detach().numpy()) for m in (base, now)
    )  # fmt: skip
    each = (p * np.log(p / q)).sum(-1)
    rows = asked.rows.numpy()
    expected = 1.5 * np.mean([each[rows == row].mean() for row in range(3)])
    assert found == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_kept_is_refused(bench) -> None:
    with pytest.raises(InputError, match=r"K218(.|\n)*match: direction"):
        bench.ready(DistilFromBase(match="tokens"))
    for kind in (DistilFromBase, Replay):
        with pytest.raises(InputError, match=r"K217(.|\n)*data\.general"):
            bench.ready(kind(), setup=replace(bench.setup, general=()))


@pytest.mark.parametrize("strategies", [
    [Replay()], [DistilFromBase()], [DistilFromBase(match="tokens")], [TrustRegion(noise=1e-2)],
    [L2SP(), DistilFromBase(), Replay(), TrustRegion(towards="base")],
])  # fmt: skip
def test_a_resumed_training_is_the_same_bit_for_bit(head_bench, strategies: list[Strategy]) -> None:
    whole, resumed = head_bench.train(strategies, 5), head_bench.train(strategies, 5, kill=2)
    plain = head_bench.train([], 5)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert not all(torch.equal(value, plain[name]) for name, value in whole.items()), "the strategy does something"


@pytest.mark.parametrize("strategy", [Replay(), DistilFromBase(), DistilFromBase(match="tokens"), TrustRegion()])
def test_preparing_draws_nothing_from_the_numbers_of_others(head_bench, strategy: Strategy) -> None:
    model = head_bench.model()
    weights = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    strategy.prepare(model, head_bench.setup)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind, options", [
    (TrustRegion, {"towards": "past"}), (TrustRegion, {"weight": -1}), (TrustRegion, {"noise": 0}),
    (TrustRegion, {"steps": -1}), (TrustRegion, {"radius": 0}), (DistilFromBase, {"match": "logits"}),
    (DistilFromBase, {"share": 0}), (DistilFromBase, {"share": 1.5}), (DistilFromBase, {"weight": -1}),
    (Replay, {"share": 0}), (Replay, {"weight": -1}), (Replay, {"texts": 3}),
])  # fmt: skip
def test_options_are_bounded(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**options)

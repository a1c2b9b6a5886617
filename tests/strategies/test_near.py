"""Pulled back to the pretrained weights: L2-SP, EWC, mixout. Formulas against NumPy, and what is kept of a model."""

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
from transformers.pytorch_utils import Conv1D

from tunesmith.core.batch import Loss
from tunesmith.core.strategy import Strategy
from tunesmith.core.task import HeadSpec
from tunesmith.engine.general import Foreseeing, general_texts
from tunesmith.engine.optim import parameter_groups
from tunesmith.errors import InputError
from tunesmith.models.body import pretrained
from tunesmith.models.load import load_model
from tunesmith.models.tinywriters import save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.schema import Optimizer
from tunesmith.recipe.support import conflict_of
from tunesmith.strategies.ewc import DEVIATION, EWC
from tunesmith.strategies.freeze import Freeze
from tunesmith.strategies.l2sp import L2SP
from tunesmith.strategies.mixout import MixedConv1D, Mixout, mixout


def arrays(model: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def moved(model: nn.Module, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Train the model, as it were, and return its weights."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    return arrays(model)


def test_l2sp_is_the_formula(bench) -> None:
    model, objective = bench.ready(L2SP(alpha=0.3, beta=0.7))
    before = arrays(model)
    at_first = 0.35 * sum((before[n] ** 2).sum() for n in before if n.startswith("classifier"))
    assert objective(bench.batch()).penalty.item() == pytest.approx(at_first, abs=1e-6)
    after = moved(model)
    head = [n for n in after if n.startswith("classifier")]
    assert len(head) == 2
    expected = 0.15 * sum(((after[n] - before[n]) ** 2).sum() for n in after if n not in head)
    expected += 0.35 * sum((after[n] ** 2).sum() for n in head)
    assert objective(bench.batch()).penalty.item() == pytest.approx(expected, abs=1e-6)


def test_what_is_frozen_is_neither_pulled_nor_copied(bench) -> None:
    model, objective = bench.ready(L2SP(), Freeze())
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen
    before, after = arrays(model), moved(model)
    old = [n for n in after if not n.startswith("classifier") and n not in frozen]
    expected = 0.05 * sum(((after[n] - before[n]) ** 2).sum() for n in old)
    expected += 0.005 * sum((after[n] ** 2).sum() for n in after if n.startswith("classifier"))
    assert objective(bench.batch()).penalty.item() == pytest.approx(expected, abs=1e-6)


def test_l2sp_takes_the_place_of_the_optimisers_decay(bench) -> None:
    settings = Optimizer(learning_rate=1e-3, head_learning_rate=1e-3, weight_decay=0.1)
    decays = [group["weight_decay"] for group in parameter_groups(bench.model(), settings, [L2SP()])]
    assert decays == [0.0] * 4
    assert any(group["weight_decay"] for group in parameter_groups(bench.model(), settings, []))


def test_the_head_of_a_language_model_is_pretrained_too(with_head) -> None:
    model = load_model(with_head, HeadSpec("masked", (), streams=True), seed=1).model
    assert pretrained(model).keys() == dict(model.named_parameters()).keys()


@pytest.mark.parametrize("strategy", [L2SP(), EWC(weight=3.0)])
def test_a_penalty_is_counted_once_a_step(bench, strategy: Strategy) -> None:
    model, objective = bench.ready(strategy)
    moved(model)
    whole = bench.gradient(model, objective)
    assert torch.allclose(whole, bench.gradient(model, objective, [1, 4]), atol=1e-7)


def test_penalties_add_up(bench) -> None:
    model, objective = bench.ready(L2SP(), EWC(weight=5.0))
    one = bench.ready(L2SP())
    other = bench.ready(EWC(weight=5.0))
    for each in (model, one[0], other[0]):
        moved(each)
    both = objective(bench.batch()).penalty.item()
    parts = [alone(bench.batch()).penalty.item() for _, alone in (one, other)]
    assert both == pytest.approx(sum(parts), abs=1e-9)
    assert min(parts) > 1e-3


def slopes(model: nn.Module, name: str, value: Any, places: list[tuple[int, ...]]) -> np.ndarray[Any, Any]:
    """The slope of a function of the model by some numbers of one weight, from differences on both sides."""
    weight, found = dict(model.named_parameters())[name], []
    for place in places:
        ends = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[place] += step
                ends.append(value())
                weight[place] -= step
        found.append((ends[0] - ends[1]) / 2e-5)
    return np.array(found)


PLACES = {
    "bert.encoder.layer.0.attention.self.query.weight": [(0, 0), (3, 5)],
    "bert.encoder.layer.1.output.dense.weight": [(2, 7), (9, 30)],
    "bert.encoder.layer.1.output.LayerNorm.bias": [(0,), (15,)],
    "bert.embeddings.LayerNorm.weight": [(4,)],
}


def fisher_of(strategy: EWC, model: nn.Module) -> dict[str, torch.Tensor]:
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: fisher for p, fisher in strategy._fisher}


def test_fisher_of_a_language_model_is_the_mean_square_of_its_slopes(head_bench) -> None:
    strategy = EWC(texts=3)
    model, _ = head_bench.ready(strategy)
    found = fisher_of(strategy, model)
    foreseeing = Foreseeing.of(model, head_bench.folder)
    generator = torch.Generator().manual_seed(head_bench.setup.seed)
    texts = general_texts(head_bench.setup, "ewc")[:3]
    asked = [foreseeing.hide(head_bench.setup.encode([text]), generator) for text in texts]

    def surprise(at: int) -> float:
        logits = foreseeing.logits(model, asked[at]).detach().numpy()
        chances = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        return float(-chances[np.arange(len(chances)), asked[at].due.numpy()].sum())

    for name, places in PLACES.items():
        expected = np.mean([slopes(model, name, lambda at=at: surprise(at), places) ** 2 for at in range(3)], axis=0)
        assert [float(found[name][place]) for place in places] == pytest.approx(list(expected), rel=1e-4, abs=1e-6)
        assert expected.max() > 1e-5


def test_fisher_of_a_sentence_encoder_is_that_of_its_vectors(bench) -> None:
    strategy = EWC(texts=4, on="task")
    model, _ = bench.ready(strategy)
    found = fisher_of(strategy, model)
    generator = torch.Generator().manual_seed(bench.setup.seed)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(bench.setup.seed)).tolist()
    batches = [bench.setup.encode([bench.setup.texts[at]]) for at in order[:4]]
    signs = [2.0 * torch.randint(2, (1, 16), generator=generator).numpy() - 1 for _ in batches]

    def along(at: int) -> float:
        batch = batches[at]
        with torch.no_grad():
            tokens = model.bert(**batch.inputs).last_hidden_state[0].numpy()
        mean = tokens[batch.inputs["attention_mask"][0].numpy() == 1].mean(0)
        return float((signs[at] * mean).sum() / np.linalg.norm(mean))

    for name, places in PLACES.items():
        expected = np.mean([slopes(model, name, lambda at=at: along(at), places) ** 2 for at in range(4)], axis=0)
        given = [float(found[name][place]) * DEVIATION**2 for place in places]
        assert given == pytest.approx(list(expected), rel=1e-5, abs=1e-8)
        assert expected.max() > 1e-5


def test_ewc_is_the_formula(bench) -> None:
    strategy = EWC(weight=4.0)
    model, objective = bench.ready(strategy)
    fisher, before = fisher_of(strategy, model), arrays(model)
    assert fisher.keys() == {n for n in before if not n.startswith("classifier")}
    assert objective(bench.batch()).penalty.item() == 0.0
    after = moved(model)
    expected = 2.0 * sum((f.numpy() * (after[n] - before[n]) ** 2).sum() for n, f in fisher.items())
    assert objective(bench.batch()).penalty.item() == pytest.approx(expected, abs=1e-6)
    assert expected > 1e-3


def test_ewc_draws_nothing_from_the_numbers_of_others(head_bench, bench) -> None:
    for each in (head_bench, bench):
        model = each.model()
        state = torch.get_rng_state()
        EWC().prepare(model, each.setup)
        assert torch.equal(state, torch.get_rng_state())


def test_ewc_without_texts_is_refused(bench) -> None:
    with pytest.raises(InputError, match=r"K217(.|\n)*data\.general"):
        EWC().prepare(bench.model(), replace(bench.setup, general=()))
    with pytest.raises(InputError, match="K217"):
        EWC(on="task").prepare(bench.model(), replace(bench.setup, texts=()))


def test_mixout_is_the_formula() -> None:
    torch.manual_seed(2)
    weight, start = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    torch.manual_seed(9)
    found = mixout(weight, start, 0.6).numpy()
    torch.manual_seed(9)
    drawn = torch.rand(5, 7, dtype=torch.float64).numpy() < 0.6
    assert 0 < drawn.sum() < drawn.size
    w, u = weight.numpy(), start.numpy()
    expected = ((drawn * u + (1 - drawn) * w) - 0.6 * u) / (1 - 0.6)
    assert np.abs(found - expected).max() < 1e-6
    mean = torch.stack([mixout(weight, start, 0.6) for _ in range(4000)]).mean(0)
    assert torch.allclose(mean, weight, atol=0.1)


def test_mixout_acts_while_training_alone_and_leaves_a_plain_model(bench) -> None:
    strategy = Mixout(share=0.5)
    model, _ = bench.ready(strategy)
    plain = bench.model()
    assert list(dict(model.named_parameters())) == list(dict(plain.named_parameters()))
    assert model.state_dict().keys() == plain.state_dict().keys()
    moved(model)
    moved(plain)
    inputs = bench.batch().inputs
    for dropout in (m for m in model.modules() if isinstance(m, nn.Dropout)):
        dropout.p = 0.0
    torch.manual_seed(1)
    assert not torch.allclose(model.train()(**inputs).logits, plain(**inputs).logits)
    assert torch.equal(model.eval()(**inputs).logits, plain(**inputs).logits)
    alike = copy.deepcopy(model)
    moved(alike)
    assert not torch.allclose(alike.eval()(**inputs).logits, plain(**inputs).logits), "a copy has weights of its own"
    model = strategy.finish(model)
    assert {type(m) for m in model.modules()} == {type(m) for m in plain.modules()}
    assert dict(model.named_buffers()).keys() == dict(plain.named_buffers()).keys()
    assert torch.equal(model(**inputs).logits, plain(**inputs).logits)


def test_mixout_of_weights_that_have_not_moved_changes_nothing(bench) -> None:
    model, _ = bench.ready(Mixout(share=0.8))
    for dropout in (m for m in model.modules() if isinstance(m, nn.Dropout)):
        dropout.p = 0.0
    inputs = bench.batch().inputs
    assert torch.allclose(model.train()(**inputs).logits, bench.model()(**inputs).logits, atol=1e-9)


def test_mixout_of_the_layers_of_gpt2(tmp_path: Path) -> None:
    model, _ = load_writer(save_tiny_writer(tmp_path / "gpt2", ["a good day"], family="gpt2"), "causal")
    Mixout(share=0.5).wrap(lambda batch: Loss(batch.weights), model)
    layers = [module for module in model.modules() if type(module) is MixedConv1D]
    assert len(layers) == 2 * 4
    assert not any(isinstance(module, Conv1D) and module not in layers for module in model.modules())
    layer, start = layers[0], layers[0].weight.detach().clone()
    with torch.no_grad():
        layer.weight.add_(1.0)
    x = torch.randn(2, len(start))
    torch.manual_seed(4)
    found = layer.train()(x)
    torch.manual_seed(4)
    assert torch.allclose(found, x @ mixout(layer.weight, start, 0.5) + layer.bias, atol=1e-5)
    assert torch.allclose(layer.eval()(x), x @ layer.weight + layer.bias, atol=1e-5)


@pytest.mark.parametrize("strategies", [[L2SP()], [EWC()], [Mixout()], [L2SP(), Mixout(), EWC(on="task")]])
def test_a_resumed_training_is_the_same_bit_for_bit(bench, strategies: list[Strategy]) -> None:
    whole, resumed = bench.train(strategies, 5), bench.train(strategies, 5, kill=2)
    plain = bench.train([], 5)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert not all(torch.equal(value, plain[name]) for name, value in whole.items()), "the strategy does something"


def test_an_instance_serves_several_trainings(bench) -> None:
    strategies = [L2SP(), EWC(), Mixout()]
    first, second = bench.train(strategies, 3), bench.train(strategies, 3)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("kind, options", [
    (L2SP, {"alpha": -1.0}), (L2SP, {"beta": -0.1}), (L2SP, {"gamma": 1}), (EWC, {"weight": -1}), (EWC, {"texts": 0}),
    (EWC, {"on": "dev"}), (Mixout, {"share": 1.0}), (Mixout, {"share": -0.1}),
])  # fmt: skip
def test_options_are_bounded(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**options)


@pytest.mark.parametrize("name", ["l2sp", "ewc", "mixout"])
def test_what_holds_weights_goes_with_no_adapter(name: str) -> None:
    assert "frozen beside an adapter" in conflict_of(name, "lora")
    assert not conflict_of(name, "freeze")

"""Prototypes and the contrastive warm-up: what they work out, and that a resumed training is the same."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tunesmith.core.batch import Batch
from tunesmith.core.example import TextExample
from tunesmith.core.strategy import Setup
from tunesmith.engine.infer import outputs, vectors
from tunesmith.errors import InputError, Interrupted
from tunesmith.evaluation.baseline import fit_probe
from tunesmith.jobs.train import train
from tunesmith.models.load import load_model
from tunesmith.recipe.support import conflict_of
from tunesmith.strategies.contrastive import Contrastive, pairs
from tunesmith.strategies.probe_start import ProbeStart
from tunesmith.strategies.prototype import Prototype
from tunesmith.tasks.classify import Classify
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder


class Few:
    """A tiny model and every sixth of the ninety rows, with what a strategy is shown of them."""

    def __init__(self, folder: Path, rows: list[tuple[str, str]], head: Any = "auto", step: int = 6) -> None:
        examples = [
            TextExample(id=str(at), source=f"row {at}", text=text, target=label)
            for at, (text, label) in enumerate(rows[::step])
        ]
        self.task = Classify().fit(examples)
        loaded = load_model(folder, self.task.head(), kind=head, seed=1)
        self.model: Any = loaded.model
        self.features = Encoder(loaded.tokenizer, 32).encode(examples, self.task.target)
        self.collate = Collator(loaded.tokenizer.pad_token_id, self.task.head().problem)
        self.targets = self.task.truth(examples)
        self.vocabulary = len(loaded.tokenizer)
        self.setup: Any = SimpleNamespace(
            task=self.task, targets=self.targets, embed=self.embed, pick=self.pick, seed=5, tokens=self.tokens,
            names=(), terms=(), hints=lambda *, names: Setup.hints(self.setup, names=names),
        )  # fmt: skip

    def tokens(self) -> set[int]:
        return set(range(self.vocabulary))

    def embed(self, model: nn.Module) -> torch.Tensor:
        return vectors(model, self.features, self.collate, size=4).values

    def pick(self, positions: Sequence[int]) -> Batch:
        return self.collate([replace(self.features[at], owner=place) for place, at in enumerate(positions)])

    def said(self) -> np.ndarray:
        found: np.ndarray = outputs(self.model, self.task, self.features, self.collate, size=4).values.numpy()
        return found


def chances(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


# --- prototypes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["own", "pooled"])
def test_the_head_says_how_far_the_means_are(tiny: Path, rows: list[tuple[str, str]], head: str) -> None:
    few = Few(tiny, rows, head)
    Prototype(temperature=2.5).prepare(few.model, few.setup)
    x = few.embed(few.model).numpy().astype(np.float64)
    far = np.array([[sum((x[i] - x[few.targets == c].mean(0)) ** 2) for c in range(3)] for i in range(len(x))])
    np.testing.assert_allclose(chances(few.said()), chances(-far / 5.0), rtol=0, atol=1e-6)


def test_the_temperature_fits_rows_that_their_mean_does_not_know(tiny: Path, rows: list[tuple[str, str]]) -> None:
    few, draws = Few(tiny, rows), np.random.default_rng(4)
    centres = draws.normal(size=(3, few.model.config.hidden_size))
    x = centres[few.targets] + 1.2 * draws.normal(size=(len(few.targets), centres.shape[1]))
    few.setup.embed = lambda model: torch.from_numpy(x)
    Prototype().prepare(few.model, few.setup)
    weight = few.model.classifier.weight.detach().numpy()
    tau = np.linalg.norm(x[few.targets == 0].mean(0)) / np.linalg.norm(weight[0])

    def loss(tau: float) -> float:
        """Of each row, with the mean of its class taken from the others."""
        total = 0.0
        for i, target in enumerate(few.targets):
            rest = np.arange(len(x)) != i
            means = np.stack([x[rest & (few.targets == c)].mean(0) for c in range(3)])
            total -= np.log(chances(-((x[i] - means) ** 2).sum(-1)[None] / (2 * tau))[0, target])
        return total

    # The fit adds a little that keeps few rows from asking for certainty, worth less than one row.
    best = min(loss(tau * factor) for factor in np.geomspace(0.02, 50, 60))
    assert loss(tau) < best + 0.5
    assert best + 0.5 < min(loss(tau / 5), loss(tau * 5)), "the test could not fail"


def test_classes_of_one_row_start_too(tiny: Path, rows: list[tuple[str, str]]) -> None:
    few = Few(tiny, rows, step=30)
    assert sorted(few.targets) == [0, 1, 2]
    Prototype().prepare(few.model, few.setup)
    assert (few.said().argmax(1) == few.targets).all()


def test_a_head_without_bias_is_refused(tiny: Path, rows: list[tuple[str, str]]) -> None:
    few = Few(tiny, rows)
    few.model.classifier.bias = None
    with pytest.raises(InputError, match="K513"):
        Prototype().prepare(few.model, few.setup)


# --- contrastive -----------------------------------------------------------------------------------------------------


def test_half_of_the_pairs_are_of_one_class() -> None:
    targets = np.array([0] * 20 + [1] * 6 + [2])
    drawn = np.concatenate([pairs(targets, 5, np.random.default_rng(seed)) for seed in range(200)])
    kinds = Counter((number % 5 < 3, bool(targets[a] == targets[b])) for number, (a, b) in enumerate(drawn))
    assert kinds == {(True, True): 600, (False, False): 400}
    own = [(a, b) for a, b in drawn if a == b]
    assert own, "the row that is alone"
    assert all(targets[a] == 2 for a, _ in own)
    assert set(drawn.ravel()) == set(range(27))


@pytest.mark.parametrize("loss", ["cosine", "supervised"])
def test_the_losses_of_pairs(loss: Any) -> None:
    x = np.random.default_rng(1).normal(size=(8, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    classes = np.array([0, 0, 1, 1, 2, 0, 1, 3])
    found = Contrastive(loss=loss, temperature=0.3).losses(torch.from_numpy(x), torch.from_numpy(classes))
    expected = []
    if loss == "cosine":
        expected = [(x[i] @ x[i + 1] - float(classes[i] == classes[i + 1])) ** 2 for i in range(0, 8, 2)]
    else:
        for i in range(8):
            others = [k for k in range(8) if k != i]
            right = [k for k in others if classes[k] == classes[i]]
            total = sum(np.exp(x[i] @ x[k] / 0.3) for k in others)
            if right:
                expected.append(-np.mean([np.log(np.exp(x[i] @ x[p] / 0.3) / total) for p in right]))
        assert len(expected) == 6
    assert float(found) == pytest.approx(np.mean(expected), abs=1e-6)


@pytest.mark.parametrize("loss", ["cosine", "supervised"])
def test_the_body_learns_and_comes_out_the_same_again(tiny: Path, rows: list[tuple[str, str]], loss: Any) -> None:
    states, options = [], {"loss": loss, "rate": 5e-3, "steps": 50, "batch": 16}
    for seed in (5, 5, 6):
        few = Few(tiny, rows, "pooled")
        few.setup.seed = seed
        head = few.model.classifier.weight.detach().clone()
        before = gap(few)
        torch.manual_seed(11)
        Contrastive(**options).prepare(few.model, few.setup)
        assert torch.equal(torch.rand(1), torch.rand(1, generator=torch.Generator().manual_seed(11)))
        assert gap(few) > before + 0.2
        assert torch.equal(few.model.classifier.weight, head), "the head is not there yet"
        assert not few.model.training
        assert all(p.grad is None for p in few.model.parameters())
        states.append({name: p.detach().clone() for name, p in few.model.named_parameters()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


@pytest.mark.parametrize("asked, known", [(True, True), (True, False), (False, True)])
def test_hints_that_say_something_are_rows_of_their_classes(
    tiny: Path, rows: list[tuple[str, str]], asked: bool, known: bool
) -> None:
    few, picked = Few(tiny, rows, "pooled"), set()
    few.features += few.features[:5]  # where the windows of names and terms would stand
    few.setup.names, few.setup.terms = [0, 1, 2] if known else [], [1, 1]
    few.setup.pick = lambda places: (picked.update(places), few.pick(places))[1]
    Contrastive(names=asked, steps=30).prepare(few.model, few.setup)
    terms = {18, 19} if known else {15, 16}
    assert picked - set(range(15)) == terms | ({15, 16, 17} if asked and known else set())


def gap(few: Few) -> float:
    """How much nearer rows of one class are than rows of two, in cosines."""
    x = nn.functional.normalize(few.embed(few.model), dim=-1).numpy()
    alike = few.targets[:, None] == few.targets
    near = x @ x.T
    return float(near[alike & ~np.eye(len(x), dtype=bool)].mean() - near[~alike].mean())


# --- probe -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked, known", [(True, True), (True, False), (False, True)])
def test_hints_that_say_something_are_rows_to_the_probe(
    tiny: Path, rows: list[tuple[str, str]], asked: bool, known: bool
) -> None:
    few = Few(tiny, rows, "pooled")
    x = few.embed(few.model).numpy()
    names = torch.from_numpy(np.stack([x[few.targets == c].mean(0) for c in range(3)]) + 0.01)
    terms = names[[2]] - 0.02
    few.setup.names, few.setup.terms = [0, 1, 2] if known else [], [2]
    few.setup.embed_hints = lambda model: torch.cat([names, terms] if known else [terms])
    ProbeStart(names=asked).prepare(few.model, few.setup)
    more = [names, terms] if asked and known else [terms]
    seen = np.vstack([x, *more]), np.append(few.targets, [0, 1, 2, 2] if asked and known else [2])
    weight, bias = fit_probe(*seen, "single_label_classification", 3, 5)
    assert few.model.classifier.weight.detach().numpy() == pytest.approx(weight, rel=1e-5)
    assert few.model.classifier.bias.detach().numpy() == pytest.approx(bias, rel=1e-5)
    plain, _ = fit_probe(x, few.targets, "single_label_classification", 3, 5)
    assert np.allclose(weight, plain) == (not more)


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strategies",
    [
        [
            {"contrastive": {"steps": 5}},
            "freeze",
            "prototype",
            {"noisy_labels": {"kind": "small_loss"}},
            "rdrop",
            "fgm",
        ],
        [{"contrastive": {"steps": 5, "loss": "supervised"}}, "logit_adjusted", "mixup"],
        ["class_balanced", "multi_sample_dropout", "pgd"],
    ],
    ids=["few rows", "mixed", "sampled"],
)
def test_a_resumed_training_is_the_same_bit_for_bit(
    quick: dict[str, Any], tmp_path: Path, strategies: list[Any]
) -> None:
    recipe = {
        **quick, "strategies": strategies, "batching": {"size": 16, "accumulate": 2},
        "stop": {"epochs": 3, "refit": False}, "evaluate": {"folds": 0, "resamples": 10, "baselines": []},
    }  # fmt: skip
    train(recipe, folder=tmp_path / "expected")

    def at_step_seven(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(recipe, folder=tmp_path / "run", progress=at_step_seven)
    said: list[dict[str, Any]] = []
    train(recipe, folder=tmp_path / "run", resume=True, progress=said.append)
    assert [event["resumed_at"] for event in said if event["kind"] == "stage"] == [7]
    first, second = ((tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("expected", "run"))
    assert first == second


@pytest.mark.parametrize(
    "kind, options",
    [
        (Prototype, {"temperature": 0.0}), (Contrastive, {"loss": "triplet"}), (Contrastive, {"steps": 0}),
        (Contrastive, {"batch": 1}), (Contrastive, {"rate": 0.0}), (Contrastive, {"temperature": -1.0}),
    ],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**options)


def test_one_start_a_recipe() -> None:
    assert "same layer" in conflict_of("prototype", "probe_start")
    assert not conflict_of("prototype", "contrastive")

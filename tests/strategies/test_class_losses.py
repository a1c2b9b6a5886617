"""Other losses of a row: each against NumPy, with plain loops."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tunesmith.core.batch import Batch, Loss
from tunesmith.core.strategy import Progress, Strategy
from tunesmith.engine.objective import compose, window_gradient
from tunesmith.recipe.support import conflict_of, unfit
from tunesmith.strategies.class_balanced import ClassBalanced
from tunesmith.strategies.focal import Focal
from tunesmith.strategies.logit_adjusted import LogitAdjusted
from tunesmith.strategies.noisy_labels import NoisyLabels
from tunesmith.strategies.smoothing import Smoothing

NAMES = ("smoothing", "focal", "class_balanced", "logit_adjusted", "noisy_labels")
ROWS, CLASSES = 12, 4
CLASS_OF = np.array([0, 0, 0, 1, 2, 0, 0, 1, 2, 0, 3, 0])
LABELS_OF = (np.random.default_rng(2).random((ROWS, CLASSES)) < 0.3).astype(float)
LABELS_OF[0] = 0.0
LOGITS = np.random.default_rng(1).normal(size=(ROWS, CLASSES)) * 2
WEIGHTS = np.array([1, 2, 0.5, 1, 1, 3, 1, 1, 0.5, 1, 1, 1])


def batch(targets: np.ndarray, rows: slice = slice(None)) -> Batch:
    """A batch whose one input are its logits."""
    found = torch.from_numpy(targets[rows])
    weights = torch.from_numpy(WEIGHTS[rows])
    return Batch({"z": torch.from_numpy(LOGITS[rows])}, found, weights, torch.arange(len(found)), [1] * len(found))


def prepared(strategy: Any, targets: np.ndarray) -> Any:
    task = SimpleNamespace(head=lambda: SimpleNamespace(size=CLASSES))
    strategy.prepare(torch.nn.Identity(), SimpleNamespace(task=task, targets=targets))
    return strategy


def values(strategy: Strategy, targets: np.ndarray) -> np.ndarray:
    """What the strategy makes of the loss of each row, by `values` and by `of`, which have to agree."""

    def plain(batch: Batch) -> Loss:
        return Loss(torch.zeros(ROWS), outputs=batch.inputs["z"])

    loss = strategy.wrap(plain, torch.nn.Identity())(batch(targets))
    assert loss.of is not None
    assert torch.equal(loss.of(loss.outputs, batch(targets)), loss.values)
    return loss.values.numpy()


def softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z)
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def chance(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """p of what is right: [N], or [N, C] of several labels."""
    if targets.ndim == 2:
        return np.where(targets == 1, sigmoid(logits), 1 - sigmoid(logits))
    return softmax(logits)[np.arange(len(targets)), targets]


def mean(values: np.ndarray) -> np.ndarray:
    return values.mean(-1) if values.ndim == 2 else values


def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == (ROWS,)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("targets", [CLASS_OF, LABELS_OF], ids=["one", "several"])
def test_focal(targets: np.ndarray) -> None:
    p = chance(LOGITS, targets)
    assert_near(values(Focal(gamma=1.5), targets), mean(-((1 - p) ** 1.5) * np.log(p)))
    assert_near(values(Focal(gamma=0.0), targets), mean(-np.log(p)))


def test_focal_of_a_row_that_is_certain_has_a_slope() -> None:
    z = torch.tensor([[90.0, 0.0]], requires_grad=True)
    row = Batch({}, torch.tensor([0]), torch.ones(1), torch.arange(1), [1])
    Focal(gamma=0.5).losses(z, row).sum().backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


def test_smoothing_of_one_class() -> None:
    hot = np.eye(CLASSES)[CLASS_OF] * 0.8 + 0.2 / CLASSES
    assert_near(values(Smoothing(epsilon=0.2), CLASS_OF), -(hot * np.log(softmax(LOGITS))).sum(-1))


def test_smoothing_of_several_labels() -> None:
    soft = np.where(LABELS_OF == 1, 0.9, 0.1)
    p = sigmoid(LOGITS)
    assert_near(values(Smoothing(epsilon=0.2), LABELS_OF), -(soft * np.log(p) + (1 - soft) * np.log(1 - p)).mean(-1))


def test_class_balanced_of_one_class() -> None:
    effective = [sum(0.9**i for i in range(list(CLASS_OF).count(c))) for c in range(CLASSES)]
    weights = np.array([1 / e for e in effective])
    weights *= CLASSES / weights.sum()
    p = chance(LOGITS, CLASS_OF)
    assert_near(values(prepared(ClassBalanced(beta=0.9), CLASS_OF), CLASS_OF), -weights[CLASS_OF] * np.log(p))
    focal = values(prepared(ClassBalanced(beta=0.9, gamma=2.0), CLASS_OF), CLASS_OF)
    assert_near(focal, -weights[CLASS_OF] * (1 - p) ** 2 * np.log(p))
    assert weights[3] > 2 * weights[0], "the rare class counts more"


def test_class_balanced_of_several_labels() -> None:
    expected = np.zeros((ROWS, CLASSES))
    for c in range(CLASSES):
        having = int(LABELS_OF[:, c].sum())
        raw = [(1 - 0.9) / (1 - 0.9**n) for n in (ROWS - having, having)]
        for i in range(ROWS):
            has = int(LABELS_OF[i, c])
            p = sigmoid(LOGITS[i, c]) if has else 1 - sigmoid(LOGITS[i, c])
            expected[i, c] = -2 * raw[has] / sum(raw) * np.log(p)
    assert_near(values(prepared(ClassBalanced(beta=0.9), LABELS_OF), LABELS_OF), expected.mean(-1))


def test_class_balanced_without_beta_weighs_nothing() -> None:
    p = chance(LOGITS, CLASS_OF)
    assert_near(values(prepared(ClassBalanced(beta=0.0), CLASS_OF), CLASS_OF), -np.log(p))


def test_logit_adjusted_of_one_class() -> None:
    shares = np.bincount(CLASS_OF) / ROWS
    p = softmax(LOGITS + 0.7 * np.log(shares))[np.arange(ROWS), CLASS_OF]
    assert_near(values(prepared(LogitAdjusted(tau=0.7), CLASS_OF), CLASS_OF), -np.log(p))


def test_logit_adjusted_of_several_labels() -> None:
    shares = LABELS_OF.mean(0)
    p = chance(LOGITS + 0.7 * np.log(shares / (1 - shares)), LABELS_OF)
    assert_near(values(prepared(LogitAdjusted(tau=0.7), LABELS_OF), LABELS_OF), -np.log(p).mean(-1))


def test_a_class_without_rows_has_finite_weights() -> None:
    few = np.array([0, 0, 1, 1])
    for strategy in (ClassBalanced(), LogitAdjusted()):
        assert np.isfinite(values(prepared(strategy, few), CLASS_OF)).all()


@pytest.mark.parametrize("targets", [CLASS_OF, LABELS_OF], ids=["one", "several"])
def test_losses_for_wrong_labels(targets: np.ndarray) -> None:
    p = chance(LOGITS, targets)
    assert_near(values(NoisyLabels(q=0.4), targets), mean((1 - p**0.4) / 0.4))
    assert_near(values(NoisyLabels(q=1.0), targets), mean(1 - p))
    assert_near(
        values(NoisyLabels(kind="symmetric", alpha=0.3, beta=0.6), targets), mean(-0.3 * np.log(p) + 0.6 * 4 * (1 - p))
    )


@pytest.mark.parametrize("targets", [CLASS_OF, LABELS_OF], ids=["one", "several"])
def test_small_losses_are_kept_and_the_batch_weighs_as_much(targets: np.ndarray) -> None:
    strategy = prepared(NoisyLabels(kind="small_loss", share=0.4, ramp_epochs=2.0), targets)
    plain = mean(-np.log(chance(LOGITS, targets)))
    assert_near(values(strategy, targets), plain)
    for epoch, out in ((1.0, 2), (2.0, 4), (9.0, 4)):  # ⌊0.2 · 12⌋ and ⌊0.4 · 12⌋
        strategy.on_progress(Progress(0.5, 5, epoch), torch.nn.Identity())
        kept = np.ones(ROWS)
        kept[np.argsort(-plain)[:out]] = 0
        found = values(strategy, targets)
        assert_near(found, plain * kept * WEIGHTS.sum() / (WEIGHTS * kept).sum())
        mean_of_kept = np.average(plain[kept == 1], weights=WEIGHTS[kept == 1])
        assert np.average(found, weights=WEIGHTS) == pytest.approx(mean_of_kept)
    prepared(strategy, targets)
    assert_near(values(strategy, targets), plain)


@pytest.mark.parametrize(
    "strategy",
    [Smoothing(), Focal(), ClassBalanced(), LogitAdjusted(), NoisyLabels(), NoisyLabels(kind="symmetric")],
    ids=lambda strategy: type(strategy).__name__,
)
@pytest.mark.parametrize("targets", [CLASS_OF, LABELS_OF], ids=["one", "several"])
def test_parts_of_a_step_give_the_gradient_of_the_whole(strategy: Strategy, targets: np.ndarray) -> None:
    prepared(strategy, targets)
    layer = torch.nn.Linear(CLASSES, CLASSES).double()

    def plain(batch: Batch) -> Loss:
        outputs = layer(batch.inputs["z"])
        return Loss(outputs[:, 0], outputs=outputs)

    objective = compose(plain, [strategy], layer)

    def gradient(*parts: slice) -> torch.Tensor:
        layer.zero_grad()
        window_gradient(objective, [batch(targets, part) for part in parts], layer, [], lambda loss: loss.backward())
        assert layer.weight.grad is not None
        return layer.weight.grad.clone()

    whole = gradient(slice(0, ROWS))
    assert torch.allclose(whole, gradient(slice(0, 5), slice(5, 11), slice(11, ROWS)), atol=1e-12)
    assert not torch.allclose(whole, gradient(slice(0, 5)), atol=1e-4), "the test could not fail"


@pytest.mark.parametrize(
    "kind, options",
    [
        (Smoothing, {"epsilon": 1.0}), (Focal, {"gamma": -1}), (ClassBalanced, {"beta": 1.0}),
        (LogitAdjusted, {"tau": -0.1}), (NoisyLabels, {"q": 0.0}), (NoisyLabels, {"kind": "bootstrap"}),
        (NoisyLabels, {"share": 1.0}), (NoisyLabels, {"ramp_epochs": 0.0}),
    ],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(kind: type[Strategy], options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**options)


def test_one_loss_a_recipe_and_only_for_classes() -> None:
    for name in NAMES:
        assert "the second would undo the first" in conflict_of(name, "smoothing" if name != "smoothing" else "focal")
        assert list(unfit([name], "regression", "regress"))
        assert not list(unfit([name], "token_classification", "tag"))


def test_the_slope_of_a_row_that_contradicts_is_small() -> None:
    """What makes them robust: at p near 0 the cross-entropy pulls with 1, these with p^q and about α."""
    z = torch.tensor([[-12.0, 12.0]], dtype=torch.float64)
    row = Batch({}, torch.tensor([0]), torch.ones(1), torch.arange(1), [1])
    pulls = []
    for strategy in (Smoothing(epsilon=0.0), NoisyLabels(), NoisyLabels(kind="symmetric", alpha=0.1)):
        logits = z.clone().requires_grad_()
        strategy.losses(logits, row).sum().backward()
        assert logits.grad is not None
        pulls.append(float(logits.grad[0, 0].abs()))
    assert pulls[0] == pytest.approx(1.0, abs=1e-6)
    assert pulls[1] == pytest.approx(math.exp(-24) ** 0.7, rel=1e-3)
    assert pulls[2] == pytest.approx(0.1, abs=1e-6)

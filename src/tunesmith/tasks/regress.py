"""A number for one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric
from tunesmith.evaluation import metrics as figures
from tunesmith.evaluation.figure import Array
from tunesmith.tasks import rows

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Regress:
    """A number: similarity, price, severity.

    The model learns (y − mean) / scale, so that the same rates suit prices and probabilities; a bundle has both folded
    into its last layer and gives y itself.
    """

    mean: float = 0.0
    scale: float = 1.0
    name: str = "regress"
    metric: str = "pearson"
    baselines: tuple[str, ...] = rows.BASELINES
    labels: tuple[str, ...] = ()

    reads = rows.TEXT
    gold = ("label",)

    read = rows.read
    baseline = rows.compare_with
    show = rows.show
    row = rows.row
    cells = rows.cells

    def fit(self, examples: Sequence[Example]) -> Regress:
        """Return the task with the mean and standard deviation of the targets of `examples`."""
        values = [_number(e) for e in examples if e.target is not None]
        mean = sum(values) / max(1, len(values))
        spread = (sum((v - mean) ** 2 for v in values) / max(1, len(values))) ** 0.5
        return replace(self, mean=mean, scale=spread or 1.0)

    def head(self) -> HeadSpec:
        """Return a head with one output."""
        return HeadSpec("regression", ())

    def target(self, example: Example) -> float:
        """Return the number itself."""
        return _number(example)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the squared error of each example in units of the standard deviation, [N]."""
        assert batch.targets is not None, "a loss needs targets"
        return (values.squeeze(-1) - (batch.targets - self.mean) / self.scale) ** 2

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return the predicted numbers, [N]."""
        return (read.values.squeeze(-1) * self.scale + self.mean).numpy()

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the numbers as predictions."""
        return [Prediction(label=float(value), score=float(value)) for value in answers]

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the numbers, [N]."""
        return np.asarray([self.target(e) for e in examples], dtype=np.float64)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of regression."""
        return figures.REGRESS

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Regress, float]:
        """Return the task as it is: a number has no temperature."""
        return self, 1.0

    def shipped(self) -> tuple[Regress, float, float]:
        """Return the task whose model gives y itself: its last layer takes up scale and mean."""
        return Regress(), self.scale, self.mean

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return the scatter of right and predicted numbers."""
        pairs = list(zip(truth.tolist(), answers.tolist(), strict=True))
        return {"scatter": [list(pair) for pair in pairs[:: max(1, len(pairs) // rows.DOTS)]]}

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the rows whose number is off, the furthest first."""
        return rows.largest_gaps(self.truth(examples), answers)

    def state(self) -> dict[str, Any]:
        """Return mean and scale."""
        return {"mean": self.mean, "scale": self.scale}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Regress:
        """Return the task that `state` describes."""
        return cls(mean=float(state["mean"]), scale=float(state["scale"]))


def _number(example: Example) -> float:
    assert isinstance(example.target, (int, float, str)), f"{example.source}: {example.target!r} is no number"
    return float(example.target)

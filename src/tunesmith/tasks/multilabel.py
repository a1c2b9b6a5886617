"""Several classes, or none, for one text."""

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
from tunesmith.evaluation.calibrate import fit_temperature
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.thresholds import choose
from tunesmith.tasks import rows
from tunesmith.tasks.labels import index, ordered

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Multilabel:
    """Any number of classes per row, each decided on its own.

    Args:
        labels: class names, in order.
        thresholds: the probability from which each class is given; chosen on dev, 0.5 until then.
    """

    labels: tuple[str, ...] = ()
    thresholds: tuple[float, ...] = ()
    name: str = "multilabel"
    metric: str = "macro_f1"
    baselines: tuple[str, ...] = rows.BASELINES

    reads = rows.TEXT
    gold = ("label",)

    read = rows.read
    shipped = rows.shipped
    baseline = rows.compare_with
    worst = rows.surest_errors
    show = rows.show
    row = rows.row
    cells = rows.cells

    def fit(self, examples: Sequence[Example]) -> Multilabel:
        """Return the task with the label names of `examples`."""
        labels = ordered(name for e in examples for name in _names(e))
        return replace(self, labels=labels, thresholds=(0.5,) * len(labels))

    def head(self) -> HeadSpec:
        """Return a head with one output per class."""
        return HeadSpec("multi_label_classification", self.labels)

    def target(self, example: Example) -> list[float]:
        """Return 1.0 for the classes the row has, 0.0 for the others."""
        given = {index(name, self.labels, example.source) for name in _names(example)}
        return [float(i in given) for i in range(len(self.labels))]

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the binary cross-entropy of each example, averaged over the classes, [N]."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        assert batch.targets is not None, "a loss needs targets"
        return binary_cross_entropy_with_logits(values, batch.targets, reduction="none").mean(-1)

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return sigmoid(logits), [N, C]."""
        return read.values.sigmoid().numpy()

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the classes at or over their thresholds; the score is that of the least certain decision."""
        predictions = []
        for row in answers:
            chosen = [p >= t for p, t in zip(row, self.thresholds, strict=True)]
            certain = min((float(p if yes else 1 - p) for p, yes in zip(row, chosen, strict=True)), default=1.0)
            names = tuple(name for name, yes in zip(self.labels, chosen, strict=True) if yes)
            scores = dict(zip(self.labels, map(float, row), strict=True))
            predictions.append(Prediction(label=names, score=certain, scores=scores))
        return predictions

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return 1.0 for the classes each row has, [N, C]."""
        return np.asarray([self.target(e) for e in examples], dtype=np.float64)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of several labels, decided at the thresholds."""
        return figures.multilabel(np.asarray(self.thresholds))

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Multilabel, float]:
        """Return the task with the thresholds, and the temperature, that fit these rows."""
        truth = self.truth(examples)
        temperature = fit_temperature(read.values.numpy(), truth, self.head().problem)
        thresholds = choose(truth, (read.values / temperature).sigmoid().numpy())
        return replace(self, thresholds=tuple(float(t) for t in thresholds)), temperature

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return figures by class at the thresholds, and calibration."""
        odds = (np.clip(answers, 1e-9, 1 - 1e-9) / np.clip(1 - answers, 1e-9, 1)) ** temperature
        return {
            "per_class": figures.per_class(truth, answers, self.labels, np.asarray(self.thresholds)),
            "calibration": rows.before_and_after(truth, odds / (1 + odds), answers, temperature),
        }

    def state(self) -> dict[str, Any]:
        """Return label names and thresholds."""
        return {"labels": list(self.labels), "thresholds": list(self.thresholds)}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Multilabel:
        """Return the task that `state` describes."""
        return cls(labels=tuple(state["labels"]), thresholds=tuple(state["thresholds"]))


def _names(example: Example) -> tuple[str, ...]:
    if isinstance(example.target, tuple):
        return tuple(str(name) for name in example.target)
    return () if example.target is None else (str(example.target),)

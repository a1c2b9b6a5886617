"""One class of several for one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, targets_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric
from tunesmith.evaluation import metrics as figures
from tunesmith.evaluation.calibrate import fit_temperature
from tunesmith.evaluation.figure import Array
from tunesmith.tasks import rows
from tunesmith.tasks.labels import index, ordered

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Classify:
    """One class of several: intents, topics, sentiment, stars as classes.

    Use it when every row has exactly one label. Prefer `multilabel` when a row can have several, `regress` when the
    distance between labels means something.
    """

    labels: tuple[str, ...] = ()
    name: str = "classify"
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

    def fit(self, examples: Sequence[Example]) -> Classify:
        """Return the task with the label names of `examples`."""
        return replace(self, labels=ordered(str(t) for t in targets_of(examples) if t is not None))

    def head(self) -> HeadSpec:
        """Return a head with one output per class."""
        return HeadSpec("single_label_classification", self.labels)

    def target(self, example: Example) -> int:
        """Return the class index."""
        return index(example.target, self.labels, example.source)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy −log p(target) of each example, [N]."""
        from torch.nn.functional import cross_entropy

        assert batch.targets is not None, "a loss needs targets"
        return cross_entropy(values, batch.targets, reduction="none")

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return softmax(logits), [N, C]."""
        return read.values.softmax(-1).numpy()

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the most probable class of each row."""
        best = answers.argmax(1)
        return [
            Prediction(
                label=self.labels[k], score=float(row[k]), scores=dict(zip(self.labels, map(float, row), strict=True))
            )
            for k, row in zip(best, answers, strict=True)
        ]

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return class indices, [N]."""
        return np.asarray([self.target(e) for e in examples], dtype=np.int64)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of classification."""
        return figures.CLASSIFY

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Classify, float]:
        """Return the task as it is, and the temperature that fits these rows."""
        return self, fit_temperature(read.values.numpy(), self.truth(examples), self.head().problem)

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return figures by class, confusion and calibration."""
        # softmax(z) from p = softmax(z / t): the logarithm of p is z / t up to a constant.
        powered = np.clip(answers, 1e-12, 1) ** temperature
        before = powered / powered.sum(1, keepdims=True)
        return {
            "per_class": figures.per_class(truth, answers, self.labels),
            "calibration": rows.before_and_after(truth, before, answers, temperature),
            "confusion": figures.confusion(truth, answers, self.labels),
        }

    def state(self) -> dict[str, Any]:
        """Return the label names."""
        return {"labels": list(self.labels)}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Classify:
        """Return the task that `state` describes."""
        return cls(labels=tuple(state["labels"]))

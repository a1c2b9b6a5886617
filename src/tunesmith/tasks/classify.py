"""One class of several for one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunesmith.core.batch import Batch
from tunesmith.core.example import Example
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric
from tunesmith.evaluation import metrics as figures
from tunesmith.tasks.labels import index, ordered

if TYPE_CHECKING:
    import numpy as np
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

    def fit(self, examples: Sequence[Example]) -> Classify:
        """Return the task with the label names of `examples`."""
        return replace(self, labels=ordered(str(e.target) for e in examples if e.target is not None))

    def head(self) -> HeadSpec:
        """Return a head with one output per class."""
        return HeadSpec("single_label_classification", self.labels)

    def target(self, example: Example) -> int:
        """Return the class index."""
        return index(example.target, self.labels, example.source)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy −log p(target) of each example, [N]."""
        from torch.nn.functional import cross_entropy

        assert batch.targets is not None, "a loss needs targets"
        return cross_entropy(outputs, batch.targets, reduction="none")

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return softmax(outputs), [N, C]."""
        return outputs.softmax(-1)

    def decode(self, probabilities: np.ndarray[Any, Any]) -> Sequence[Prediction]:
        """Return the most probable class of each row."""
        best = probabilities.argmax(1)
        return [
            Prediction(
                label=self.labels[k], score=float(row[k]), scores=dict(zip(self.labels, map(float, row), strict=True))
            )
            for k, row in zip(best, probabilities, strict=True)
        ]

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of classification."""
        return figures.CLASSIFY

    def state(self) -> dict[str, Any]:
        """Return the label names."""
        return {"labels": list(self.labels)}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Classify:
        """Return the task that `state` describes."""
        return cls(labels=tuple(state["labels"]))

"""Two texts whose relation is a class or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tunesmith.core.batch import Batch
from tunesmith.core.example import Example
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric
from tunesmith.tasks.classify import Classify
from tunesmith.tasks.regress import Regress

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts read together: paraphrase, entailment, similarity.

    Whether the answer is a class or a number is read off the targets: the work is `classify`'s or `regress`'s.
    """

    inner: Classify | Regress = field(default_factory=Classify)
    name: str = "pair"

    @property
    def metric(self) -> str:
        """The metric that early stopping watches."""
        return self.inner.metric

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in order; empty for numbers."""
        return self.inner.labels

    def fit(self, examples: Sequence[Example]) -> Pair:
        """Return the task for the targets of `examples`: numbers if they are floats, else classes."""
        numbers = any(isinstance(e.target, float) for e in examples)
        return replace(self, inner=(Regress() if numbers else Classify()).fit(examples))

    def head(self) -> HeadSpec:
        """Return the head that the answer needs."""
        return self.inner.head()

    def target(self, example: Example) -> int | float:
        """Return the class index or the number."""
        return self.inner.target(example)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each pair, [N]."""
        return self.inner.losses(outputs, batch)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return probabilities [N, C] or numbers [N]."""
        return self.inner.probabilities(outputs)

    def decode(self, probabilities: np.ndarray[Any, Any]) -> Sequence[Prediction]:
        """Return a prediction per pair."""
        return self.inner.decode(probabilities)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of the answer's kind."""
        return self.inner.metrics()

    def state(self) -> dict[str, Any]:
        """Return the state of the inner task and its name."""
        return {"inner": self.inner.name, **self.inner.state()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Pair:
        """Return the task that `state` describes."""
        inner = Regress if state["inner"] == "regress" else Classify
        return cls(inner=inner.load(state))

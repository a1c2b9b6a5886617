"""What the numbers mean: the verbs that every task has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from tunesmith.core.batch import Batch
    from tunesmith.core.example import Example
    from tunesmith.core.prediction import Prediction

Metric: TypeAlias = Callable[["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"], float]
"""(targets [N] or [N, C], outputs [N, C] of probabilities or [N] of numbers) → a figure; see `evaluation.metrics`."""

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """The head that a task needs, in the words of `transformers` configurations."""

    problem: Problem
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of outputs."""
        return max(1, len(self.labels))


class Task(Protocol):
    """The same verbs in every task. A task is a value: `fit` returns a new one."""

    name: str
    metric: str
    """The metric that early stopping watches by default; higher is better unless `maximise` is False."""

    def fit(self, examples: Sequence[Example]) -> Task:
        """Learn label names and their order from the train split only."""
        ...

    def head(self) -> HeadSpec:
        """Return the head it needs."""
        ...

    def target(self, example: Example) -> Any:
        """Return the target as the loss wants it."""
        ...

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each unit, [N], unreduced, from outputs [N, C]."""
        ...

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return probabilities [N, C] (numbers [N] for regression) from outputs [N, C]."""
        ...

    def decode(self, probabilities: np.ndarray[Any, Any]) -> Sequence[Prediction]:
        """Return a prediction per row of probabilities [N, C] or numbers [N]."""
        ...

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures that a report of this task holds, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """Return plain data from which `load_task` builds an equal task: labels, thresholds, scaling."""
        ...

"""Two texts whose relation is a class or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, targets_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric, Vectors
from tunesmith.evaluation.figure import Array
from tunesmith.tasks import rows
from tunesmith.tasks.classify import Classify
from tunesmith.tasks.regress import Regress

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts read together: paraphrase, entailment, similarity.

    Whether the answer is a class or a number is read off the targets: the work is `classify`'s or `regress`'s.
    """

    inner: Classify | Regress = field(default_factory=Classify)
    name: str = "pair"
    baselines: tuple[str, ...] = rows.BASELINES

    reads = (("text_a", "text_b"),)
    gold = ("label",)

    row = rows.row
    cells = rows.cells

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
        numbers = any(isinstance(target, float) for target in targets_of(examples))
        return replace(self, inner=(Regress() if numbers else Classify()).fit(examples))

    def head(self) -> HeadSpec:
        """Return the head that the answer needs."""
        return self.inner.head()

    def target(self, example: Example) -> int | float:
        """Return the class index or the number."""
        return self.inner.target(example)

    def read(self, output: Any, batch: Batch) -> Tensor:
        """Return the outputs of each pair, [N, C]."""
        return self.inner.read(output, batch)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each pair, [N]."""
        return self.inner.losses(values, batch)

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return probabilities [N, C] or numbers [N]."""
        return self.inner.answers(read, examples)

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return a prediction per pair."""
        return self.inner.decode(answers, examples)

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return class indices or numbers, [N]."""
        return self.inner.truth(examples)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of the answer's kind."""
        return self.inner.metrics()

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Pair, float]:
        """Return the task, and the temperature that fits these rows."""
        inner, temperature = self.inner.calibrate(read, examples)
        return replace(self, inner=inner), temperature

    def shipped(self) -> tuple[Pair, float, float]:
        """Return the task of the bundle, and what its last layer takes up."""
        inner, scale, shift = self.inner.shipped()
        return replace(self, inner=inner), scale, shift

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return what a baseline says."""
        return self.inner.baseline(name, train, test, seed, vectors)

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return the parts of the report of the answer's kind."""
        return self.inner.breakdown(truth, answers, temperature)

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the errors, the worst first."""
        return self.inner.worst(examples, answers)

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the pair at a place with its prediction."""
        return self.inner.show(at, examples, answers)

    def state(self) -> dict[str, Any]:
        """Return the state of the inner task and its name."""
        return {"inner": self.inner.name, **self.inner.state()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Pair:
        """Return the task that `state` describes."""
        inner = Regress if state["inner"] == "regress" else Classify
        return cls(inner=inner.load(state))

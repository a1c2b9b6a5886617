"""What the numbers mean: the verbs that every task has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from tunesmith.core.batch import Batch, Read
    from tunesmith.core.example import Example
    from tunesmith.core.prediction import Prediction

Array: TypeAlias = "np.ndarray[Any, Any]"
Metric: TypeAlias = Callable[[Array, Array], float]
"""(truth, answers) → a figure, both with one entry per row; what the entries are is the task's own."""

Vectors: TypeAlias = Callable[[], "tuple[Read, Read]"]
"""What the body as it was pretrained gives of the units of train and test rows, [U, H] each; worked out when called."""

Problem = Literal[
    "single_label_classification", "multi_label_classification", "regression",
    "token_classification", "question_answering", "embedding", "causal", "seq2seq", "masked",
]  # fmt: skip

Layout = Literal["row", "words", "question", "apart", "dialogue", "source", "stream"]
"""How an example becomes windows: its one or two texts as one input (`row`), one text whose words are the units
(`words`), a question before each window of a context whose words are the units (`question`), each text on its own
(`apart`), a dialogue whose units are the tokens that the assistant writes (`dialogue`), a text beside another that
is to be written, whose tokens are the units (`source`), or a block of running text, of which some tokens or all are to
be foreseen (`stream`)."""


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """The head that a task needs, in the words of `transformers` configurations.

    Args:
        problem: what it gives.
        labels: the names of its outputs.
        streams: whether it reads running text, as while it was pretrained, and not rows.
    """

    problem: Problem
    labels: tuple[str, ...]
    streams: bool = False

    @property
    def size(self) -> int:
        """The number of outputs."""
        return 2 if self.problem == "question_answering" else max(1, len(self.labels))

    @property
    def layout(self) -> Layout:
        """How examples become windows for this head."""
        layouts: dict[str, Layout] = {
            "token_classification": "words", "question_answering": "question", "embedding": "apart",
            "causal": "dialogue", "seq2seq": "source",
        }  # fmt: skip
        return "stream" if self.streams else layouts.get(self.problem, "row")

    @property
    def writes(self) -> bool:
        """Whether the answer is a text that the model writes."""
        return self.problem in ("causal", "seq2seq") and not self.streams


class Task(Protocol):
    """The same verbs in every task. A task is a value: `fit` returns a new one.

    The way of an answer: model → `read` (a row per unit) → `answers` (an entry per example, what metrics take) →
    `decode` (what a user sees).
    """

    @property
    def name(self) -> str:
        """The name in the table of tasks."""
        ...

    @property
    def metric(self) -> str:
        """The metric that early stopping watches by default; `evaluation.metrics` says which way is better."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The names a user knows: classes, kinds of spans; empty where there are none."""
        ...

    @property
    def baselines(self) -> tuple[str, ...]:
        """What a tuned model is compared with by default."""
        ...

    @property
    def reads(self) -> tuple[tuple[str, ...], ...]:
        """The roles of the texts it reads, such as `question` and `context`; further tuples are other ways to ask."""
        ...

    @property
    def gold(self) -> tuple[str, ...]:
        """The roles of the columns that can say what is to be predicted, such as `label`."""
        ...

    def fit(self, examples: Sequence[Example]) -> Task:
        """Learn label names and their order from the train split only."""
        ...

    def head(self) -> HeadSpec:
        """Return the head it needs."""
        ...

    def target(self, example: Example) -> Any:
        """Return the target as the loss wants it; a list with an entry per word where words are the units."""
        ...

    def read(self, output: Any, batch: Batch) -> Tensor:
        """Return a row per unit, [U, …], from what the model returned for `batch`."""
        ...

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the losses, [N], unreduced, from what `read` gave."""
        ...

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return what metrics take, an entry per example: probabilities [N, C], numbers [N], vectors, or spans."""
        ...

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return a prediction per example."""
        ...

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the right answers as metrics take them, an entry per example."""
        ...

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures that a report of this task holds, by name."""
        ...

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Task, float]:
        """Return the task with the thresholds, and the temperature, that fit dev rows best."""
        ...

    def shipped(self) -> tuple[Task, float, float]:
        """Return the task of the bundle, and the scale and shift that its last layer takes up."""
        ...

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return the answers of a baseline to `test`: `majority`, `tfidf`, or `frozen`, a linear head on `vectors`."""
        ...

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return the parts of report.json that only such a task has: figures by class, confusion, calibration, …"""
        ...

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the places of the examples that were answered wrongly, the worst first."""
        ...

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the example at a place with its answer, as `core.report_schema.Shown`."""
        ...

    def row(self, found: Prediction) -> dict[str, Any]:
        """Return a prediction as plain data, as `predict --json` prints it."""
        ...

    def cells(self, found: Prediction) -> dict[str, Any]:
        """Return what a prediction adds to the columns of a file, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """Return plain data from which `load_task` builds an equal task: labels, thresholds, scaling."""
        ...

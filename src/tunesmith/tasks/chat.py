"""What the assistant says next: instructions, dialogue, any text that follows from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.core.example import Example
from tunesmith.core.task import HeadSpec
from tunesmith.tasks import rows, writing


@dataclass(frozen=True, slots=True)
class Chat:
    """A causal language model that answers as the data do.

    The dialogue is set in the model's own chat template. Loss is taken on what the assistant says, in every turn and
    with the token that ends the turn, and on nothing else: the model learns to answer, not to ask.

        ℓ = −Σ log p(token | all before it) over the tokens of the assistant, each token of a batch with equal weight

    Use it for instructions and dialogue, and for any text from a text with a decoder that has learnt to follow
    instructions; `seq2seq` for models with an encoder of their own.

    Source: Ouyang et al. 2022, Training language models to follow instructions with human feedback, section 3.5
    (supervised fine-tuning).
    """

    name: str = "chat"
    metric: str = "perplexity"
    labels: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("copy", "nearest", "untuned")

    reads = (("prompt",),)
    gold = ("messages", "response", "system")

    target = writing.target
    read = writing.read
    losses = writing.losses
    answers = writing.answers
    decode = writing.decode
    truth = writing.truth
    metrics = writing.metrics
    calibrate = writing.calibrate
    shipped = rows.shipped
    baseline = writing.baseline
    breakdown = writing.breakdown
    worst = writing.worst
    show = writing.show
    row = writing.row
    cells = writing.cells
    state = writing.state

    def fit(self, examples: Sequence[Example]) -> Chat:
        """Return the task as it is."""
        return self

    def head(self) -> HeadSpec:
        """Return the head that the language model has."""
        return HeadSpec("causal", ())

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Chat:
        """Return the task."""
        return cls()

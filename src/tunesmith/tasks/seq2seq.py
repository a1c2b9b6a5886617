"""A text from a text: translation, summary, subject lines, any rewriting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.core.example import Example
from tunesmith.core.task import HeadSpec
from tunesmith.tasks import rows, writing


@dataclass(frozen=True, slots=True)
class Seq2Seq:
    """An encoder that reads a text, and a decoder that writes another from it.

    Loss is taken on every token of the target and on the one that ends it; the decoder reads the target moved by one,
    behind the token from which its family starts.

        ℓ = −Σ log p(token | the source, the target before it), each token of a batch with equal weight

    Use it for translation, summaries and rewriting with T5, BART, mBART, Marian or NLLB, and with an encoder-decoder
    made of two encoders; prefer `chat` where a decoder that follows instructions is at hand.

    Source: Sutskever, Vinyals and Le 2014, Sequence to Sequence Learning with Neural Networks, equation 1; Vaswani et
    al. 2017, Attention Is All You Need, section 3.1, for the two sides.
    """

    name: str = "seq2seq"
    metric: str = "perplexity"
    labels: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("copy", "lead", "untuned")

    reads = (("source",),)
    gold = ("target",)

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

    def fit(self, examples: Sequence[Example]) -> Seq2Seq:
        """Return the task as it is."""
        return self

    def head(self) -> HeadSpec:
        """Return the head that the model has."""
        return HeadSpec("seq2seq", ())

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Seq2Seq:
        """Return the task."""
        return cls()

"""Running text, foreseen token by token: what a model is pretrained with, gone on with on text of a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from tunesmith.core.example import BlockExample, Example
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Array, HeadSpec, Metric, Task, Vectors
from tunesmith.evaluation.writing import WRITING
from tunesmith.tasks import rows, writing

Kind = Literal["masked", "causal"]


@dataclass(frozen=True, slots=True)
class Masked:
    """A language model that goes on being pretrained on text of a domain or a language.

    An encoder foresees tokens that are hidden from it, given those on both sides; a decoder foresees every token but
    the first, given all before it.

        ℓ = −log p(token | what the model sees), each token of a batch with equal weight

    Use it when there is plenty of text of the domain and few labelled rows of it: what it gives is a model folder that
    any other recipe starts from.

    Args:
        kind: `masked` for an encoder, `causal` for a decoder.

    Source: Gururangan et al. 2020, Don't Stop Pretraining, section 3 (domain-adaptive pretraining).
    """

    name: str = "masked"
    metric: str = "perplexity"
    labels: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("untuned",)
    kind: Kind = "masked"

    reads = (("text",),)
    gold = ()

    target = writing.target
    read = writing.read
    losses = writing.losses
    answers = writing.answers
    calibrate = writing.calibrate
    shipped = rows.shipped
    row = writing.row
    cells = writing.cells

    def fit(self, examples: Sequence[Example]) -> Masked:
        """Return the task as it is."""
        return self

    def of_kind(self, kind: Kind) -> Masked:
        """Return the task for an encoder (`masked`) or a decoder (`causal`)."""
        return replace(self, kind=kind)

    def head(self) -> HeadSpec:
        """Return the head that the language model was pretrained with."""
        return HeadSpec(self.kind, (), streams=True)

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the tokens that are to be foreseen, an array [N] of how many they are: the losses know the rest."""
        return np.array([len(example.due) for example in examples if isinstance(example, BlockExample)])

    def metrics(self) -> Mapping[str, Metric]:
        """Return the one figure there is; of masked tokens it is called pseudo-perplexity elsewhere."""
        return MappingProxyType({"perplexity": WRITING["perplexity"]})

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the perplexity of each block."""
        return [Prediction(label=self.metrics()["perplexity"](answers[[at]], answers[[at]]), score=float("nan"))
                for at in range(len(answers))]  # fmt: skip

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return nothing; the one baseline is the model before."""
        raise AssertionError(f"no baseline {name}")

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return nothing more."""
        return {}

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return nothing: no block is wrong."""
        return ()

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the text of a block."""
        example = examples[at]
        assert isinstance(example, BlockExample), "a block of running text"
        return {"id": example.id, "source": example.source, "text": example.text}

    def state(self) -> dict[str, Any]:
        """Return which kind of model it is."""
        return {"kind": self.kind}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Task:
        """Return the task."""
        return cls(kind=state["kind"])

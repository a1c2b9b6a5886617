"""What a model says of one example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of the text that a model points at: `text` is exactly the text's `[start:end]`, in characters.

    Args:
        label: what it is; empty for the answer to a question.
        score: how sure the model is, 0..1.
    """

    start: int
    end: int
    text: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote for one example, and how likely it holds the reference.

    Args:
        text: what it wrote; None where nothing was asked for, as while training, when only the loss is looked at.
        loss: the sum of −log p, in nats, over the reference's tokens that carry loss (of a dialogue all that the
            assistant says); nan where the writer gives no probabilities.
        tokens: how many tokens that are.
    """

    text: str | None
    loss: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer for one example.

    Args:
        label: a class name (`classify`, `pair`), a tuple of names (`multilabel`; for `tag` the kinds of its spans, in
            order), a number (`regress`, and for `embed` the cosine similarity), or the text of the answer (`answer`;
            empty where there is none).
        score: the probability of `label` (for `multilabel` and `tag` that of the least certain part); 0..1.
            For `regress` and `embed` it is the number itself.
        scores: the probability of every class, in class order; empty where there are no classes of the whole row.
        vector: of a text, float32 [H], where vectors were asked for (`embed`); `label` is empty then.
        spans: where in the text (`tag`) or context (`answer`) it stands, in order.
        evidence: what else spoke for or against, one sentence each.
        sure: whether the score reaches the threshold that the model came with; true where it has none.
    """

    label: str | float | tuple[str, ...]
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    vector: np.ndarray[Any, Any] | None = None
    spans: tuple[Mention, ...] = ()
    evidence: tuple[str, ...] = ()
    sure: bool = True

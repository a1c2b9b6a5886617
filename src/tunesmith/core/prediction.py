"""What a model says of one example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer for one example.

    Args:
        label: a class name (`classify`, `pair`), a tuple of names (`multilabel`) or a number (`regress`).
        score: the probability of `label` (for `multilabel` the least certain of its decisions); 0..1.
            For `regress` it is the predicted number itself.
        scores: the probability of every class, in class order; empty for `regress`.
        evidence: what else spoke for or against, one sentence each.
    """

    label: str | float | tuple[str, ...]
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()

"""Rules → labels of rows that nobody has labelled, each with how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.knowledge.labelmodel import LabelModel, dawid_skene, loudness_of
from tunesmith.knowledge.odds import softmax
from tunesmith.knowledge.rules import Rules

Array = np.ndarray[Any, Any]

CLAIM = 0.5
"""The odds, as a logarithm, that the vote of a single hit is right before the rows have spoken: 62 %."""
DOUBT = 1000.0
"""Rows of each class for which that speaks. docs/decisions.md has what was tried."""
MOST = 3
"""Hits of a rule on a row beyond which they are not told apart."""


@dataclass(frozen=True, slots=True)
class WeakLabels:
    """What rules say of rows.

    Args:
        labels: K names.
        places: [M] of the rows on which they say something; the others have no label.
        chances: of each label for these, [M, K].
        right: share of the rows on which each rule fires that its vote is taken to be right on, [R]; NaN for none.
        loudness: how much each rule counts, [R]: less than 1 where others fire on the same rows.
    """

    labels: tuple[str, ...]
    places: Array
    chances: Array
    right: Array
    loudness: Array

    @property
    def best(self) -> Array:
        """The place of the likeliest label of each, int64 [M]."""
        return np.asarray(self.chances.argmax(axis=1))

    @property
    def weights(self) -> Array:
        """How much each should count, [M]: 0 for a chance of 1 / K, 1 for certainty."""
        classes = len(self.labels)
        return np.asarray((self.chances.max(axis=1) * classes - 1) / (classes - 1))


def weak_labels(rules: Rules, counts: Array, labels: Sequence[str]) -> WeakLabels:
    """Return what rules say of rows, weighed without gold labels.

    Each rule is a voter whose answers are its hits, none to `MOST`. How often it fires on rows of a class is worked out
    from what all of them say (`labelmodel`), beginning with what they claim. Rows on which the votes say nothing are
    left out.

    Args:
        rules: R of them.
        counts: how often each fires on each row, [N, R].
        labels: K names, at least two.
    """
    votes = rules.votes(counts, labels)
    places = np.flatnonzero((votes != 0).any(axis=1))
    some = np.minimum(counts[places], MOST)
    claim = CLAIM + np.log(len(labels) - 1)  # of more labels a hit has to raise its own further
    start = softmax(claim * votes[places]) if len(places) else np.zeros((0, len(labels)))
    loudness = loudness_of(np.log2(1 + some), start)
    found = dawid_skene(np.eye(MOST + 1)[some], start, doubt=DOUBT, loudness=loudness)
    right = _rightness(rules, labels, some > 0, found)
    return WeakLabels(tuple(labels), places, found.chances, right, loudness)


def _rightness(rules: Rules, labels: Sequence[str], fires: Array, found: LabelModel) -> Array:
    """Return the mean chance that the vote of a rule is right where it fires, [R]."""
    directions = rules.directions(labels)
    agree = found.chances @ directions.T + (directions < 0).any(axis=1)  # a vote against is right of all other labels
    with np.errstate(invalid="ignore"):
        right = (agree * fires).sum(axis=0) / fires.sum(axis=0)
    return np.where((directions != 0).any(axis=1), right, np.nan)

"""A figure that can be taken of many resamples at once, which is what makes an interval on every score cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Over: TypeAlias = Callable[[Array, Array, Array], Array]
"""(targets, outputs, counts [N, R]) → [R]: the figure of R resamples; `counts[i, r]` says how often r holds row i."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric: called with targets and outputs it gives the figure, `over` gives it for many resamples.

    Both are one formula: the plain figure is the resample that holds every row once. Undefined is nan, never an error.

    Args:
        over: the formula.
        per_class: whether its cost grows with the number of classes, so that intervals of many classes take fewer
            resamples.
    """

    over: Over
    per_class: bool = False

    def __call__(self, targets: Array, outputs: Array) -> float:
        """Return the figure of these rows."""
        if not len(targets):
            return float("nan")
        return float(self.over(targets, outputs, np.ones((len(targets), 1)))[0])


def as_objects(rows: Iterable[Any]) -> Array:
    """Return a one-dimensional array whose entries are the rows, whatever these are."""
    return np.fromiter(rows, dtype=object)


def row_mean(values: Array, counts: Array) -> Array:
    """Return the mean of `values` [N] in every resample, [R]."""
    mean: Array = np.asarray(values, dtype=np.float64) @ counts / counts.sum(axis=0)
    return mean


def group_sums(groups: Array, size: int, counts: Array, keep: Array | None = None) -> Array:
    """Return how many rows of every group (0 ≤ group < size) each resample holds, [size, R]; only rows in `keep` [N].

    A sparse product: N · R additions whatever the number of groups.
    """
    from scipy import sparse

    ones = np.ones(len(groups)) if keep is None else keep.astype(np.float64)
    table = sparse.csr_array((ones, (groups, np.arange(len(groups)))), shape=(size, len(groups)))
    sums: Array = table @ counts
    return sums


def divide(above: Array, below: Array, otherwise: float) -> Array:
    """Return `above / below`, and `otherwise` where `below` is not positive."""
    ratio: Array = np.divide(above, below, out=np.full(np.shape(below), otherwise), where=below > 0)
    return ratio


def area(truth: Array, scores: Array, counts: Array) -> Array:
    """Return the area under the ROC curve in every resample, [R]; nan where positives or negatives are missing.

    The share of (positive, negative) pairs that the score orders rightly, ties counting half (Mann and Whitney).

    Args:
        truth: [N] of bool.
        scores: [N], higher for positive.
        counts: [N, R].
    """
    negative = np.flatnonzero(~truth)
    negative = negative[np.argsort(scores[negative], kind="stable")]
    below = np.zeros((len(negative) + 1, counts.shape[1]))
    np.cumsum(counts[negative], axis=0, out=below[1:])
    ranked = scores[negative]
    first, last = (np.searchsorted(ranked, scores[truth], side=side) for side in ("left", "right"))
    positive = counts[truth]
    wins = np.einsum("nr,nr->r", positive, below[first] + below[last]) / 2
    return divide(wins, positive.sum(axis=0) * below[-1], np.nan)


def ranks(values: Array, counts: Array) -> Array:
    """Return the rank of every row in every resample, ties sharing their mean rank, [N, R]."""
    distinct, inverse = np.unique(values, return_inverse=True)
    size = group_sums(inverse, len(distinct), counts)
    rank: Array = (np.cumsum(size, axis=0) - size + (size + 1) / 2)[inverse]
    return rank


def correlation(first: Array, second: Array, counts: Array) -> Array:
    """Return Pearson's correlation in every resample, [R]; nan where either side is constant.

    Args:
        first: [N], or [N, R] where it differs between resamples (ranks).
        second: as `first`.
        counts: [N, R].
    """
    total = counts.sum(axis=0)
    a, b = (values if values.ndim == 2 else values[:, None] for values in (first, second))
    a, b = (v - (v * counts).sum(axis=0) / total for v in (a, b))
    spread_a, spread_b = (a * a * counts).sum(axis=0), (b * b * counts).sum(axis=0)
    # Rounding leaves about 1e-32 of the squared scale where a column is constant; below 1e-24 there is no signal.
    constant = (spread_a <= 1e-24 * _scale(first) * total) | (spread_b <= 1e-24 * _scale(second) * total)
    product = (a * b * counts).sum(axis=0)
    return np.where(constant, np.nan, divide(product, np.sqrt(spread_a * spread_b), np.nan))


def _scale(values: Array) -> float:
    """Return the largest squared value."""
    return float(np.max(np.abs(values))) ** 2

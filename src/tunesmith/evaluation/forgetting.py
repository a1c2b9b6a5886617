"""What a body gives of general texts, before and after: how much of it is still the same.

Vectors are means over the tokens of a text, [N, H], of the same N texts in the same order.
"""

from __future__ import annotations

import math

import numpy as np

from tunesmith.core.report import Score
from tunesmith.evaluation.figure import Array, correlation, ranks
from tunesmith.evaluation.interval import percentiles
from tunesmith.evaluation.unit import unit_length

MOST_RESAMPLES = 200
"""Of the agreement: each holds all pairs of texts, 12,720 of 160."""
AT_ONCE = 2_000_000
"""Pairs times resamples in memory at once: 16 MB."""
PENALTIES = tuple(10.0**power for power in range(-4, 3))
"""Of the probe, as shares of the mean squared length of a centred vector."""
FOLDS = 8
"""Of the probe: of sixteen texts of a topic two are held out at a time."""


def pairwise_cosines(vectors: Array) -> Array:
    """Return the cosine of every two texts, [N · (N − 1) / 2], in the order (0, 1), (0, 2), …"""
    unit = unit_length(np.asarray(vectors, dtype=np.float64))
    first, second = np.triu_indices(len(unit), 1)
    found: Array = (unit @ unit.T)[first, second]
    return found


def agreement(before: Array, after: Array, *, resamples: int = MOST_RESAMPLES, seed: int = 0) -> Score | None:
    """Return how far the two order pairs of texts alike; None where one of them finds all pairs equally alike.

    ρ = corr(rank cos(b_i, b_j), rank cos(a_i, a_j)) over all pairs i < j: 1 where texts that were near are still nearer
    to each other than others, 0 where nothing of that is left. A turn or a stretch of the whole space changes nothing.
    The 95 % interval draws texts, not pairs, since pairs that share a text are not independent: a pair counts as often
    as its two texts were drawn together.

    Args:
        before: [N, H].
        after: [N, K].
        resamples: of the interval, at most 200.
        seed: of the draws.

    Cost: N² / 2 numbers sorted once, and as many sums per resample: 0.3 s for 160 texts.

    Source: Kriegeskorte et al. 2008, Representational similarity analysis (Spearman between the two matrices).
    """
    old, new = pairwise_cosines(before), pairwise_cosines(after)
    if not len(old):
        return None
    value = _spearman(old, new, np.ones((len(old), 1)))[0]
    drawn = []
    texts = len(before)
    random = np.random.default_rng(seed)
    first, second = np.triu_indices(texts, 1)
    left = min(resamples, MOST_RESAMPLES)
    while left > 0:
        size = min(left, max(1, AT_ONCE // len(old)))
        counts = np.stack([np.bincount(random.integers(0, texts, texts), minlength=texts) for _ in range(size)], axis=1)
        drawn.append(_spearman(old, new, (counts[first] * counts[second]).astype(np.float64)))
        left -= size
    low, high = percentiles(np.concatenate(drawn)) if drawn else (value, value)
    return None if math.isnan(value + low + high) else Score(float(value), low, high, texts)


def _spearman(old: Array, new: Array, counts: Array) -> Array:
    return correlation(ranks(old, counts), ranks(new, counts), counts)


def cka(first: Array, second: Array) -> float:
    """Return linear CKA of two sets of vectors of the same texts; nan where one holds the same vector throughout.

    CKA = ‖YᵀX‖²_F / (‖XᵀX‖_F · ‖YᵀY‖_F) with X [N, H] and Y [N, K], the mean of each column taken off. It is 1 where
    one is a turn and a stretch of the other, whatever their widths. Here it is taken from the N × N products, which are
    the smaller where texts are fewer than dimensions.

    Source: Kornblith et al. 2019, Similarity of Neural Network Representations Revisited, equation 2 and section 3.
    """
    x, y = (np.asarray(side, dtype=np.float64) - np.mean(side, axis=0, dtype=np.float64) for side in (first, second))
    k, m = x @ x.T, y @ y.T
    lengths = np.linalg.norm(k) * np.linalg.norm(m)
    return float(np.sum(k * m) / lengths) if lengths > 0 else math.nan


def probe(vectors: Array, classes: Array, count: int) -> Array:
    """Return what a linear probe says of texts that it was not fitted on, [N, C]; the largest is the answer.

    A ridge regression from vectors to the indicators of classes, W = (XᵀX + λ I)⁻¹ Xᵀ Y on centred X and Y, is fitted
    without each of eight folds in turn; λ is that of `PENALTIES` with the smallest squared error outside. Folds hold
    every class in its share: a text left out alone takes its class below the others, and a probe of noise would then be
    right less often than by chance.

    Args:
        vectors: [N, H].
        classes: [N] of 0 … count − 1.
        count: C.

    Cost: 56 systems of N equations.

    Source: Alain and Bengio 2017, Understanding intermediate layers using linear classifier probes, section 3.
    """
    x, hot = np.asarray(vectors, dtype=np.float64), np.eye(count)[classes]
    folds = folds_of(classes)
    penalty = float(np.square(x - x.mean(axis=0)).sum()) / len(x) or 1.0
    found = [np.empty_like(hot) for _ in PENALTIES]
    for fold in range(folds.max() + 1):
        out = folds == fold
        centre, usual = x[~out].mean(axis=0), hot[~out].mean(axis=0)
        inside, outside = x[~out] - centre, x[out] - centre
        gram = inside @ inside.T
        for share, scores in zip(PENALTIES, found, strict=True):
            weights = np.linalg.solve(gram + share * penalty * np.eye(len(gram)), hot[~out] - usual)
            scores[out] = usual + outside @ inside.T @ weights
    return min(found, key=lambda scores: float(np.square(scores - hot).sum()))


def folds_of(classes: Array) -> Array:
    """Return the fold of each text, [N]: the texts of a class are dealt out in turn."""
    folds = np.empty(len(classes), dtype=np.int64)
    for name in np.unique(classes):
        mine = np.flatnonzero(classes == name)
        folds[mine] = np.arange(len(mine)) % FOLDS
    return folds

"""Which answers are better left out: error against the share that is answered, and the confidence from which to answer.

The confidence of a row is the highest of its probabilities, its answer the class that has it.
"""

from __future__ import annotations

import numpy as np

from tunesmith.core.report import Score
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.interval import proportion

SURE = 0.9
"""How sure it is that the error of what is answered lies below its bound."""
SELECTIVE = ("coverage", "selective_error")
"""Figures of a model with a threshold: the share of the rows that it is sure of, and the error of these."""
PARTS = 5
"""Parts of the rows that get the threshold that the other parts give."""


def confidence_of(answers: Array) -> Array:
    """Return the confidence of each row, [N], from probabilities [N, C]."""
    confidence: Array = answers.max(axis=1).astype(np.float64)
    return confidence


def wrong_of(truth: Array, answers: Array) -> Array:
    """Return whether each row is answered wrongly, bool [N]."""
    wrong: Array = answers.argmax(axis=1) != truth
    return wrong


def risk_coverage(confidence: Array, wrong: Array) -> Array:
    """Return the error of the k surest rows for k = 1 … N, [N].

    Rows that are equally sure come in any order, so the mean over all their orders is taken: the errors among m equal
    rows are spread over them evenly.

    Args:
        confidence: [N], at least one row.
        wrong: bool [N].

    Source: El-Yaniv and Wiener, "On the foundations of noise-free selective classification", 2010.

    Example:
        >>> risk_coverage(np.array([0.9, 0.8, 0.6, 0.5]), np.array([False, True, False, False])).round(2).tolist()
        [0.0, 0.5, 0.33, 0.25]
    """
    levels, place, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=wrong, minlength=len(levels)) / size
    errors: Array = np.cumsum(np.repeat(share, size))
    return errors / np.arange(1, len(errors) + 1)


def areas(confidence: Array, wrong: Array) -> dict[str, float]:
    """Return the area under the curve of the rows: as they are ordered, in the best order, and in none.

    aurc = (1 / N) Σ_k error of the k surest rows; in the best order all errors come last, in a random one every share
    of the rows has the error of all.

    Args:
        confidence: [N], at least one row.
        wrong: bool [N].

    Returns:
        `{aurc, best, random}`, each from 0 to 1; lower is better.

    Source: Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", 2019.
    """
    last = np.arange(len(wrong)) < int(wrong.sum())
    return {
        "aurc": float(risk_coverage(confidence, wrong).mean()),
        "best": float(risk_coverage(last.astype(np.float64) * -1.0, last).mean()),
        "random": float(wrong.mean()),
    }


def surest(confidence: Array, wrong: Array, share: float) -> Score:
    """Return the error of this share of the rows, the surest of them, with its 95 % interval (Wilson)."""
    count = max(1, round(share * len(wrong)))
    errors = risk_coverage(confidence, wrong)[count - 1] * count
    return proportion(round(float(errors)), count)


def threshold_for(confidence: Array, wrong: Array, error: float) -> float | None:
    """Return the lowest confidence from which answers meet an error rate; None where none does.

    A threshold meets it where the upper bound of the error of the rows at or above it does, which is that of Clopper
    and Pearson at 90 %: with no error that takes 45 rows for a rate of 5 %, and 22 for one of 10 %.

    The bound is taken as if the threshold had been known before. Geifman and El-Yaniv divide 1 − 0.9 by the number of
    thresholds that are looked at, which few dev rows cannot pay; that neighbouring thresholds look at the same rows
    makes the choice miss about as often as the bound says (docs/decisions.md has the figures).

    Args:
        confidence: [N], of rows that were not trained on.
        wrong: bool [N].
        error: the rate, between 0 and 1.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", 1934; Geifman and El-Yaniv, "Selective
        classification for deep neural networks", 2017, algorithm 2, from which the count of thresholds is left out.

    Example:
        >>> sure = np.linspace(1.0, 0.5, 60)
        >>> round(threshold_for(sure, sure < 0.58, 0.05), 2)
        0.58
    """
    from scipy.stats import beta

    if not len(wrong):
        return None
    levels, place, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    errors = np.cumsum(np.bincount(place, weights=wrong, minlength=len(levels)))
    rows = np.cumsum(size)
    right = rows - errors
    bound = np.where(right > 0, beta.ppf(SURE, errors + 1, np.maximum(right, 1)), 1.0)
    met = np.flatnonzero(bound <= error)
    return -float(levels[met[-1]]) if len(met) else None


def sure_by_parts(confidence: Array, wrong: Array, error: float, seed: int) -> Array:
    """Return which rows are answered, bool [N], where each fifth gets the threshold that the others give.

    So the error of what is answered is not that of the rows that it was chosen by. Where the others give none, all of
    a fifth are answered.
    """
    part = np.random.default_rng(seed).permutation(len(wrong)) % PARTS
    sure = np.ones(len(wrong), dtype=bool)
    for number in range(PARTS):
        own, others = part == number, part != number
        least = threshold_for(confidence[others], wrong[others], error)
        sure[own] = True if least is None else confidence[own] >= least
    return sure

"""From which probability on a label is given, where a row may have several."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluation.figure import Array

PRIOR_ROWS = 10
"""Positive rows at which the dev rows and 0.5 have equal say."""


def choose(targets: Array, probs: Array) -> Array:
    """Return the threshold of every label, [C]: the best F1 on these rows, drawn towards 0.5 where positives are few.

    With n positive rows the threshold is 0.5 + (best − 0.5) · n / (n + 10): three positives say little about where to
    cut, three hundred say it well. Where that gives no better F1 than 0.5 on these rows, 0.5 stays. A cut lies halfway
    between two neighbouring probabilities; among equally good cuts the one nearest to 0.5 is taken.

    Args:
        targets: 0/1 [N, C], of rows that were not trained on.
        probs: [N, C].

    Returns:
        [C], for `metrics.multilabel` and `metrics.decide`: a label is given at its threshold or above.
    """
    columns = zip(np.asarray(targets).astype(bool).T, np.asarray(probs, dtype=np.float64).T, strict=True)
    return np.array([_choose(truth, column) for truth, column in columns])


def _choose(truth: Array, probs: Array) -> float:
    """Return the threshold of one label."""
    positives = int(truth.sum())
    if not positives:
        return 0.5
    order = np.argsort(-probs, kind="stable")
    ranked = probs[order]
    hits, given = np.cumsum(truth[order]), np.arange(1, len(probs) + 1)
    f1 = 2 * hits / (given + positives)
    below = np.append(ranked[1:], 0.0)
    f1[ranked == below] = -1.0  # equal probabilities cannot be parted
    cuts = (ranked + below) / 2
    good = cuts[f1 >= f1.max() - 1e-12]
    best = float(good[np.argmin(np.abs(good - 0.5))])
    shrunk = 0.5 + (best - 0.5) * positives / (positives + PRIOR_ROWS)
    return shrunk if _f1(truth, probs >= shrunk) > _f1(truth, probs >= 0.5) else 0.5


def _f1(truth: Array, given: Array) -> float:
    return 2 * float((truth & given).sum()) / max(1.0, float(truth.sum() + given.sum()))

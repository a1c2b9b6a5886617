"""Whether a probability of 0.8 is right eight times in ten, and the one number that brings it nearer."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunesmith.core.task import Problem
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.linear import row_losses

FEWEST_ROWS = 10
COLDEST, HOTTEST = 0.05, 20.0


def fit_temperature(logits: Array, targets: Array, problem: Problem) -> float:
    """Return the temperature T for which the probabilities of logits / T fit the targets best.

    Minimises the summed log loss + (log T)² / 2. The second term, worth less than one row, keeps a small dev split on
    which every answer is right from asking for certainty (T → 0). The answers themselves do not change.

    Args:
        logits: [N, C], of rows that were not trained on.
        targets: class indices [N], or 0/1 [N, C].
        problem: what the targets mean; 1.0 for regression.

    Returns:
        0.05 to 20; above 1 the model was too sure. 1.0 on fewer than 10 rows.

    Source: Guo et al., "On calibration of modern neural networks", 2017; the term for few rows is ours.
    """
    if problem == "regression" or len(targets) < FEWEST_ROWS:
        return 1.0
    single = problem == "single_label_classification"
    hot = np.eye(logits.shape[1])[targets] if single else np.asarray(targets, dtype=np.float64)
    wide = np.asarray(logits, dtype=np.float64)

    def cost(power: float) -> float:
        return float(row_losses(wide / np.exp(power), hot, problem).sum()) + power**2 / 2

    # The loss is convex in 1 / T but not in log T: a coarse grid finds the valley, golden sections its bottom.
    grid = np.linspace(np.log(COLDEST), np.log(HOTTEST), 25)
    best = int(np.argmin([cost(power) for power in grid]))
    low, high = float(grid[max(0, best - 1)]), float(grid[min(len(grid) - 1, best + 1)])
    golden = (np.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return float(np.clip(np.exp((low + high) / 2), COLDEST, HOTTEST))


def reliability(targets: Array, probs: Array, bins: int = 10) -> dict[str, Any]:
    """Return how confidence and truth agree: `{ece, bins: [{low, high, confidence, accuracy, n}]}`.

    One label a row: the confidence is the highest probability, the accuracy the share of right answers. Several labels:
    every (row, label) counts, the confidence is the label's probability, the accuracy the share of rows that have it.
    Bins have equal width, hold their upper edge, and are left out where empty. ece = Σ n · |accuracy − confidence| / N.

    Args:
        targets: class indices [N], or 0/1 [N, C].
        probs: [N, C].
        bins: how many between 0 and 1.
    """
    if targets.ndim == 2:
        confidence, right = probs.ravel(), targets.ravel().astype(np.float64)
    else:
        confidence, right = probs.max(axis=1), (probs.argmax(axis=1) == targets).astype(np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = [
        {
            "low": index / bins,
            "high": (index + 1) / bins,
            "confidence": float(confidence[place == index].mean()),
            "accuracy": float(right[place == index].mean()),
            "n": int((place == index).sum()),
        }
        for index in np.unique(place).tolist()
    ]
    gap = sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows)
    return {"ece": gap / max(1, len(confidence)), "bins": rows}

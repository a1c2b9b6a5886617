"""Whether the names of labels say which rows are theirs."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluation.figure import Array

FAIR = 0.2
"""Agreement from which names are of use. In vectors of minilm, by 8 and 16 rows a class: banking77 0.60 and more, sst2
0.38 and more, tweeteval_emotion 0.25 and more; trec6, whose labels are abbreviations, 0.20 and less, citation_intent
0.10 and less. Landis and Koch 1977 call agreement from there on fair."""


def agreement(vectors: Array, names: Array, targets: Array) -> float:
    """Return how far rows lie near the names of their own labels: Cohen's kappa, 0 by chance and 1 for all of them.

    Rows and names are of length 1 and seen from their means, since in many encoders all texts lie in one direction.

    Args:
        vectors: of rows, [N, H].
        names: vectors of the names, [C, H].
        targets: class indices of the rows, [N].
    """
    rows, labels = (_apart(each) for each in (vectors, names))
    nearest = (rows @ labels.T).argmax(axis=1)
    found, expected = (np.bincount(each, minlength=len(names)) / len(targets) for each in (nearest, targets))
    by_chance = float(found @ expected)
    if by_chance == 1.0:
        return 0.0
    return (float((nearest == targets).mean()) - by_chance) / (1.0 - by_chance)


def _apart(x: Array) -> Array:
    """Return rows of length 1, seen from their mean."""
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit - unit.mean(axis=0))

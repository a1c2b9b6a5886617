"""Whether the names of labels say which rows are theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.figure import Array

FAIR = 0.2
"""Agreement from which names are of use, which Landis and Koch 1977 call fair; docs/decisions.md has it for data."""
SURE = 1.28
"""Standard errors of chance that agreement must lie above 0: it does in one of ten cases where names say nothing."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far rows lie near the names of their own labels.

    Args:
        kappa: Cohen's, of the nearest name: 0 by chance and 1 for all rows.
        least: from which it is taken for more than chance, and of use.
    """

    kappa: float
    least: float

    @property
    def is_enough(self) -> bool:
        """Whether the names say which rows are theirs."""
        return self.kappa >= self.least


def agreement(vectors: Array, names: Array, targets: Array) -> Agreement:
    """Return how far rows lie near the names of their own labels.

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
        return Agreement(0.0, FAIR)
    kappa = (float((nearest == targets).mean()) - by_chance) / (1.0 - by_chance)
    error = float(np.sqrt(by_chance / ((1.0 - by_chance) * len(targets))))
    return Agreement(kappa, max(FAIR, SURE * error))


def _apart(x: Array) -> Array:
    """Return rows of length 1, seen from their mean."""
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit - unit.mean(axis=0))

"""Whether texts that stand for labels, names of them or terms of rules, say which rows are theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.unit import unit_length

FAIR = 0.2
"""Agreement from which hints are of use, which Landis and Koch 1977 call fair; docs/decisions.md has it for data."""
SURE = 1.28
"""Standard errors of chance that agreement must lie above 0: it does in one of ten cases where hints say nothing."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far rows lie near the hints of their own labels.

    Args:
        kappa: Cohen's, of the nearest label: 0 by chance and 1 for all rows.
        least: from which it is taken for more than chance, and of use.
    """

    kappa: float
    least: float

    @property
    def is_enough(self) -> bool:
        """Whether the hints say which rows are theirs."""
        return self.kappa >= self.least


def agreement(vectors: Array, hints: Array, classes: Array, targets: Array) -> Agreement | None:
    """Return how far rows lie near the hints of their own labels; of a label with several, near their mean.

    All are of length 1 and seen from their means, since in many encoders all texts lie in one direction. Rows of labels
    without a hint are left out; None is returned where fewer than two labels have one.

    Args:
        vectors: of rows, [N, H].
        hints: vectors of texts that stand for labels, [K, H].
        classes: class indices of the hints, [K].
        targets: class indices of the rows, [N].
    """
    hinted = np.unique(classes)
    known = np.isin(targets, hinted)
    if len(hinted) < 2 or not known.any():
        return None
    unit, targets = unit_length(hints), np.searchsorted(hinted, targets[known])
    means = unit_length(np.stack([unit[classes == each].mean(axis=0) for each in hinted]))
    rows = unit_length(vectors[known])
    nearest = ((rows - rows.mean(axis=0)) @ (means - means.mean(axis=0)).T).argmax(axis=1)
    found, expected = (np.bincount(each, minlength=len(hinted)) / len(targets) for each in (nearest, targets))
    by_chance = float(found @ expected)
    if by_chance == 1.0:
        return Agreement(0.0, FAIR)
    kappa = (float((nearest == targets).mean()) - by_chance) / (1.0 - by_chance)
    error = float(np.sqrt(by_chance / ((1.0 - by_chance) * len(targets))))
    return Agreement(kappa, max(FAIR, SURE * error))

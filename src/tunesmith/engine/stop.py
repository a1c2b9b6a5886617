"""When training ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunesmith.recipe.schema import Stop


@dataclass(slots=True)
class Watch:
    """Which weights dev saw that are to be kept, and for how long nothing has become better.

    A score on few rows is best by chance, and often long before the rate has fallen. So the last evaluation is kept
    that lies within one standard error of the best score. What training begins with is given up for a better score, or
    for the same with a lower loss.

    Where dev does not choose, since what ships is trained over the whole schedule anew, the last of all is kept: it is
    most like what ships, which gets its temperature and thresholds from there.

    An evaluation without a better score is no reason to stop while dev loss still falls: a tagger of few rows has no
    span right for some epochs, and a head of random weights may have some by chance.

    Args:
        patience: evaluations with neither a better score nor a lower loss that are borne; None bears any number.
        maximise: whether more is better.
        chooses: whether the weights that are kept are those that ship.

    Source: Breiman, Friedman, Olshen and Stone 1984, Classification and Regression Trees, section 3.4.3, for the rule
    of one standard error; there it is the simplest model that is taken, here the one that has learnt longest.
    """

    patience: int | None
    maximise: bool = True
    chooses: bool = True
    best: float = -math.inf
    """The best score, its sign changed where less is better."""
    best_loss: float = math.inf
    error: float = 0.0
    """The standard error of the best score."""
    kept_step: int = 0
    """The step that is kept."""
    lowest: float = math.inf
    stale: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def see(self, step: int, score: float, loss: float, error: Callable[[], float] = lambda: 0.0) -> bool:
        """Take in an evaluation; return whether it is the one to keep so far.

        Args:
            step: of the evaluation.
            score: on dev.
            loss: likewise.
            error: returns the standard error of the score; called where it is the best, and dev chooses.
        """
        value = score if self.maximise else -score
        value = -math.inf if math.isnan(value) else value
        is_best = value > self.best or (value == self.best and loss < self.best_loss) or not self.history
        falls, self.lowest = loss < self.lowest, min(loss, self.lowest)
        self.stale = 0 if is_best or falls else self.stale + 1
        if is_best:
            self.best, self.best_loss = value, loss
            self.error = error() if self.chooses and self.history else 0.0
        is_near = not self.chooses or value >= self.best - self.error
        keeps = is_best or (self.kept_step > 0 and is_near)
        if keeps:
            self.kept_step = step
        return keeps

    @property
    def is_due(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.stale >= self.patience


def balanced(score: float, agreement: float, balance: float, maximise: bool) -> float:
    """Return the dev score less what was lost in general, in the direction of the score.

        score − balance · (1 − agreement), or score + balance · (1 − agreement) where less is better

    Example:
        >>> round(balanced(0.9, 0.8, 0.5, True), 3)
        0.8
    """
    return score - (1 if maximise else -1) * balance * (1.0 - agreement)


def planned_steps(stop: Stop, per_epoch: int) -> int:
    """Return how many optimiser steps `stop` allows at most."""
    assert stop.epochs is not None, "the recipe is not complete"
    by_epochs = max(1, math.ceil(stop.epochs * per_epoch))
    return min(by_epochs, stop.steps) if stop.steps is not None else by_epochs

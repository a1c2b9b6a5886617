"""When training ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from tunesmith.recipe.schema import Stop


@dataclass(slots=True)
class Watch:
    """The best dev score so far, and for how long nothing has become better.

    An evaluation without a better score is no reason to stop while dev loss still falls: a tagger of few rows has no
    span right for some epochs, and a head of random weights may have some by chance.

    Args:
        patience: evaluations with neither a better score nor a lower loss that are borne; None bears any number.
        maximise: whether more is better.
    """

    patience: int | None
    maximise: bool = True
    best: float = -math.inf
    best_loss: float = math.inf
    best_step: int = 0
    lowest: float = math.inf
    stale: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def see(self, step: int, score: float, loss: float) -> bool:
        """Take in an evaluation; return whether it is the best so far. Of equal scores the lower loss wins."""
        value = score if self.maximise else -score
        value = -math.inf if math.isnan(value) else value
        better = value > self.best or (value == self.best and loss < self.best_loss)
        falls, self.lowest = loss < self.lowest, min(loss, self.lowest)
        if better or not self.history:
            self.best, self.best_loss, self.best_step, self.stale = value, loss, step, 0
            return True
        self.stale = 0 if falls else self.stale + 1
        return False

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

"""Overfitting, read off the history of a training: where dev loss turned, and how far train loss fell below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AFTER = 2
"""Evaluations after the lowest dev loss before it is said to have turned: one may be chance."""
RISE = 0.1
"""Share by which dev loss must lie above its lowest."""
LEAST = 0.02
"""And by how much at least: near zero every change is a large share."""
WIDE = 3.0
"""Dev loss over train loss from which the gap is wide."""
LEAST_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Turn:
    """Where dev loss was lowest, and what came of it.

    Args:
        step: of the lowest dev loss.
        epoch: likewise.
        low: the lowest dev loss.
        last: dev loss at the end.
        train: mean train loss before the last evaluation.
        gained: whether the dev score was best after the turn: answers got better, confidence in them worse.
    """

    step: int
    epoch: float
    low: float
    last: float
    train: float
    gained: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Train and dev loss at one step."""

    step: int
    train: float
    dev: float


def turn_of(history: Sequence[Mapping[str, Any]], maximise: bool = True) -> Turn | None:
    """Return where dev loss turned while train loss went on falling; None where it did not.

    Dev loss has turned if at least two evaluations followed its lowest, the last lies a tenth (and 0.02) above it, and
    train loss is lower at the end than there.

    Args:
        history: of one training: mappings with `step`, `epoch`, `train_loss`, `dev_loss` and `dev_score`.
        maximise: whether a higher dev score is better.
    """
    seen = [moment for moment in history if moment.get("dev_loss") is not None]
    if len(seen) <= AFTER:
        return None
    at = min(range(len(seen)), key=lambda place: seen[place]["dev_loss"])
    low, last = seen[at], seen[-1]
    rise = last["dev_loss"] - low["dev_loss"]
    if len(seen) - 1 - at < AFTER or rise < max(LEAST, RISE * low["dev_loss"]) or last["train_loss"] is None:
        return None
    if low["train_loss"] is not None and last["train_loss"] >= low["train_loss"]:
        return None
    sign = 1 if maximise else -1
    until = max(sign * moment["dev_score"] for moment in seen[: at + 1])
    gained = any(sign * moment["dev_score"] > until for moment in seen[at + 1 :])
    return Turn(low["step"], low["epoch"], low["dev_loss"], last["dev_loss"], last["train_loss"], gained)


def turned_now(history: Sequence[Mapping[str, Any]], maximise: bool = True) -> Turn | None:
    """Return where dev loss turned if the last evaluation is the first that shows it."""
    found = turn_of(history, maximise)
    before = any(turn_of(history[:size], maximise) for size in range(1, len(history)))
    return None if before else found


def gap_of(history: Sequence[Mapping[str, Any]], step: int) -> Gap | None:
    """Return train and dev loss at `step`; None where one of them was not measured there.

    Train loss is the mean over the steps since the evaluation before, with dropout: it errs upwards, the gap downwards.
    """
    for moment in history:
        if moment["step"] == step and moment.get("dev_loss") is not None and moment.get("train_loss") is not None:
            return Gap(step, moment["train_loss"], moment["dev_loss"])
    return None


def is_wide(gap: Gap) -> bool:
    """Say whether dev loss is more than three times train loss, and 0.2 above it."""
    return gap.dev > WIDE * gap.train and gap.dev - gap.train > LEAST_GAP

"""Fewer windows of a long context to train on: those that hold the answer, and some that do not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tunesmith.core.batch import Features
from tunesmith.text.lazy import by_owner


def thin(features: Sequence[Features], others: int, seed: int) -> list[Features]:
    """Return the windows in which an answer starts or ends, and `others` more of each question, drawn once.

    Words that are read in no window that is left take no part in the softmax. A question whose answer stands nowhere
    keeps one window more.

    Args:
        features: windows of questions, with targets: two marks for each unit.
        others: windows without an answer that a question keeps.
        seed: of the draw.
    """
    kept: list[Features] = []
    for windows in by_owner(features):
        target = windows[0].target
        marked = {unit for unit, marks in enumerate(target) if unit and any(marks)}
        holding = [at for at, w in enumerate(windows) if any(unit in marked for unit, _, _ in w.places or ())]
        rest = [at for at in range(len(windows)) if at not in holding]
        more = random.Random(seed * 1_000_003 + windows[0].owner).sample(rest, min(len(rest), others + (not holding)))
        some = [windows[at] for at in sorted([*holding, *more])]
        if len(some) == len(windows):
            kept += windows
            continue
        units = sorted({unit for w in some for unit, _, _ in w.places or ()})
        number = {unit: at for at, unit in enumerate(units)}
        kept += [
            replace(
                w, target=[target[unit] for unit in units], units=len(units),
                places=[(number[unit], first, last) for unit, first, last in w.places or ()],
            )
            for w in some
        ]  # fmt: skip
    return kept

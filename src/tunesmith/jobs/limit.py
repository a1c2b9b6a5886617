"""Fewer dev and test rows where reading them all would take longer than training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tunesmith.core.example import Example
from tunesmith.data.load import Loaded
from tunesmith.recipe.schema import Recipe


def limited(loaded: Loaded, recipe: Recipe) -> Loaded:
    """Return `loaded` with at most so many dev and test rows as a complete recipe says, drawn with its seed."""
    splits, evaluate = loaded.splits, recipe.evaluate
    dev = drawn(splits.dev, evaluate.dev_rows, recipe.seed)
    test = drawn(splits.test, evaluate.test_rows, recipe.seed)
    counts = {"dev": (len(dev), len(splits.dev)), "test": (len(test), len(splits.test))}
    guesses = [
        f"{kept:,} of {rows:,} {name} rows are read; evaluate.{name}_rows says how many."
        for name, (kept, rows) in counts.items() if kept < rows
    ]  # fmt: skip
    return replace(loaded, splits=replace(splits, dev=dev, test=test), guesses=(*loaded.guesses, *guesses))


def drawn(rows: Sequence[Example], most: int | None, seed: int) -> Sequence[Example]:
    """Return at most so many of the rows, in their order."""
    if most is None or len(rows) <= most:
        return rows
    return [rows[at] for at in sorted(random.Random(seed).sample(range(len(rows)), most))]

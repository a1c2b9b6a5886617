"""What is said of overfitting while a training runs."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report import Finding
from tunesmith.evaluation.overfitting import Turn
from tunesmith.recipe.catalogue import STRATEGIES
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.strategies import names_of

HOLDING = ("l2sp", "rdrop", "average", "layerwise_lr", "freeze")
"""Strategies that hold a model back from its rows, the most direct first."""
MOST = 3
"""Of them that are named."""
MOST_ROWS = 8
"""Rows that a finding names."""


def of_turn(recipe: Recipe, turn: Turn) -> Finding:
    """Return the finding that dev loss turned."""
    fell = (
        f"Dev loss rose from {turn.low:.3g} at epoch {turn.epoch:.3g} to {turn.last:.3g}, while train loss fell to "
        f"{turn.train:.3g}"
    )
    if turn.gained:
        message = f"{fell}; the dev score still rose, so that answers got better, and confidence in them worse."
        return Finding(code="K519", severity="note", message=message, remedy=remedy(recipe, "fewer epochs"))
    message = f"{fell}: from there on the rows were learnt by heart."
    return Finding(code="K519", severity="warning", message=message, remedy=remedy(recipe, "fewer epochs"))


def of_rows(recipe: Recipe, sources: Sequence[str], rows: int) -> Finding:
    """Return the finding that rows were learnt after dev loss turned."""
    named = ", ".join(sources[:MOST_ROWS]) + (", …" if len(sources) > MOST_ROWS else "")
    message = (
        f"{len(sources):,} of {rows:,} train rows were learnt only after dev loss turned: {named}. Wrong labels are "
        "often among such rows."
    )
    asked = {*names_of(recipe.strategies)}
    otherwise = "" if "noisy_labels" in asked else ", or try noisy_labels"
    return Finding(code="K521", severity="note", message=message, remedy=f"Look at their labels{otherwise}.")


def remedy(recipe: Recipe, otherwise: str) -> str:
    """Return what to try: strategies that are there and that the recipe does not have, or `otherwise`."""
    asked = names_of(recipe.strategies)
    names = [name for name in HOLDING if name in STRATEGIES and name not in asked][:MOST]
    return f"Try {', '.join(names)} or {otherwise}." if names else f"Try {otherwise}."

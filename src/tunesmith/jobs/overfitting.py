"""Overfitting, in words and with a remedy: while training, and in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tunesmith.core.example import Example
from tunesmith.core.report import Finding
from tunesmith.evaluation.metrics import HIGHER_IS_BETTER
from tunesmith.evaluation.overfitting import Gap, Turn, gap_of, is_wide, turn_of
from tunesmith.jobs.tune import Tuned
from tunesmith.jobs.watching import of_rows, of_turn, remedy
from tunesmith.recipe.schema import Recipe


def overfitting(recipe: Recipe, tuned: Tuned, train: Sequence[Example]) -> dict[str, Any]:
    """Return what the history of the training that dev watched shows, `core.report_schema.Overfitting`.

    Args:
        recipe: complete.
        tuned: that training.
        train: its rows, without weak ones.
    """
    assert recipe.stop.metric is not None, "the recipe is complete"
    turn = turn_of(tuned.history, HIGHER_IS_BETTER[recipe.stop.metric])
    gap = gap_of(tuned.history, tuned.kept_step)
    kept = next((moment["epoch"] for moment in tuned.history if moment["step"] == tuned.kept_step), None)
    told: dict[str, Any] = {"kept_epochs": kept}
    if turn:
        told["turn"] = asdict(turn)
    if gap:
        told["gap"] = asdict(gap)
    findings = _findings(recipe, turn, gap)
    by_heart = [row for row in tuned.by_heart if row < len(train)]  # weak rows stand behind them
    if turn and by_heart:
        told["by_heart"] = [train[row].source for row in by_heart]
        findings.append(of_rows(recipe, told["by_heart"], len(train)))
    told["findings"] = [finding.as_dict() for finding in findings]
    return told


def _findings(recipe: Recipe, turn: Turn | None, gap: Gap | None) -> list[Finding]:
    found = [of_turn(recipe, turn)] if turn else []
    if gap and is_wide(gap):
        message = (
            f"Where the weights were kept (step {gap.step:,}) train loss is {gap.train:.3g} and dev loss "
            f"{gap.dev:.3g}: much of what was learnt holds for the train rows only."
        )
        found.append(Finding(code="K520", severity="note", message=message, remedy=remedy(recipe, "more rows")))
    return found

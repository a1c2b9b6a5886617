"""Selective prediction: from which confidence a model answers, and what that gives on its test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.core.example import Example
from tunesmith.core.report import Finding
from tunesmith.core.task import Array, Task
from tunesmith.errors import Fault, InputError
from tunesmith.evaluation.interval import proportion
from tunesmith.evaluation.selective import (
    areas,
    confidence_of,
    risk_coverage,
    sure_by_parts,
    surest,
    threshold_for,
    wrong_of,
)
from tunesmith.recipe.schema import Recipe
from tunesmith.report import words

if TYPE_CHECKING:
    from tunesmith.jobs.summary import Tested

SHARES = (1.0, 0.9, 0.8, 0.5)
"""Shares of the test rows, the surest, whose error a report shows."""
POINTS = 200
"""Points of the curve that a report holds, at most."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The confidence from which a model answers.

    Args:
        error: that was wished for, at most.
        value: the lowest confidence that meets it; None where none does.
        rows: that it was chosen by.
        crossed: whether these are the test rows of a cross-validation.
    """

    error: float
    value: float | None
    rows: int
    crossed: bool

    @property
    def findings(self) -> list[Finding]:
        """What is notable about it."""
        if self.value is not None:
            return []
        what = "rows of the folds" if self.crossed else "dev rows"
        message = (
            f"no confidence on {self.rows:,} {what} is such that surely at most {100 * self.error:g} % of the answers "
            "are wrong, so none is marked as unsure."
        )
        remedy = "Give more dev rows (data.dev, data.dev_share), or a higher knowledge.error."
        return [Finding(code="K824", severity="warning", message=message, remedy=remedy)]


def has_one_label(task: Task) -> bool:
    """Return whether a row of the task has one label, of which a model can be more or less sure."""
    return task.name in ("classify", "pair") and task.head().problem == "single_label_classification"


def check_wish(recipe: Recipe, task: Task) -> None:
    """Refuse a wished error rate where a row does not have one label.

    Raises:
        InputError: it has not (K825).
    """
    if recipe.knowledge.error is not None and not has_one_label(task):
        message = (
            f"knowledge.error is about the one label of a row, and the task is {task.name} without classes of rows."
        )
        raise InputError(Fault("K825", "knowledge.error", message, "Leave knowledge.error out."))


def choose_threshold(
    recipe: Recipe, task: Task, examples: Sequence[Example], answers: Array, *, crossed: bool = False
) -> Threshold | None:  # fmt: skip
    """Return the threshold that meets the wish of a recipe on rows that were not trained on; None where there is none.

    Args:
        recipe: complete.
        task: fitted.
        examples: dev, or the rows of a cross-validation.
        answers: the final ones, with what knowledge says in them.
        crossed: whether they are those of a cross-validation.
    """
    error = recipe.knowledge.error
    if error is None:
        return None
    confidence, wrong = confidence_of(answers), wrong_of(task.truth(examples), answers)
    return Threshold(error, threshold_for(confidence, wrong, error), len(examples), crossed)


def selective_part(recipe: Recipe, task: Task, tested: Tested, threshold: Threshold | None) -> dict[str, Any]:
    """Return `selective` of report.json: the curve of the test rows, and what the threshold gives there."""
    if not has_one_label(task) or not len(tested.examples):
        return {}
    confidence, wrong = confidence_of(tested.answers), wrong_of(task.truth(tested.examples), tested.answers)
    risks, rows = risk_coverage(confidence, wrong), len(wrong)
    places = sorted({max(1, round(number * rows / POINTS)) for number in range(1, POINTS + 1)})
    part: dict[str, Any] = {
        "curve": [[count / rows, float(risks[count - 1])] for count in places],
        **areas(confidence, wrong),
        "at": [{"share": share, "error": asdict(surest(confidence, wrong, share))} for share in SHARES],
    }
    if threshold is not None:
        sure = _sure(confidence, wrong, threshold, recipe.seed)
        given = answered(sure, wrong)
        part["wish"] = {
            "error": threshold.error, "threshold": threshold.value, "rows": threshold.rows,
            "crossed": threshold.crossed, **given, "verdict": _verdict(threshold, given),
        }  # fmt: skip
    return {"selective": part}


def answered(sure: Array, wrong: Array) -> dict[str, Any]:
    """Return the share of the rows that is answered, and the error of these, with 95 % intervals.

    Args:
        sure: bool [N], at least one row.
        wrong: bool [N].

    Returns:
        `{coverage, selective_error}`; the error is missing where nothing is answered.
    """
    count = int(sure.sum())
    found = {"coverage": asdict(proportion(count, len(sure)))}
    if count:
        found["selective_error"] = asdict(proportion(int(wrong[sure].sum()), count))
    return found


def _sure(confidence: Array, wrong: Array, threshold: Threshold, seed: int) -> Array:
    if threshold.value is None:
        return confidence >= 0.0
    if threshold.crossed:
        return sure_by_parts(confidence, wrong, threshold.error, seed)
    return confidence >= threshold.value


def _verdict(threshold: Threshold, given: dict[str, Any]) -> str:
    """Return whether the wish was met on test rows, in a sentence."""
    wished = f"at most {words.percent(threshold.error)} wrong"
    if threshold.value is None:
        return f"No confidence met the wish of {wished}, so every test row is answered."
    error, share = given.get("selective_error"), words.percent(given["coverage"]["value"])
    if error is None:
        return f"The model is sure of none of the test rows, so the wish of {wished} is not tried."
    met = error["value"] <= threshold.error
    doubt = error["high"] > threshold.error if met else error["low"] <= threshold.error
    ends = (", though so few rows do not settle it" if doubt else "") + "."
    return (
        f"The model is sure of {share} of the test rows and wrong on {words.percent(error['value'])} of these "
        f"({words.interval('selective_error', error)}): the wish of {wished} is {'met' if met else 'not met'}{ends}"
    )

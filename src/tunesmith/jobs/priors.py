"""Shares of the classes that somebody gives: set beside the model, and what they are worth on test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.example import Example, weights_of
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Task
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.selective import has_one_label
from tunesmith.knowledge.priors import PLACE, Priors, expected_accuracy, prior_faults
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.jobs.summary import Tested
    from tunesmith.jobs.workshop import Workshop

NOTE = (
    "The answers are those for the shares of the classes that knowledge.priors gives. The test rows have the shares of "
    "the data, for which these answers are not meant; what is to be expected under the shares is said apart."
)
"""What a report says of its figures."""


def check_priors(recipe: Recipe, task: Task) -> None:
    """Refuse shares that are not of the labels of the task.

    Raises:
        InputError: a row does not have one label (K825), labels are wrong or missing (K822), or shares do not sum to 1
            (K823).
    """
    given = recipe.knowledge.priors
    if not given:
        return
    if not has_one_label(task):
        message = f"they are shares of the one label of a row, and the task is {task.name} without classes of rows."
        raise InputError(Fault("K825", PLACE, message, "Leave knowledge.priors out."))
    raise_faults(prior_faults(given, task.labels))


def priors_of(shop: Workshop, task: Task, train: Sequence[Example]) -> Priors | None:
    """Return the shares of a recipe beside those of the rows that the loss sees; None where none are given.

    Args:
        shop: what the run's trainings share.
        task: fitted.
        train: rows of a training, without the weak ones and without class weights.
    """
    given = shop.recipe.knowledge.priors
    if not given:
        return None
    from tunesmith.jobs.workshop import rows_to_learn  # which loads torch, and a check of shares needs none

    learnt = rows_to_learn(shop, train)
    return Priors.of(given, task.labels, task.truth(learnt), np.asarray(weights_of(learnt), dtype=np.float64))


def shifted(tested: Tested, priors: Priors | None) -> Tested:
    """Return the test rows of a cross-validation with the shares in their answers."""
    if priors is None:
        return tested
    answers = priors.adjust(tested.answers, Asked(tested.examples))
    return replace(tested, answers=answers, unshifted=tested.answers)


def beside(tested: Tested, priors: Priors | None) -> Tested:
    """Return the test rows with the shares in what the model says alone, too: rules are then all that it lacks."""
    if priors is None:
        return tested
    return replace(tested, without=priors.adjust(tested.without, Asked(tested.examples)))


def priors_part(recipe: Recipe, task: Task, priors: Priors | None, tested: Tested) -> dict[str, Any]:
    """Return `priors` of report.json: the shares, and the accuracy that is to be expected under them."""
    if priors is None:
        return {}
    assert tested.unshifted is not None, "answers were kept as they were without the shares"
    truth, both = task.truth(tested.examples), {"expected": tested.answers, "uncorrected": tested.unshifted}
    test = np.bincount(truth, minlength=len(priors.labels)) / len(truth)
    columns = (priors.labels, priors.shares.tolist(), priors.trained.tolist(), test.tolist())
    names = ("label", "prior", "trained", "test")
    part: dict[str, Any] = {
        "shares": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
        "changed": int((tested.answers.argmax(1) != tested.unshifted.argmax(1)).sum()),
    }
    metrics = {"accuracy": partial(expected_accuracy, priors.shares)}
    resamples, seed = recipe.evaluate.resamples, recipe.seed
    for name, answers in both.items():
        if score := bootstrap(metrics, truth, answers, resamples=resamples, seed=seed).get("accuracy"):
            part[name] = asdict(score)
    if "expected" in part:
        found_pair = pair("accuracy", metrics, truth, *both.values(), resamples=resamples, seed=seed)
        part["difference"] = found_pair["difference"]
    return {"priors": part}

"""Cross-validation in place of a test split that would be too small to say anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tunesmith.core.example import Example
from tunesmith.core.prediction import Mention, Written
from tunesmith.core.task import Array
from tunesmith.data.load import Loaded
from tunesmith.data.split import fold_examples, split_examples
from tunesmith.errors import Fault, InputError
from tunesmith.evaluation.figure import as_objects
from tunesmith.jobs.baselines import measure_baselines
from tunesmith.jobs.knowledge import ALONE, rules_beside, vote_alone
from tunesmith.jobs.measure import answers_of, read_of
from tunesmith.jobs.summary import Tested
from tunesmith.jobs.tune import tune
from tunesmith.jobs.workshop import Workshop, rows_to_learn

WITHOUT = "without"
"""What the tuned model is called where it is asked without its knowledge."""


class Fold(NamedTuple):
    """The places of the rows of one fold."""

    train: list[int]
    dev: list[int]
    test: list[int]


def cross_validate(shop: Workshop, loaded: Loaded) -> Tested:
    """Train once per fold on the other folds, and return what each model says of rows it never saw.

    Every fold chooses on a dev part of its own; none is refitted, so the figures are those of models that saw fewer
    rows than the one that ships: they err on the careful side. With repeats, the answers to a row are averaged.

    Raises:
        InputError: rows stay together so that a fold has none to choose by.
    """
    examples = list(loaded.splits.train)
    evaluate = shop.recipe.evaluate
    seed = shop.recipe.seed
    assert evaluate.folds, "the recipe is complete"
    folds = [
        Fold(*_with_dev(shop, examples, loaded.groups, inside), outside)
        for inside, outside in fold_examples(examples, loaded.groups, evaluate.folds, evaluate.repeats, seed)
    ]
    said = [_fold(shop, examples, number, fold) for number, fold in enumerate(folds, 1)]
    rows, means = average([fold.test for fold in folds], said)
    tuned, without = means.pop("tuned"), means.pop(WITHOUT, None)
    return Tested([examples[row] for row in rows], tuned, means, tuned if without is None else without)


def average(
    outside: Sequence[Sequence[int]], said: Sequence[Mapping[str, Any]]
) -> tuple[list[int], dict[str, np.ndarray[Any, Any]]]:
    """Return the rows that stood outside a fold, and the mean of what each model said of them there.

    A row that groups or a rare class keep inside every fold is left out.

    Args:
        outside: per fold, its rows.
        said: per fold, name → answers to those rows.
    """
    places = sorted({row for rows in outside for row in rows})
    position = {row: at for at, row in enumerate(places)}
    times = np.zeros(len(places))
    sums: dict[str, np.ndarray[Any, Any]] = {}
    for rows, answers in zip(outside, said, strict=True):
        at = [position[row] for row in rows]
        times[at] += 1
        for name, array in answers.items():
            if array.dtype == object:  # spans have no mean: those of the last repeat stand
                sums.setdefault(name, np.empty(len(places), dtype=object))[at] = array
            else:
                sums.setdefault(name, np.zeros((len(places), *array.shape[1:])))[at] += array
    return places, {
        name: total if total.dtype == object else total / times.reshape(-1, *[1] * (total.ndim - 1))
        for name, total in sums.items()
    }


def store(answers: Array) -> Any:
    """Return answers as plain data."""
    if answers.dtype == object and all(isinstance(row, Written) for row in answers):
        return {"written": [asdict(row) for row in answers]}
    if answers.dtype == object:
        return {"mentions": [[asdict(mention) for mention in row] for row in answers]}
    return answers.tolist()


def restore(values: Any) -> Array:
    """Return what `store` was given."""
    if isinstance(values, dict) and "written" in values:
        return as_objects(Written(**row) for row in values["written"])
    if isinstance(values, dict):
        return as_objects(tuple(Mention(**mention) for mention in row) for row in values["mentions"])
    return np.asarray(values)


def _with_dev(
    shop: Workshop, examples: Sequence[Example], groups: Array, inside: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the places to train on and those to choose by, of those that one fold may see."""
    data, places = shop.recipe.data, np.asarray(inside)
    try:
        kept, held = split_examples(
            [examples[i] for i in inside], groups[places], data.dev_share, seed=shop.recipe.seed
        )  # fmt: skip
    except ValueError:  # one group
        kept, held = [], []
    if not held:
        message = "rows that stay together are so many that a fold would have none to choose by."
        cure = "Give a test file, more rows, more folds, another data.group, or near_duplicates=ignore."
        raise InputError(Fault("K128", Path(data.train).name, message, cure))
    return places[kept].tolist(), places[held].tolist()


def _fold(shop: Workshop, examples: Sequence[Example], number: int, fold: Fold) -> dict[str, Any]:
    """Return the answers of the tuned model and of the baselines for one fold; a finished fold is not done again."""
    run = shop.reporter.run
    known = run.kept(f"fold-{number}")
    if known is not None:
        return {name: restore(values) for name, values in known.items()}
    train, dev, test = ([examples[place] for place in part] for part in fold)
    tuned = tune(shop, f"fold-{number}", rows_to_learn(shop, train), dev)
    read = read_of(shop, tuned.model, dev)
    task, temperature = shop.task.calibrate(read, dev)
    answers, asked = answers_of(task, read_of(shop, tuned.model, test, write=True), test, temperature)
    said = {"tuned": answers}
    said |= measure_baselines(shop, [*train, *dev], test)
    votes = rules_beside(shop, tuned, train, *answers_of(task, read, dev, temperature))
    if votes:
        said[ALONE] = vote_alone(votes, task, train, test)
        said |= {"tuned": votes.adjust(said["tuned"], asked), WITHOUT: said["tuned"]}
    stored = {name: store(values) for name, values in said.items()}
    run.keep(f"fold-{number}", stored)
    run.checkpoints(f"fold-{number}").remove()
    return {name: restore(values) for name, values in stored.items()}

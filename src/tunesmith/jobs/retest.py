"""The test rows of a finished run and what its model said of them, found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.bundle.load import load_bundle
from tunesmith.core.example import Example, Target, texts_of
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Task
from tunesmith.data.load import Loaded, load_splits
from tunesmith.data.split import fold_examples
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.crossval import average, restore
from tunesmith.jobs.limit import limited
from tunesmith.knowledge.memory import Memory
from tunesmith.knowledge.priors import Priors
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Recipe
from tunesmith.runs.lock import check_files
from tunesmith.runs.store import Run

Array = np.ndarray[Any, Any]
ROLES = ("train", "dev", "test", "weak")
"""Files of a run whose rows are its own; once it has ended, its rules and the model it began with are not needed."""
Row = tuple[tuple[str, ...], Target]


@dataclass(frozen=True, slots=True)
class Retested:
    """A run with its test rows.

    Args:
        run: finished.
        recipe: complete, with paths that hold from the current folder.
        task: fitted, of the bundle.
        examples: N of them.
        answers: to each row, as metrics take them; under cross-validation those of the models that never saw the row.
    """

    run: Run
    recipe: Recipe
    task: Task
    examples: Sequence[Example]
    answers: Array

    @property
    def rows(self) -> list[Row]:
        """Texts and target of each row: two runs with equal lists were tested on the same."""
        return [(texts_of(example), example.target) for example in self.examples]


def finished(folder: Path | str) -> Run:
    """Return the run in `folder`.

    Raises:
        InputError: there is none, or it has not ended.
    """
    run = Run.load(folder)
    if not run.is_finished:
        cure = f"`tunesmith train {folder} --resume` finishes it."
        raise InputError(Fault("K413", str(folder), "the run has not ended.", cure))
    return run


def check_rows(run: Run) -> None:
    """Check that the rows of a run are what they were.

    Raises:
        InputError: names every file that is gone or has changed, or says that rows came from standard input (K404).
    """
    lock, data = run.lock, run.recipe.data
    if "-" in (data.train, data.dev, data.test):
        message = "its rows came from standard input, which cannot be read again."
        raise InputError(Fault("K404", str(run.folder), message, "Train from a file."))
    check_files({**lock, "files": {role: file for role, file in lock["files"].items() if role in ROLES}})


def rows_of(recipe: Recipe, columns: Sequence[str]) -> Loaded:
    """Read the rows of a run again, and split them as it did.

    Args:
        recipe: complete, with paths that hold from the current folder.
        columns: that the examples have beside their texts and targets.
    """
    loaded = load_splits(
        recipe.data, task=recipe.task, seed=recipe.seed, folds=recipe.evaluate.folds, columns=columns
    )  # fmt: skip
    return limited(loaded, recipe)


def retest(folder: Path | str) -> Retested:
    """Read the data of a run again, split it as the run did, and ask its model.

    Raises:
        InputError: the run has not ended, or a data file is gone or has changed since (K404).
    """
    run = finished(folder)
    check_files(run.lock)
    recipe = parse(run.folder)
    if recipe.task == "masked":
        return _streamed(run, recipe)
    bundle = load_bundle(run.folder)
    # What was added to its memory since is not of the run.
    bundle = replace(bundle, fusions=tuple(one for one in bundle.fusions if not isinstance(one, Memory)))
    loaded = rows_of(recipe, bundle.columns)
    if loaded.protocol != "folds":
        test = loaded.splits.test
        answers = bundle.answers(test, recipe.batching.predict_size)
        return Retested(run, recipe, bundle.task, test, answers)
    examples, answers = _out_of_fold(run, recipe, loaded.splits.train, loaded.groups)
    for fusion in bundle.fusions:
        answers = fusion.adjust(answers, Asked(examples)) if isinstance(fusion, Priors) else answers
    return Retested(run, recipe, bundle.task, examples, answers)


def _streamed(run: Run, recipe: Recipe) -> Retested:
    """Return the test blocks of a run on running text."""
    from tunesmith.jobs.stream import tested_blocks

    bundle = load_bundle(run.folder)
    test = tested_blocks(recipe, bundle.encoder, bundle.task)
    return Retested(run, recipe, bundle.task, test, bundle.answers(test, recipe.batching.predict_size))


def _out_of_fold(
    run: Run, recipe: Recipe, examples: Sequence[Example], groups: Array
) -> tuple[Sequence[Example], Array]:
    """Return the rows that stood outside a fold, with the mean of what was said of them there."""
    evaluate = recipe.evaluate
    folds = fold_examples(examples, groups, evaluate.folds or 0, evaluate.repeats, recipe.seed)
    said = [{"tuned": restore(run.kept(f"fold-{number}")["tuned"])} for number in range(1, len(folds) + 1)]
    rows, means = average([outside for _, outside in folds], said)
    return [examples[row] for row in rows], means["tuned"]

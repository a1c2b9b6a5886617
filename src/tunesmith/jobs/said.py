"""What a run keeps of what was said without rules, so that others can be set beside its model without a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.core.batch import Read
from tunesmith.core.example import Example, Splits
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Array, Task
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.crossval import restore, store
from tunesmith.jobs.knowledge import ALONE, MARKED_IN, VOTED_ON
from tunesmith.jobs.summary import Tested
from tunesmith.jobs.workshop import Workshop
from tunesmith.runs.store import Run
from tunesmith.text.windows import units_of

SAID = "said"
"""Under what a run keeps the answers of its model and of the baselines."""
SPANS = "said-baselines"
"""Under what it keeps those of the baselines where they are spans."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of dev by the model that did not learn from it, and of test by the one that ships.

    Args:
        dev: answers, as metrics take them, and what knowledge may look at beside them.
        test: the same.
        baselines: answers to the test rows.
    """

    dev: tuple[Array, Asked]
    test: tuple[Array, Asked]
    baselines: dict[str, Array]


def keep_said(shop: Workshop, dev: Array, asked: Asked, tested: Tested) -> None:
    """Keep what was said without rules; nothing in tasks where there are none.

    Of a task whose answers are spans it is what the model says of every word that is kept, from which they follow.
    """
    run = shop.reporter.run
    others = {name: said for name, said in tested.baselines.items() if name != ALONE}
    if shop.task.name in VOTED_ON:
        arrays = {"dev": dev, "without": tested.without, **{f"baseline.{name}": said for name, said in others.items()}}
    elif shop.task.name in MARKED_IN:
        assert asked.read is not None, "the model was asked for dev"
        assert tested.asked is not None, "one model was asked for test"
        assert tested.asked.read is not None, "the bundle was asked for test"
        arrays = {"dev": asked.read.values.numpy(), "without": tested.asked.read.values.numpy()}
        run.keep(SPANS, {name: store(said) for name, said in others.items()})
    else:
        return
    run.keep_arrays(SAID, {name: np.asarray(said, dtype=np.float32) for name, said in arrays.items()})


def kept_said(run: Run, task: Task, splits: Splits, names: Sequence[str]) -> Said:
    """Return what a run kept, of its rows and of the baselines called `names`; `refuse_silent` says that it did."""
    arrays = _arrays(run)
    sides = [(splits.dev, arrays["dev"]), (splits.test, arrays["without"])]
    if task.name in MARKED_IN:
        spans = run.kept(SPANS)
        baselines = {name: restore(spans[name]) for name in names}
        dev, test = (_of_words(task, list(rows), values) for rows, values in sides)
    else:
        baselines = {name: arrays[f"baseline.{name}"] for name in names}
        dev, test = ((values.astype(np.float64), Asked(list(rows))) for rows, values in sides)
    return Said(dev, test, baselines)


def _of_words(task: Task, rows: Sequence[Example], values: Array) -> tuple[Array, Asked]:
    import torch

    read = Read(torch.from_numpy(values), [len(units_of(row)) for row in rows])
    return task.answers(read, rows), Asked(rows, read=read)


def keep_again(parent: Run, run: Run) -> None:
    """Keep in a run what its parent kept, so that it can be given other rules in turn."""
    run.keep_arrays(SAID, _arrays(parent))
    if (spans := parent.kept(SPANS)) is not None:
        run.keep(SPANS, spans)


def _arrays(run: Run) -> dict[str, Array]:
    found = run.kept_arrays(SAID)
    assert found is not None, "it was looked at before"
    return found


def refuse_silent(run: Run) -> None:
    """Refuse a run that kept nothing.

    Raises:
        InputError: rules cannot be set beside its model (K811).
    """
    if run.kept_arrays(SAID) is not None:
        return
    report = run.report()
    if report["task"] not in (*VOTED_ON, *MARKED_IN):
        why = f"rules vote on the one label of a row or mark spans in its text, and the task is {report['task']}."
    elif report["protocol"]["name"] == "folds":
        why = "it was measured by cross-validation, in which every fold has a model of its own."
    else:
        why = "it did not keep the answers that rules are weighed by: an earlier version trained it."
    raise InputError(Fault("K811", str(run.folder), why, "Train with --rules."))

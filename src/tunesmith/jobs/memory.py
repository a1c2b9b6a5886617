"""Labelled rows that a finished model asks for their nearest: added without a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith.bundle.knowledge import save_fusions
from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Example, texts_of
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Array
from tunesmith.data.load import load_splits
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.evaluate import labelled
from tunesmith.jobs.knowledge import VOTED_ON
from tunesmith.jobs.limit import drawn
from tunesmith.knowledge.memory import Memory
from tunesmith.recipe.parse import parse
from tunesmith.runs.lock import check_files
from tunesmith.runs.store import Run, is_run

MOST = 10_000
"""Train rows at most that stand in a memory beside those that were added, drawn."""


def add_memory(
    run: str | Path, data: str | Path, *, columns: Sequence[str] = (), label: str | None = None
) -> dict[str, Any]:
    """Put the labelled rows of a file into the memory of a finished run; nothing is trained.

    From then on predictions ask the memory for the rows nearest to a text. How much these count is fitted on the rows
    that were added, each foretold from the model and the other rows. A text that stands there already is passed over.

    Args:
        run: the folder of a run whose data is where it was; the memory is written into its bundle.
        data: a file of any kind that training reads.
        columns: the column of the text, or the two of a pair; those of the training where not given.
        label: the column of the label; that of the training where not given.

    Returns:
        `{"added", "known", "rows", "heard", "right": {"without", "with"}}`: rows that were added, and that were known
        already; rows added so far; whether the memory is heard; and the share of these rows that are foretold right by
        the model alone, and by the model with the other rows.

    Raises:
        InputError: there is no such run, its model is none of `classify` or `pair` (K809), its data is gone or has
            changed (K404), or the rows cannot be read or have labels that the model does not know (K107).

    Cost: a pass of the model over the added rows, and the first time over the train rows, 10,000 at most.

    Example:
        >>> tunesmith.add_memory("runs/first", "corrected.csv")["added"]  # doctest: +SKIP
        200
    """
    found = _open(run)
    bundle, old = found.bundle, found.memory
    given = {_text(example): example for example in labelled(bundle, found.run.recipe, str(data), columns, label)}
    bundle = replace(bundle, fusions=tuple(one for one in bundle.fusions if not isinstance(one, Memory)))
    memory = old or _remembered(bundle, _trained_on(found.run, bundle), fresh=False)
    known = set(memory.texts)
    new = [example for text, example in given.items() if text not in known]
    if new:
        memory = memory.joined(_remembered(bundle, new, fresh=True)).fitted()
    save_fusions(bundle.folder, [*bundle.fusions, memory])
    truth = memory.classes[memory.fresh]
    return {
        "added": len(new), "known": len(given) - len(new), "rows": int(memory.fresh.sum()),
        "heard": memory.share > 0,
        "right": {"without": _right(memory.answers, truth), "with": _right(memory.foretold(), truth)},
    }  # fmt: skip


def clear_memory(run: str | Path) -> dict[str, Any]:
    """Forget the memory of a finished run; its model answers alone again, with its rules where it has some.

    Returns:
        `{"forgotten"}`: how many rows had been added.
    """
    found = _open(run)
    save_fusions(found.bundle.folder, [one for one in found.bundle.fusions if one.kind != Memory.kind])
    return {"forgotten": int(found.memory.fresh.sum()) if found.memory else 0}


@dataclass(frozen=True, slots=True)
class _Opened:
    run: Run
    bundle: Bundle
    memory: Memory | None


def _open(folder: str | Path) -> _Opened:
    """Return a run, its bundle and what it remembers.

    Raises:
        InputError: there is no run, or its model can have no memory (K809).
    """
    place = Path(folder)
    bundle = load_bundle(place)
    if bundle.task.name not in VOTED_ON:
        message = f"a memory speaks for the one label of a row, and the model is one of {bundle.task.name}."
        raise InputError(Fault("K809", str(folder), message, "Use a model of classify or pair."))
    if not is_run(bundle.folder.parent):
        message = "the model stands alone; a memory begins with the rows that it was trained on, which its run names."
        raise InputError(Fault("K809", str(folder), message, "Give the folder of the run."))
    memory = next((one for one in bundle.fusions if isinstance(one, Memory)), None)
    return _Opened(Run.load(bundle.folder.parent), bundle, memory)


def _trained_on(run: Run, bundle: Bundle) -> Sequence[Example]:
    """Return the rows that a run learnt from and chose by."""
    check_files(run.lock)
    recipe = parse(run.folder)
    loaded = load_splits(
        recipe.data, task=recipe.task, seed=recipe.seed, folds=recipe.evaluate.folds, columns=bundle.columns
    )  # fmt: skip
    return [row for rows in (loaded.splits.train, loaded.splits.dev) for row in drawn(rows, MOST, recipe.seed)]


def _remembered(bundle: Bundle, examples: Sequence[Example], *, fresh: bool) -> Memory:
    """Return a memory of rows: those that a model was trained on, or others with what it says of them."""
    read, vectors = bundle.seen(examples)
    answers = bundle.fused(bundle.task.answers(read, examples), Asked(examples, vectors)) if fresh else None
    texts, sources = [_text(example) for example in examples], [example.source for example in examples]
    return Memory.of(bundle.labels, vectors, bundle.task.truth(examples), texts, sources, answers)


def _text(example: Example) -> str:
    return "\n".join(texts_of(example))


def _right(answers: Array, truth: Array) -> float:
    return float((answers.argmax(1) == truth).mean()) if len(truth) else 0.0

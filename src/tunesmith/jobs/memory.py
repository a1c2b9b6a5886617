"""Labelled rows that a finished model asks for their nearest: added without a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith.bundle.knowledge import save_fusions
from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Example, Splits, texts_of
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Array
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.evaluate import labelled, prepared_for
from tunesmith.jobs.knowledge import VOTED_ON
from tunesmith.jobs.limit import drawn
from tunesmith.jobs.retest import check_rows, finished, rows_of
from tunesmith.knowledge.memory import Memory
from tunesmith.recipe.parse import parse
from tunesmith.runs.owner import owned
from tunesmith.runs.store import Run, is_run

MOST = 10_000
"""Train rows at most that stand in a memory beside those that were added, drawn."""


def add_memory(
    run: str | Path, data: str | Path, *, columns: Sequence[str] = (), label: str | None = None
) -> dict[str, Any]:
    """Put the labelled rows of a file into the memory of a finished run; nothing is trained.

    From then on predictions ask the memory for the rows nearest to a text. How much these count is fitted on the rows
    that were added, each foretold from the model and the other rows. Of a text that stands there already the new label
    counts.

    Args:
        run: the folder of a run whose data is where it was; the memory is written into its bundle.
        data: a file of any kind that training reads.
        columns: the column of the text, or the two of a pair; those of the training where not given.
        label: the column of the label; that of the training where not given.

    Returns:
        `{"added", "corrected", "known", "left_out", "rows", "heard", "right": {"without", "with"}}`: rows of the file
        that are new, whose label was another so far, that were known as they are, and that cannot be used (torn,
        without text or label, or with a text that comes again below); rows added so far; whether the memory is heard;
        and the share of these rows that are foretold right by the model alone, and by the model with the other rows.

    Raises:
        InputError: there is no such run, or it has not ended (K413); its model is none of `classify` or `pair`
            (K809); its data is gone, has changed or came from standard input (K404); the rows cannot be read or have
            labels that the model does not know (K107).
        RunError: another process works on the run.

    Cost: a pass of the model over the added rows, and the first time over the train rows, 10,000 at most.

    Example:
        >>> tunesmith.add_memory("runs/first", "corrected.csv")["added"]  # doctest: +SKIP
        200
    """
    found = _open(run)
    with owned(found.run.folder):
        return _add(found, str(data), columns, label)


def _add(found: _Opened, data: str, columns: Sequence[str], label: str | None) -> dict[str, Any]:
    bundle, recipe = found.bundle, found.run.recipe
    prepared = prepared_for(bundle, recipe, data, columns, label)
    given = {_text(example): example for example in labelled(bundle, prepared, data)}
    classes = dict(zip(given, bundle.task.truth(list(given.values())).tolist(), strict=True))
    check_rows(found.run)
    splits = rows_of(parse(found.run.folder), bundle.columns).splits
    memory = found.memory or _remembered(bundle, _some(splits, recipe.seed), fresh=False)
    stored = dict(zip(memory.texts, memory.classes.tolist(), strict=True))
    learnt = {hash(_text(example)) for rows in (splits.train, splits.dev) for example in rows}  # there may be millions
    new = [example for text, example in given.items() if text not in stored and hash(text) not in learnt]
    other = {text: at for text, at in classes.items() if text in stored and stored[text] != at}
    memory = memory.corrected(other) if other else memory
    if new:
        memory = memory.joined(_remembered(bundle, new, fresh=True))
    memory = memory.fitted() if new or other else memory
    save_fusions(bundle.folder, [*bundle.fusions, memory])
    truth = memory.classes[memory.fresh]
    return {
        "added": len(new), "corrected": len(other), "known": len(given) - len(new) - len(other),
        "left_out": prepared.files["train"].table.rows_read - len(given), "rows": int(memory.fresh.sum()),
        "heard": memory.share > 0,
        "right": {"without": _right(memory.answers, truth), "with": _right(memory.foretold(), truth)},
    }  # fmt: skip


def clear_memory(run: str | Path) -> dict[str, Any]:
    """Forget the memory of a finished run; its model answers alone again, with its rules where it has some.

    Returns:
        `{"forgotten"}`: how many rows had been added.

    Raises:
        InputError: there is no such run, or its model can have no memory.
        RunError: another process works on the run.
    """
    found = _open(run)
    with owned(found.run.folder):
        save_fusions(found.bundle.folder, found.bundle.fusions)
    return {"forgotten": int(found.memory.fresh.sum()) if found.memory else 0}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A finished run, its bundle without what it remembers, and that."""

    run: Run
    bundle: Bundle
    memory: Memory | None


def _open(folder: str | Path) -> _Opened:
    """Return a run with its bundle and its memory.

    Raises:
        InputError: there is no run, it has not ended (K413), or its model can have no memory (K809).
    """
    bundle = load_bundle(folder)
    if bundle.task.name not in VOTED_ON:
        message = f"a memory speaks for the one label of a row, and the model is one of {bundle.task.name}."
        raise InputError(Fault("K809", str(folder), message, "Use a model of classify or pair."))
    place = bundle.folder.parent
    if not is_run(place):
        message = "the model stands alone; a memory begins with the rows that it was trained on, which its run names."
        raise InputError(Fault("K809", str(folder), message, "Give the folder of the run."))
    memory = next((one for one in bundle.fusions if isinstance(one, Memory)), None)
    others = tuple(one for one in bundle.fusions if not isinstance(one, Memory))
    return _Opened(finished(place), replace(bundle, fusions=others), memory)


def _some(splits: Splits, seed: int) -> Sequence[Example]:
    """Return at most `MOST` of the rows that a run learnt from and chose by."""
    dev = drawn(splits.dev, MOST // 4, seed)
    return [*drawn(splits.train, MOST - len(dev), seed), *dev]


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

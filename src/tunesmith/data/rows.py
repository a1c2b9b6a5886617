"""Tables → clean rows with targets: what training and checking both look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tunesmith.core.example import Message, Target
from tunesmith.core.report import Finding
from tunesmith.data.arrays import column_texts
from tunesmith.data.labels import Kind, classes_of
from tunesmith.data.read import read_table
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.recipe.schema import Data

Array = np.ndarray[Any, Any]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Words = tuple[tuple[int, int], ...]

WEAK = "weak"
"""The file of rows whose labels nobody has checked."""
LABELLED = ("auto", "classify", "multilabel", "pair", "regress")
"""Tasks that can learn from such rows; `auto` will be one of the others."""


@dataclass(slots=True)
class Rows:
    """The rows of one file that have text and label.

    Args:
        table: as it was read.
        places: [N] where the rows stand in the table.
        texts: sequences of N texts each, in the order of `core.example.texts_of`: one; two of a pair, or questions and
            contexts; three of triplets. Of dialogues one: what was said so far, a line break between the turns.
        targets: N of them.
        words: [N] start and end of each word of the text, where words are given (tag); empty where none are.
        messages: [N] the turns before the target (chat); empty where there are no dialogues.
        weights: [N] how much each counts in training; None where all count the same.
    """

    table: Table
    places: Numbers
    texts: tuple[Sequence[str], ...]
    targets: list[Target] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    messages: list[tuple[Message, ...]] = field(default_factory=list)
    weights: Array | None = None

    @property
    def name(self) -> str:
        """The file as messages say it."""
        return self.table.name

    @property
    def numbers(self) -> Numbers:
        """[N] the row numbers as the user counts."""
        return self.table.rows[self.places]

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> list[str]:
        """Return another column of the rows, as strings."""
        values = column_texts(self.table.data[name])
        return [values[place] for place in self.places]


@dataclass(slots=True)
class Prepared:
    """Everything that was read and understood, before anything is split.

    Args:
        task: classify, multilabel, regress, pair, tag, answer, embed, chat or seq2seq.
        kind: what the targets are.
        columns: role → column.
        files: `train`, and `dev` and `test` where they are given.
        findings: what was wrong or notable so far; errors among them.
        guesses: sentences that say what was inferred, and how to change it.
        weak: rows whose labels nobody has checked; None where there are none.
    """

    task: str
    kind: Kind
    columns: dict[str, str]
    files: dict[str, Rows]
    findings: list[Finding]
    guesses: tuple[str, ...]
    weak: Rows | None = None

    def label_counts(self, targets: Sequence[Target]) -> dict[str, int]:
        """Return how many of the rows with `targets` every class has; empty where the targets are no classes."""
        return {} if self.kind == "text" else label_counts(targets)


def prepare(data: Data, task: str = "auto") -> Prepared:
    """Read the files of `data`, find the task and the columns, and clean what will be read and what is to be learnt.

    Raises:
        InputError: a file cannot be read, columns are missing or ambiguous, or bad rows are to stop the work.
    """
    from tunesmith.data.shape import task_of

    tables = _read_all(data)
    found, guess = task_of(tables["train"], data, task)
    _refuse_unlabelled(found, data)
    prepared = _prepare(found, tables, data)
    if data.redact:
        from tunesmith.data.redact import redact

        redact(prepared, data.redact)
    if guess:
        prepared.guesses = (guess, *prepared.guesses)
    prepared.weak = prepared.files.pop(WEAK, None)
    return prepared


def _refuse_unlabelled(task: str, data: Data) -> None:
    """Refuse weak rows and weights in tasks whose rows have no label (K134)."""
    told = {"weak": data.weak, "weight": data.weight}
    raise_faults(
        Fault("K134", f"data.{key}", f"rows of the task {task} have no labels that could be weak or weighed.",
              f"Leave data.{key} out.")
        for key, value in told.items() if value is not None and task not in LABELLED
    )  # fmt: skip


def _prepare(task: str, tables: dict[str, Table], data: Data) -> Prepared:
    if task == "tag":
        from tunesmith.data.tagged import prepare_tagged

        return prepare_tagged(tables, data)
    if task == "answer":
        from tunesmith.data.questions import prepare_questions

        return prepare_questions(tables, data)
    if task == "embed":
        from tunesmith.data.similar import prepare_similar

        return prepare_similar(tables, data, task)
    if task == "chat":
        from tunesmith.data.chats import prepare_chats

        return prepare_chats(tables, data)
    if task == "seq2seq":
        from tunesmith.data.written import prepare_written

        return prepare_written(tables, data)
    from tunesmith.data.labelled import prepare_labelled

    return prepare_labelled(tables, data, task)


def _read_all(data: Data) -> dict[str, Table]:
    """Read every file, and report what is wrong with all of them at once."""
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    for split in ("train", "dev", "test", WEAK):
        if source := getattr(data, split):
            try:
                tables[split] = read_table(source, on_bad_row=data.on_bad_row, header=data.header)
            except InputError as error:
                faults.extend(error.faults)
    if faults:
        raise InputError(faults)
    return tables


def guesses_of(tables: dict[str, Table], said: Sequence[str]) -> tuple[str, ...]:
    """Return what was inferred while reading the files, and then `said`."""
    return (*(guess for table in tables.values() for guess in table.guesses), *said)


def label_counts(targets: Sequence[Target]) -> dict[str, int]:
    """Return how many rows every class or kind of span has, the largest first; empty for numbers and answers."""
    counts = Counter(name for target in targets for name in classes_of(target))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def pick(rows: Rows, places: Sequence[int]) -> Rows:
    """Return only those rows, in that order."""
    return replace(
        rows,
        places=rows.places[np.asarray(places, dtype=np.int64)],
        texts=tuple([text[place] for place in places] for text in rows.texts),
        targets=[rows.targets[place] for place in places],
        words=[rows.words[place] for place in places] if rows.words else [],
        messages=[rows.messages[place] for place in places] if rows.messages else [],
        weights=None if rows.weights is None else rows.weights[np.asarray(places, dtype=np.int64)],
    )

"""Questions, the texts that answer them, and the answers: rows of the task `answer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tunesmith.core.example import Answer, Target
from tunesmith.core.report import Finding, Severity
from tunesmith.data.answers import Placed, place, read_answers
from tunesmith.data.arrays import column_texts
from tunesmith.data.columns import refuse_missing
from tunesmith.data.duplicates import Array, Clusters, find_clusters
from tunesmith.data.findings import count_of, have, note_rows, raise_errors
from tunesmith.data.labels import fold
from tunesmith.data.repeats import conflict_findings, leak_findings
from tunesmith.data.roles import ROW_ROLES, no_column, said, told_columns, usual_column
from tunesmith.data.rows import Prepared, Rows, guesses_of
from tunesmith.data.table import Table
from tunesmith.errors import raise_faults
from tunesmith.recipe.schema import Data

ROLES = {
    "question": ("question", "query"),
    "context": ("context", "passage", "paragraph", "document", "article", "text"),
    "answers": ("answers", "answer", "answertext", "answertexts"),
}
"""The columns that are needed, and what they are usually called (without spaces or marks), best first."""
STARTS = ("answerstart", "answerstarts", "start", "starts")
IMPOSSIBLE = ("isimpossible", "impossible", "unanswerable")
LONG_SHARE = 1 / 3
"""A longer share of the context is hardly an answer any more."""


def prepare_questions(tables: dict[str, Table], data: Data) -> Prepared:
    """Find questions, contexts and answers in `tables`, and where the answers stand.

    Every target is the answers that count as right, in the order of the data, each once: with `start` where it stands
    in the context (its text is then exactly the context's), without where it stands nowhere. A train row of which no
    answer stands in the context is left out, unless bad rows are to be kept.

    Raises:
        InputError: columns are missing, or bad rows are to stop the work.
    """
    train = tables["train"]
    told = told_columns(train, data, (*ROLES, *ROW_ROLES))
    by_role = _columns(train, told)
    refuse_missing(tables.values(), by_role)
    findings = [finding for table in tables.values() for finding in table.findings]
    files = {}
    for split, table in tables.items():
        rows, faults = _read(table, by_role, data, split == "train")
        files[split] = rows
        findings += faults.findings(table.name, data)
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    return Prepared("answer", "answers", by_role, files, findings, guesses_of(tables, said(by_role, told)))


def are_questions(table: Table) -> bool:
    """Return whether the columns of `table` are called what questions, contexts and answers usually are."""
    return all(usual_column(table.columns, names) for names in ROLES.values())


def _columns(table: Table, told: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    faults = []
    for role, names in ROLES.items():
        free = [name for name in table.columns if name not in told.values() and name not in found.values()]
        name = told.get(role) or usual_column(free, names)
        if name:
            found[role] = name
        else:
            faults.append(no_column(table, role, f"such as {' or '.join(names[:3])}"))
    raise_faults(faults)
    return found | {role: told[role] for role in ROW_ROLES if role in told}


# --- rows --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Faults:
    """Row numbers by what is wrong with them, and how many answers it concerns."""

    empty: dict[str, list[int]] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    why: str = ""
    misplaced: list[int] = field(default_factory=list)
    misplaced_answers: int = 0
    moved_answers: int = 0
    nowhere: list[int] = field(default_factory=list)
    nowhere_answers: int = 0
    lost: list[int] = field(default_factory=list)
    several: list[int] = field(default_factory=list)

    def note(self, number: int, placed: Sequence[Placed]) -> None:
        """Count the answers of one row."""
        misplaced = sum(one.misplaced for one in placed)
        nowhere = sum(one.how == "nowhere" for one in placed)
        self.misplaced += [number] * bool(misplaced)
        self.misplaced_answers += misplaced
        self.moved_answers += sum(one.how == "moved" for one in placed)
        self.nowhere += [number] * bool(nowhere)
        self.nowhere_answers += nowhere
        self.several += [number] * any(one.how == "several" for one in placed)

    def findings(self, name: str, data: Data) -> Iterator[Finding]:
        """Yield what is to be said of the file `name`."""
        stops, keeps = data.on_bad_row == "error", data.on_bad_row == "keep"
        severity: Severity = "error" if stops else "warning"
        remedy = "Fill or remove the rows. data.on_bad_row: error, skip or keep."
        for role, rows in self.empty.items():
            message = f"{have(len(rows), 'row')} no {role}{'' if stops else '; kept' if keeps else '; left out'}."
            yield note_rows("K108", severity, name, message, remedy, rows)
        if self.unreadable:
            what = "answers that cannot be read, such as " + self.why
            message = f"{have(len(self.unreadable), 'row')} {what}{'.' if stops else '; left out.'}"
            yield note_rows("K151", severity, name, message, 'Write "text" or [{"text": "…", "answer_start": 0}, …].',
                            self.unreadable)  # fmt: skip
        if self.misplaced:
            yield note_rows("K152", "warning", name, self._misplaced(),
                            "Count starts in characters from 0 in the context as it is in the file.",
                            self.misplaced)  # fmt: skip
        if self.nowhere:
            yield note_rows("K153", severity if self.lost else "warning", name, self._nowhere(stops, keeps),
                            "Copy answers from the context, letter by letter.", self.nowhere)  # fmt: skip
        if self.several:
            yield note_rows(
                "K154", "note", name,
                f"{have(len(self.several), 'row')} an answer without a start that stands in several places; the first "
                "was taken.", "Give starts (answer_start) where it matters.", self.several,
            )  # fmt: skip

    def _misplaced(self) -> str:
        lost = self.misplaced_answers - self.moved_answers
        fates = [f"{self.moved_answers:,} moved to the nearest place"] * bool(self.moved_answers)
        fates += [f"{lost:,} found nowhere"] * bool(lost)
        return (
            f"{count_of(self.misplaced_answers, 'answer')} in {count_of(len(self.misplaced), 'row')} "
            f"{'does' if self.misplaced_answers == 1 else 'do'} not stand where the start says: {', '.join(fates)}."
        )

    def _nowhere(self, stops: bool, keeps: bool) -> str:
        does = "does" if self.nowhere_answers == 1 else "do"
        first = f"{count_of(self.nowhere_answers, 'answer')} in {count_of(len(self.nowhere), 'row')} {does} not stand "
        first += "in the context"
        if not self.lost:
            return first + "."
        have_none = f"{have(len(self.lost), 'row')} no other"
        shown = ", ".join(map(str, self.lost[:8])) + (", …" if len(self.lost) > 8 else "")
        fate = "" if stops else ", kept" if keeps else ", left out of train"
        return f"{first}; {have_none}{fate} ({'row' if len(self.lost) == 1 else 'rows'} {shown})."


def _read(table: Table, by_role: dict[str, str], data: Data, is_train: bool) -> tuple[Rows, _Faults]:
    """Return the rows of one file that can be used, and what is wrong with the others."""
    questions = [text.strip() for text in column_texts(table.data[by_role["question"]])]
    contexts = column_texts(table.data[by_role["context"]])  # not stripped: starts count from its first character
    faults = _Faults()
    keeps = data.on_bad_row == "keep"
    places: list[int] = []
    targets: list[Target] = []
    for at, (cell, starts) in enumerate(_answer_cells(table, by_role["answers"])):
        number = int(table.rows[at])
        empty = [role for role, text in (("question", questions[at]), ("context", contexts[at])) if not text.strip()]
        for role in empty:
            faults.empty.setdefault(role, []).append(number)
        if empty and not keeps:
            continue
        try:
            given = read_answers(cell, starts, contexts[at])
        except ValueError as error:
            faults.why = faults.why or str(error)
            faults.unreadable.append(number)
            continue
        placed = [place(answer, contexts[at]) for answer in given]
        faults.note(number, placed)
        if is_train and placed and all(one.how == "nowhere" for one in placed):
            faults.lost.append(number)
            if not keeps:
                continue
        places.append(at)
        targets.append(tuple(dict.fromkeys(one.answer for one in placed)))
    texts = ([questions[at] for at in places], [contexts[at] for at in places])
    return Rows(table, np.array(places, dtype=np.int64), texts, targets), faults


def _answer_cells(table: Table, column: str) -> Iterator[tuple[Any, Any]]:
    """Yield the cell of the answers and that of their starts; None and None where the question has no answer."""
    others = [name for name in table.columns if name != column]
    answers = table.data[column].to_pylist()
    nothing = [None] * len(table)
    starts = table.data[name].to_pylist() if (name := usual_column(others, STARTS)) else nothing
    told = column_texts(table.data[name]) if (name := usual_column(others, IMPOSSIBLE)) else nothing
    for cell, start, impossible in zip(answers, starts, told, strict=True):
        none = str(impossible).strip().lower() in ("true", "1", "yes")
        yield (None, None) if none else (cell, start)


# --- findings ----------------------------------------------------------------------------------------------------


def context_groups(rows: Rows, *, near: bool = False) -> list[int]:
    """Return a number per row, equal for rows whose contexts are: the questions about one text stay together.

    Args:
        near: whether nearly equal contexts count as equal, too.
    """
    ids, contexts = _contexts(rows.texts[1])
    return [int(number) for number in find_clusters([contexts], near=near).near[ids]]


def _contexts(*columns: Sequence[str]) -> tuple[Array, list[str]]:
    """Return the number of every context, and the contexts, each once: a hundred questions may share one."""
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(text, len(numbers)) for column in columns for text in column]
    return np.array(ids, dtype=np.int64), list(numbers)


def question_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield what would spoil a training on questions or its score, apart from what was wrong in single rows."""
    for split, rows in prepared.files.items():
        yield from _unanswered_findings(split, rows)
        yield from _long_findings(rows)
        yield from _conflict_findings(rows)
    yield from _leak_findings(prepared)


def _unanswered_findings(split: str, rows: Rows) -> Iterator[Finding]:
    none = [at for at, target in enumerate(rows.targets) if not target]
    if none and len(none) == len(rows):
        severity: Severity = "error" if split == "train" else "warning"
        yield note_rows("K150", severity, rows.name, "no question has an answer.", "Fill the answers in.")
    elif none:
        message = f"{len(none):,} of {count_of(len(rows), 'question')} have no answer; the model learns to say so."
        yield note_rows("K150", "note", rows.name, message, "", rows.numbers[none].tolist())


def _answers(target: Target) -> list[Answer]:
    return [item for item in target if isinstance(item, Answer)] if isinstance(target, tuple) else []


def _long_findings(rows: Rows) -> Iterator[Finding]:
    long = [
        at for at, (context, target) in enumerate(zip(rows.texts[1], rows.targets, strict=True))
        if any(answer.start is not None and len(answer.text) > LONG_SHARE * len(context) for answer in _answers(target))
    ]  # fmt: skip
    if long:
        yield note_rows(
            "K155", "note", rows.name, f"{have(len(long), 'row')} an answer that is more than a third of its context.",
            "Mark the shortest stretch that answers the question.", rows.numbers[long].tolist(),
        )  # fmt: skip


def _conflict_findings(rows: Rows) -> Iterator[Finding]:
    """Find the same question about the same context with different answers."""
    same = find_clusters(rows.texts, near=False).same
    said = [frozenset(fold(answer.text) for answer in _answers(target)) for target in rows.targets]
    yield from conflict_findings(
        "K157", rows, same, said, "different answers to the same context",
        "Put the answers into one row if all are right.", noun="question",
    )  # fmt: skip


def _leak_findings(prepared: Prepared) -> Iterator[Finding]:
    """Find contexts of dev and test that train has, and contexts of test that dev has."""
    if len(prepared.files) < 2:
        return
    all_ids, contexts = _contexts(*(rows.texts[1] for rows in prepared.files.values()))
    ends = np.cumsum([len(rows) for rows in prepared.files.values()])[:-1]
    ids = dict(zip(prepared.files, np.split(all_ids, ends), strict=True))
    clusters = find_clusters([contexts])
    parts = {split: Clusters(clusters.same[some], clusters.near[some]) for split, some in ids.items()}
    remedy = "Move all questions about a context to {left} or to {right}."
    yield from leak_findings(prepared.files, parts, ("K156", "K156"), "context", remedy)

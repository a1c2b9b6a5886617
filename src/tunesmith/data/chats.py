"""Dialogues, and what the assistant says at their end: rows of the task `chat`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tunesmith.core.example import Message
from tunesmith.core.report import Finding, Severity
from tunesmith.data.chatcolumns import OPTIONAL, find_columns, turns_of
from tunesmith.data.columns import refuse_missing
from tunesmith.data.findings import have, note_rows, raise_errors
from tunesmith.data.rows import Prepared, Rows, guesses_of
from tunesmith.data.table import Table
from tunesmith.data.turns import Dialogue, settle
from tunesmith.recipe.schema import Data

REMEDY = "Mend or remove the rows. data.on_bad_row: error, skip or keep."
BAD = {
    "no prompt": ("K108", "no prompt", REMEDY),
    "no answer": ("K170", "no answer to learn", "Mend or remove the rows. data.on_bad_row: error or skip."),
    "unreadable": ("K171", "a dialogue that cannot be read", 'Write [{"role": "user", "content": "…"}, …], in text.'),
    "order": ("K172", "roles out of order", "Mend the rows; data.on_bad_row=keep joins turns of one speaker."),
}
"""What is wrong with a row → code, words, remedy."""
MENDED = {
    "joined": ("two turns of one speaker in a row; joined by a line break.", "Nothing need be done if they are parts."),
    "unanswered": ("turns after the last one of the assistant; dropped.", "Add the answers if they were lost."),
    "unasked": ("a turn of the assistant before anybody asked; dropped.", "Add what it answers if that was lost."),
}
"""What was changed in a row → words, remedy."""


def prepare_chats(tables: dict[str, Table], data: Data) -> Prepared:
    """Find the dialogues in `tables`, and part each before the last thing that the assistant says.

    Every target is that last thing. Turns that come after it are dropped; a row in which the assistant says nothing,
    or whose roles cannot be read or brought into order, is left out.

    Raises:
        InputError: columns are missing, or bad rows are to stop the work.
    """
    columns = find_columns(tables["train"], data)
    needed = {role: name for role, name in columns.by_role.items() if role not in OPTIONAL}
    refuse_missing(tables.values(), needed)
    findings = [finding for table in tables.values() for finding in table.findings]
    files = {}
    for split, table in tables.items():
        files[split], faults = _read(table, columns.by_role, data)
        findings += faults.findings(table.name, data)
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    return Prepared("chat", "text", columns.by_role, files, findings, guesses_of(tables, columns.guesses))


def rendered(messages: tuple[Message, ...]) -> str:
    """Return what was said, a line break between the turns: the text by which dialogues are compared."""
    return "\n".join(message.content for message in messages)


@dataclass(slots=True)
class _Faults:
    """Row numbers by what is wrong with them or was changed in them."""

    bad: dict[str, list[int]] = field(default_factory=dict)
    why: dict[str, Counter[str]] = field(default_factory=dict)
    mended: dict[str, list[int]] = field(default_factory=dict)

    def note(self, number: int, what: str, why: str = "") -> None:
        """Count a bad row, and the reason."""
        self.bad.setdefault(what, []).append(number)
        self.why.setdefault(what, Counter()).update([why] if why else [])

    def findings(self, name: str, data: Data) -> Iterator[Finding]:
        """Yield what is to be said of the file `name`."""
        stops, keeps = data.on_bad_row == "error", data.on_bad_row == "keep"
        severity: Severity = "error" if stops else "warning"
        for what, (code, words, remedy) in BAD.items():
            if rows := self.bad.get(what):
                fate = "" if stops else "; kept" if keeps and what == "no prompt" else "; left out"
                reasons = ", ".join(f"{why} ({count:,})" for why, count in self.why[what].most_common(5))
                message = f"{have(len(rows), 'row')} {words}{f': {reasons}' if reasons else ''}{fate}."
                yield note_rows(code, severity, name, message, remedy, rows)
        for what, (words, remedy) in MENDED.items():
            if rows := self.mended.get(what):
                yield note_rows("K173", "note", name, f"{have(len(rows), 'row')} {words}", remedy, rows)


def _read(table: Table, by_role: Mapping[str, str], data: Data) -> tuple[Rows, _Faults]:
    """Return the rows of one file that can be used, and what is wrong with the others."""
    faults = _Faults()
    keeps = data.on_bad_row == "keep"
    places: list[int] = []
    dialogues: list[Dialogue] = []
    for at, turns in enumerate(turns_of(table.data, by_role, data.instruction)):
        number = int(table.rows[at])
        if isinstance(turns, str):
            faults.note(number, "unreadable", turns)
            continue
        dialogue = settle(turns, keeps=keeps)
        if dialogue.fault:
            faults.note(number, dialogue.fault, dialogue.detail)
        if dialogue.fault and not (keeps and dialogue.fault == "no prompt" and dialogue.messages):
            continue
        for mend in dialogue.mends:
            faults.mended.setdefault(mend, []).append(number)
        places.append(at)
        dialogues.append(dialogue)
    texts = [rendered(dialogue.messages) for dialogue in dialogues]
    targets = [dialogue.target for dialogue in dialogues]
    messages = [dialogue.messages for dialogue in dialogues]
    return Rows(table, np.array(places, dtype=np.int64), (texts,), list(targets), messages=messages), faults

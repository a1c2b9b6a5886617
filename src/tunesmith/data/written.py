"""Texts and what is to be written from them, such as translations or summaries: rows of the task `seq2seq`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tunesmith.core.report import Finding, Severity
from tunesmith.data.arrays import column_texts
from tunesmith.data.columns import refuse_missing
from tunesmith.data.findings import have, note_rows, raise_errors, shorten
from tunesmith.data.profile import Profile, profile_columns
from tunesmith.data.roles import ROW_ROLES, no_column, said, told_columns, usual_column
from tunesmith.data.rows import Prepared, Rows, guesses_of, pick
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.recipe.schema import Data

NAMES = {
    "source": ("source", "src", "sourcetext", "input", "inputtext", "article", "document", "body", "text", "dialogue",
               "content", "passage"),
    "target": ("target", "tgt", "targettext", "output", "outputtext", "summary", "highlights", "subject", "subjectline",
               "translation", "headline", "title"),
}  # fmt: skip
"""What the two columns are usually called (without spaces or marks), best first."""


def prepare_written(tables: dict[str, Table], data: Data) -> Prepared:
    """Find the texts in `tables`, and the text that is to be written from each: the target.

    Raises:
        InputError: columns are missing or ambiguous, or bad rows are to stop the work.
    """
    train = tables["train"]
    told = told_columns(train, data, (*NAMES, *ROW_ROLES))
    by_role = _columns(train, told)
    refuse_missing(tables.values(), by_role)
    findings = [finding for table in tables.values() for finding in table.findings]
    files = {}
    for split, table in tables.items():
        files[split], found = _read(table, by_role, data)
        findings += found
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    return Prepared("seq2seq", "text", by_role, files, findings, guesses_of(tables, said(by_role, told)))


def _columns(table: Table, told: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of the two texts: by name; else, if one of them is known, the only column of text left."""
    found = {role: told[role] for role in NAMES if role in told}
    free = {name: shape for name, shape in profile_columns(table).items() if name not in told.values()}
    for role, names in NAMES.items():
        if role not in found and (name := _usual(free, names)):
            found[role] = name
            del free[name]
    prose = [name for name, shape in free.items() if shape.is_prose]
    texts = [name for name in prose if free[name].is_text] or prose
    missing = [role for role in NAMES if role not in found]
    if len(missing) == 1 and len(texts) == 1:
        found[missing[0]] = texts[0]
    elif missing and len(texts) >= len(missing):
        raise InputError(_ambiguous(table, texts, missing))
    else:
        raise_faults(no_column(table, role, f"such as {' or '.join(NAMES[role][:2])}") for role in missing)
    return {role: found[role] for role in NAMES} | {role: told[role] for role in ROW_ROLES if role in told}


def _usual(free: Mapping[str, Profile], names: tuple[str, ...]) -> str | None:
    """Return the column with a usual name; one that looks like text before one that may say where a text is from."""
    texts = [name for name, shape in free.items() if shape.is_text]
    return usual_column(texts, names) or usual_column([n for n, shape in free.items() if shape.is_prose], names)


def _ambiguous(table: Table, texts: list[str], missing: list[str]) -> Fault:
    column = table.data.slice(0, 1)
    shown = [f'{name} (such as "{shorten(column_texts(column[name])[0], 40)}")' for name in texts[:8]]
    more = f" and {len(texts) - 8} more" if len(texts) > 8 else ""
    what = " and ".join(f"the {role}" for role in missing)
    return Fault(
        "K106", table.name, f"{len(texts)} columns of text could be {what}: {', '.join(shown)}{more}.",
        "Say which: " + " ".join(f"--set data.{role}=COLUMN" for role in missing),
    )  # fmt: skip


def _read(table: Table, by_role: Mapping[str, str], data: Data) -> tuple[Rows, list[Finding]]:
    """Return the rows of one file that can be used, and what is wrong with the others."""
    sources, targets = ([text.strip() for text in column_texts(table.data[by_role[role]])] for role in NAMES)
    rows = Rows(table, np.arange(len(table), dtype=np.int64), (sources,), list(targets))
    stops, keeps = data.on_bad_row == "error", data.on_bad_row == "keep"
    severity: Severity = "error" if stops else "warning"
    findings = []
    gone: set[int] = set()
    for code, role, texts, kept in (("K108", "source", sources, keeps), ("K170", "target", targets, False)):
        if bad := [at for at, text in enumerate(texts) if not text]:
            message = f"{have(len(bad), 'row')} no {role}{'' if stops else '; kept' if kept else '; left out'}."
            choices = "error, skip or keep" if role == "source" else "error or skip"
            remedy = f"Fill or remove the rows. data.on_bad_row: {choices}."
            findings.append(note_rows(code, severity, table.name, message, remedy, table.rows[bad].tolist()))
            gone.update(() if kept else bad)
    return (pick(rows, [at for at in range(len(table)) if at not in gone]) if gone else rows), findings

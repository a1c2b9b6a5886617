"""Tables → rows with a class, several classes or a number: texts and labels cleaned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.core.report import Finding, Severity
from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.columns import Columns, infer_columns, refuse_missing
from tunesmith.data.findings import count_of, have, note_rows, raise_errors, shorten
from tunesmith.data.labels import Cell, Spelling, classes_of, items_of, kind_of_labels, number_of
from tunesmith.data.rows import WEAK, Prepared, Rows, guesses_of
from tunesmith.data.table import Table
from tunesmith.data.texts import Texts, pick_texts
from tunesmith.data.weights import give_weights
from tunesmith.errors import did_you_mean
from tunesmith.recipe.schema import Data


def prepare_labelled(tables: dict[str, Table], data: Data, task: str) -> Prepared:
    """Find text, label and what the labels are, and clean both.

    Args:
        tables: `train`, and `dev`, `test` and `weak` where they are given.
        data: the part of the recipe.
        task: classify, multilabel, regress, pair, or `auto`.

    Raises:
        InputError: columns are missing or ambiguous, or bad rows are to stop the work.
    """
    columns = infer_columns(tables["train"], data, task)
    refuse_missing(tables.values(), columns.by_role)
    findings = [finding for table in tables.values() for finding in table.findings]
    files, cells = {}, {}
    for split, table in tables.items():
        files[split], cells[split], found = _clean(table, columns, data)
        findings += found
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    kind, guess = kind_of_labels(cells["train"], columns.label, data, task)
    pair = len(columns.texts) == 2
    resolved = "pair" if pair else {"class": "classify", "number": "regress", "set": "multilabel"}[kind]
    said = (*columns.guesses, *((guess,) if guess else ()))
    prepared = Prepared(resolved, kind, columns.by_role, files, findings, guesses_of(tables, said))
    _give_targets(prepared, cells, data)
    give_weights(prepared, data)
    return prepared


def _clean(table: Table, columns: Columns, data: Data) -> tuple[Rows, list[Cell], list[Finding]]:
    """Return the rows that have text and label, their label cells, and what was left out."""
    texts = [Texts.stripped(table.data[name]) for name in columns.texts]
    labels = _label_cells(table, columns.label)
    blank = ~np.logical_and.reduce([np.fromiter(map(bool, text), dtype=bool, count=len(table)) for text in texts])
    bare = np.fromiter((label == "" for label in labels), dtype=bool, count=len(table))
    keeps = data.on_bad_row == "keep"
    good = ~bare if keeps else ~(blank | bare)
    places = np.flatnonzero(good)
    if not good.all():
        texts = [text.where(good) for text in texts]
        labels = [labels[place] for place in places]
    findings = []
    severity: Severity = "error" if data.on_bad_row == "error" else "warning"
    looks = (("K108", np.flatnonzero(blank), "no text", keeps), ("K109", np.flatnonzero(bare), "no label", False))
    for code, bad, what, kept in looks:
        if len(bad):
            fate = "" if severity == "error" else "; kept" if kept else "; left out"
            message = f"{have(len(bad), 'row')} {what}{fate}."
            remedy = "Fill or remove the rows. data.on_bad_row: error, skip or keep."
            findings.append(note_rows(code, severity, table.name, message, remedy, table.rows[bad].tolist()))
    return Rows(table, places, tuple(texts)), labels, findings


def _label_cells(table: Table, name: str) -> list[Cell]:
    """Return label cells: stripped strings, `""` for none; tuples where the column holds lists.

    Equal strings are one string, however many rows there are.
    """
    column = table.data[name]
    if is_list(column):
        return [
            "" if items is None else tuple(item.strip() for item in items if item and item.strip())
            for items in column.to_pylist()
        ]
    known: dict[str, str] = {}
    stripped = (text.strip() for chunk in column.chunks for text in column_texts(chunk))
    return [known.setdefault(text, text) for text in stripped]


# --- targets -----------------------------------------------------------------------------------------------------


def _give_targets(prepared: Prepared, cells: dict[str, list[Cell]], data: Data) -> None:
    """Fill in the targets of every file, and find the labels that are no such thing."""
    if prepared.kind == "number":
        for split, rows in prepared.files.items():
            _give_numbers(prepared, rows, cells[split], data)
        return
    several = prepared.kind == "set"
    # Each cell is read once, and its rows share what it says.
    items_of_cell: dict[Cell, tuple[str, ...]] = {
        cell: _items(cell, data.separator) if several else (_single(cell),)
        for labels in cells.values() for cell in labels
    }  # fmt: skip
    sets = {split: [items_of_cell[cell] for cell in labels] for split, labels in cells.items()}
    spelling = Spelling.learn((item for items in sets["train"] for item in items), data.labels)
    named = {
        items: tuple(dict.fromkeys(spelling.of(item) for item in items)) for items in items_of_cell.values()
    }  # fmt: skip
    for split, rows in prepared.files.items():
        rows.targets = [named[items] if several else named[items][0] for items in sets[split]]
    train = prepared.files["train"]
    prepared.findings += spelling_findings(train.name, spelling, sets["train"], train)
    prepared.findings += unused_renames(prepared, data, sets)
    for split in ("dev", "test", WEAK):
        if split in prepared.files:
            prepared.findings += unknown_labels(prepared.files[split], train)


def _single(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def _items(cell: Cell, separator: str) -> tuple[str, ...]:
    return items_of(cell, separator) if isinstance(cell, str) else cell


def _give_numbers(prepared: Prepared, rows: Rows, cells: Sequence[Cell], data: Data) -> None:
    values = [number_of(_single(cell)) for cell in cells]
    bad = [place for place, value in enumerate(values) if value is None]
    if bad:
        severity: Severity = "warning" if data.on_bad_row == "skip" and len(bad) < len(values) else "error"
        example = shorten(_single(cells[bad[0]]), 30)
        message = f'{count_of(len(bad), "label")} cannot be read as a number (such as "{example}")'
        prepared.findings.append(
            note_rows("K127", severity, rows.name, message + ("; left out." if severity == "warning" else "."),
                      "Fix the rows, or train classes with --task classify.", rows.numbers[bad].tolist())
        )  # fmt: skip
    good = [place for place, value in enumerate(values) if value is not None]
    rows.places = rows.places[good]
    if bad:
        rows.texts = tuple(pick_texts(text, np.array(good, dtype=np.int64)) for text in rows.texts)
    rows.targets = [value for value in values if value is not None]


def spelling_findings(name: str, spelling: Spelling, sets: Sequence[tuple[str, ...]], train: Rows) -> list[Finding]:
    """Return what is to be said of labels that were written in several ways.

    Args:
        name: of the file.
        spelling: learnt from the train rows.
        sets: the labels of each train row as written.
        train: the rows.
    """
    findings = []
    if spelling.decimals:
        shown = ", ".join(f'"{label}"' for label in sorted({item for items in sets for item in items})[:4])
        findings.append(
            note_rows("K114", "note", name, f"labels are written as {shown}; they were taken as whole numbers.",
                      "Map them to words under data.labels for an easier report.")
        )  # fmt: skip
    for key, names in spelling.variants.items():
        chosen = spelling.canonical[key]
        merged = {label for label in names if label != chosen}
        shown = ", ".join(f'"{label}" ({count:,})' for label, count in names.most_common())
        rows = [
            int(number) for number, items in zip(train.numbers, sets, strict=True)
            if any(spelling.rename(item) in merged for item in items)
        ]  # fmt: skip
        findings.append(
            note_rows("K113", "warning", name, f'labels {shown} were merged into "{chosen}".',
                      "Clean the file, or map them under data.labels if they differ.", rows)
        )  # fmt: skip
    return findings


def unused_renames(prepared: Prepared, data: Data, sets: dict[str, list[tuple[str, ...]]]) -> list[Finding]:
    """Return a warning where `data.labels` maps labels that no row of any file has; `sets` are those of each row."""
    written = {item for items_of_split in sets.values() for items in items_of_split for item in items}
    known = written | {name.removesuffix(".0") for name in written}
    unused = [name for name in data.labels if name.strip() not in known]
    if not unused:
        return []
    hints = [f'"{name}" {did_you_mean(name, sorted(written))}'.strip() for name in unused]
    return [
        note_rows("K107", "warning", prepared.files["train"].name,
                  f"data.labels maps labels that no row has: {'; '.join(hints)}.", "Fix the mapping.")
    ]  # fmt: skip


def unknown_labels(rows: Rows, train: Rows) -> list[Finding]:
    """Return an error for every label of dev or test that no train row has, with its rows."""
    known = {name for target in train.targets for name in classes_of(target)}
    unknown: dict[str, list[int]] = {}
    for number, target in zip(rows.numbers, rows.targets, strict=True):
        for name in classes_of(target):
            if name not in known:
                unknown.setdefault(name, []).append(int(number))
    listed = sorted(known)
    among = ", ".join(listed[:8]) + (f", … {len(listed)} in all" if len(listed) > 8 else "")
    return [
        note_rows("K107", "error", rows.name, f'label "{shorten(name)}" is not one of ({among}), which train has.',
                  f"{did_you_mean(name, listed)} Fix the row, or map it under data.labels.".strip(), numbers)
        for name, numbers in unknown.items()
    ]  # fmt: skip

"""Texts that belong together or do not: pairs, pairs with a score, and triplets, the rows of the task `embed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tunesmith.core.report import Finding, Severity
from tunesmith.data.arrays import column_texts
from tunesmith.data.columns import refuse_missing
from tunesmith.data.duplicates import find_clusters
from tunesmith.data.findings import have, note_rows, raise_errors, shorten
from tunesmith.data.labels import fold
from tunesmith.data.matches import TEXTS, find_columns
from tunesmith.data.repeats import conflict_findings
from tunesmith.data.rows import Prepared, Rows, guesses_of, pick
from tunesmith.data.scores import Scale
from tunesmith.data.table import Table
from tunesmith.recipe.schema import Data


def prepare_similar(tables: dict[str, Table], data: Data, task: str = "embed") -> Prepared:
    """Find the pairs or triplets in `tables`, and their scores where there are any.

    Every target is a number: the score as it is written, 1 and 0 for yes and no, and 1 for pairs and triplets that
    have no score, since they belong together; `columns` has no label then.

    Raises:
        InputError: columns are missing or ambiguous, or bad rows are to stop the work.
    """
    by_role, said = find_columns(tables, data)
    refuse_missing(tables.values(), by_role)
    cells = {split: _label_cells(table, by_role, data) for split, table in tables.items()}
    scale = Scale.learn(cells["train"])
    if "label" in by_role and scale.verdicts and _all_belong(cells, scale):
        name = by_role.pop("label")
        said = (*said, f'Every row has a yes in column "{name}": the pairs were taken without scores.')
        cells = {split: ["1"] * len(table) for split, table in tables.items()}
    findings = [finding for table in tables.values() for finding in table.findings]
    files = {}
    for split, table in tables.items():
        files[split], found = _read(table, by_role, cells[split], scale, data)
        findings += found
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    return Prepared(task, "similar", by_role, files, findings, guesses_of(tables, said))


# --- scores ------------------------------------------------------------------------------------------------------


def _label_cells(table: Table, by_role: Mapping[str, str], data: Data) -> list[str]:
    """Return the score of every row as it is written, or as `data.labels` maps it; 1 where there is no such column."""
    if "label" not in by_role:
        return ["1"] * len(table)
    cells = [cell.strip() for cell in column_texts(table.data[by_role["label"]])]
    return [data.labels.get(cell, cell).strip() for cell in cells]


def _all_belong(cells: Mapping[str, Sequence[str]], scale: Scale) -> bool:
    written = {cell for column in cells.values() for cell in column if cell}
    return bool(written) and all(scale.value(cell) == 1.0 for cell in written)


# --- rows --------------------------------------------------------------------------------------------------------


def _read(
    table: Table, by_role: Mapping[str, str], cells: Sequence[str], scale: Scale, data: Data
) -> tuple[Rows, list[Finding]]:
    """Return the rows of one file that can be used, and what is wrong with the others."""
    texts = tuple([text.strip() for text in column_texts(table.data[by_role[role]])] for role in TEXTS
                  if role in by_role)  # fmt: skip
    values = [scale.value(cell) for cell in cells]
    rows = Rows(table, np.arange(len(table), dtype=np.int64), texts, list(values))
    keeps = data.on_bad_row == "keep"
    empty = [at for at, row in enumerate(zip(*texts, strict=True)) if not all(row)]
    unlabelled = [at for at, cell in enumerate(cells) if not cell]
    unreadable = [at for at, value in enumerate(values) if value is None and cells[at]]
    torn = _torn(texts)
    example = f' (such as "{shorten(cells[unreadable[0]], 30)}")' if unreadable else ""
    looks = (
        ("K108", empty, "no text", keeps, "Fill or remove the rows. data.on_bad_row: error, skip or keep."),
        ("K109", unlabelled, "no score", False, "Fill or remove the rows. data.on_bad_row: error or skip."),
        ("K127", unreadable, f"a score that is not {scale.wanted}{example}", False,
         "Mend the rows, or map them under data.labels, such as entailment: 1."),
        ("K162", torn, "a negative that is one of the other two texts", False, "Give another negative."),
    )  # fmt: skip
    findings = []
    for code, bad, what, kept, remedy in looks:
        if bad:
            stops = data.on_bad_row == "error" or len(bad) == len(table)
            severity: Severity = "error" if stops else "warning"
            message = f"{have(len(bad), 'row')} {what}{'' if stops else '; kept' if kept else '; left out'}."
            findings.append(note_rows(code, severity, table.name, message, remedy, table.rows[bad].tolist()))
    gone = {*unlabelled, *unreadable, *torn, *(() if keeps else empty)}
    return (pick(rows, [at for at in range(len(table)) if at not in gone]) if gone else rows), findings


def _torn(texts: Sequence[Sequence[str]]) -> list[int]:
    """Return the triplets whose negative is their anchor or positive, apart from case and spaces."""
    if len(texts) < 3:
        return []
    return [
        at for at, (one, two, negative) in enumerate(zip(*texts, strict=True))
        if negative and fold(negative) in (fold(one), fold(two))
    ]  # fmt: skip


# --- findings ----------------------------------------------------------------------------------------------------


def similar_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield what would spoil a training on pairs or its score, apart from what was wrong in single rows."""
    scored = "label" in prepared.columns
    train = prepared.files["train"]
    if scored and len(train) and len(set(train.targets)) == 1:
        yield note_rows(
            "K164", "error", train.name, f"every pair has the score {train.targets[0]:g}.",
            "Give pairs with different scores, or only pairs that belong together and no score column.",
        )  # fmt: skip
    for rows in prepared.files.values():
        folded = [[fold(text) for text in texts] for texts in rows.texts[:2]]
        yield from _equal_findings(rows, folded)
        if scored:
            yield from _conflict_findings(rows, folded)
        if set(rows.targets) <= {0.0, 1.0}:
            yield from _shared_findings(rows, folded)


def _equal_findings(rows: Rows, folded: Sequence[Sequence[str]]) -> Iterator[Finding]:
    equal = [at for at, (one, two) in enumerate(zip(*folded, strict=True)) if one == two]
    if equal:
        yield note_rows(
            "K160", "note", rows.name, f"{have(len(equal), 'row')} the same text twice: nothing is learnt from them.",
            "Remove them if they come from a mistake.", rows.numbers[equal].tolist(),
        )  # fmt: skip


def _conflict_findings(rows: Rows, folded: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Find the same two texts, in whichever order, with different scores."""
    pairs = list(zip(*folded, strict=True))
    same = find_clusters([[min(pair) for pair in pairs], [max(pair) for pair in pairs]], near=False).same
    remedy = "Decide which score is right, or give the mean in one row."
    yield from conflict_findings("K161", rows, same, rows.targets, "different scores", remedy, noun="pair")


def _shared_findings(rows: Rows, folded: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Find pairs that belong together of which one text has another partner, too."""
    found: set[int] = set()
    positive = [at for at, target in enumerate(rows.targets) if target == 1.0]
    for side, other in ((folded[0], folded[1]), (folded[1], folded[0])):
        partners: dict[str, set[str]] = {}
        for at in positive:
            partners.setdefault(side[at], set()).add(other[at])
        found.update(at for at in positive if len(partners[side[at]]) > 1)
    if found:
        yield note_rows(
            "K163", "note", rows.name,
            f"{have(len(found), 'row')} a text that belongs to several others: in-batch ranking may take a right "
            "answer for a wrong one.", "Keep one row for each text if they are many.",
            rows.numbers[sorted(found)].tolist(),
        )  # fmt: skip

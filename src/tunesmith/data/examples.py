"""The rows of a file as examples."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.findings import note_rows
from tunesmith.data.held import Held
from tunesmith.data.rows import Prepared, Rows
from tunesmith.data.texts import Texts
from tunesmith.errors import Fault, did_you_mean


def examples_of(
    rows: Rows, prepared: Prepared, findings: list[Finding], columns: Sequence[str] = ()
) -> Held:  # fmt: skip
    """Return the rows of one file as examples; ids that repeat are replaced by row numbers, and said."""
    column, others = prepared.columns.get("id"), {name: Texts.of(rows.column(name)) for name in columns}
    if not column or column not in rows.table.columns:
        return Held(rows, prepared.kind, None, columns=others)
    ids = Texts.of(rows.column(column))
    if all(ids) and _are_different(ids):
        return Held(rows, prepared.kind, ids, columns=others)
    findings.append(
        note_rows("K132", "warning", rows.name, f'the ids in column "{column}" are not one per row; '
                  "row numbers are used.", "Name another column under data.id, or none.")
    )  # fmt: skip
    return Held(rows, prepared.kind, None, columns=others)


def missing_columns(rows: Rows, columns: Sequence[str]) -> list[Fault]:
    """Return a fault for each of the columns at which rules look that a file does not have (K106)."""
    known = rows.table.columns
    return [
        Fault("K106", rows.name, f'there is no column "{name}", at which rules look; there are {", ".join(known)}.',
              did_you_mean(name, known))
        for name in columns if name not in known
    ]  # fmt: skip


def _are_different(texts: Sequence[str]) -> bool:
    """Return whether no text stands twice; looked at by a hash of 64 bits, so that many take little memory."""
    marks = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    digests = np.fromiter((int.from_bytes(mark, "little") for mark in marks), dtype=np.uint64, count=len(texts))
    return len(np.unique(digests)) == len(texts)

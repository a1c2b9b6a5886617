"""Columns from which the label follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.findings import note_rows
from tunesmith.data.rows import Prepared, Rows, label_counts

PURITY = 0.99
"""So large a share of the rows must have the label that is usual for their value of the column."""
MET = 3
"""So often each value must be met, on average: ids determine the label trivially."""


def giveaway_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield a finding for every further column that all but determines the label.

    A column counts only if its values come back.
    """
    train = prepared.files["train"]
    if prepared.kind != "class" or len(train) < 20:
        return
    counts = label_counts(train.targets)
    if len(counts) < 2:
        return
    code_of = {name: code for code, name in enumerate(counts)}
    label_codes = np.fromiter((code_of[str(target)] for target in train.targets), dtype=np.int64, count=len(train))
    base = max(counts.values()) / len(train)
    for name in train.table.columns:
        if name in prepared.columns.values() or is_list(train.table.data[name]):
            continue
        purity, values = _purity(train, name, label_codes)
        if purity >= max(PURITY, base + (1 - base) / 2) and 2 <= values <= len(train) / MET:
            yield note_rows(
                "K126", "warning", train.name,
                f'column "{name}" gives the label away: {purity:.1%} of the rows have the usual label of its value '
                f"({values} values, {len(counts)} classes).",
                "It is not used. Make sure that the text does not hold it, and that the label is not derived from it.",
            )  # fmt: skip


def _purity(train: Rows, name: str, labels: np.ndarray[Any, Any]) -> tuple[float, int]:
    """Return the share of rows whose label is the usual one for their value in a column, and the number of values.

    Where the values are too many to come back, the rest of the column is not read, and the share is 0.
    """
    codes_of: dict[str, int] = {}
    parts = []
    left_out = len(train.table) - len(train)
    for chunk in train.table.data[name].chunks:
        texts = column_texts(chunk)
        parts.append(np.fromiter((codes_of.setdefault(text, len(codes_of)) for text in texts), np.int64, len(texts)))
        if (len(codes_of) - left_out) * MET > len(train):
            return 0.0, len(codes_of)
    codes = np.concatenate(parts)[train.places]
    width = int(labels.max()) + 1
    pairs, sizes = np.unique(codes * width + labels, return_counts=True)
    most = np.zeros(len(codes_of), dtype=np.int64)
    np.maximum.at(most, pairs // width, sizes)
    return float(most.sum()) / len(codes), int(np.count_nonzero(most))

"""A table as it was read, with the row numbers that the user counts by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tunesmith.core.report import Finding


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of strings, numbers or lists of strings.

    Args:
        name: the file as messages say it.
        data: the columns.
        rows: [N] the number of each row as the user counts: 1 is the first after the header; in jsonl, the line.
        rows_read: how many rows the source has; more than N where rows were left out, and `findings` say which.
        sha256: of the bytes; of the fingerprint for a hub data set.
        findings: what was wrong or notable while reading.
        guesses: sentences that say what was inferred, and how to change it.
    """

    name: str
    data: pa.Table
    rows: np.ndarray[Any, np.dtype[np.int64]]
    rows_read: int
    sha256: str
    findings: tuple[Finding, ...] = ()
    guesses: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.data.column_names)

    def __len__(self) -> int:
        return len(self.rows)

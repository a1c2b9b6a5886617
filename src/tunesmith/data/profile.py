"""What the values of a column look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.table import Table

SAMPLE_ROWS = 5000
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?$")
ADDRESS = re.compile(r"(https?://|www\.)\S+$|[\w./\\-]+\.(jpe?g|png|gif|txt|pdf|wav|mp3)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Profile:
    """The shape of a column, from a sample spread over the rows.

    Args:
        filled: values that are not empty.
        share: of the rows that have one.
        distinct: different values among them.
        length: mean length in characters, of those filled.
        words: mean number of words.
        numbers: share of values that are numbers.
        fractions: share of values that are numbers with decimals other than zero.
        coded: share of values without a space or letter beyond ASCII: codes, ids, names of files.
        listed: whether the cells are lists; the figures are then those of their items.
        repeats: whether a list holds an item twice.
    """

    filled: int
    share: float
    distinct: int
    length: float
    words: float
    numbers: float
    fractions: float
    coded: float
    listed: bool = False
    repeats: bool = False

    @property
    def is_id(self) -> bool:
        """Whether the values name the rows: all different, and numbers without decimals or codes."""
        return (
            self.filled > 1 and self.distinct > 0.98 * self.filled and self.coded > 0.98 and not self.fractions
            and not self.listed and self.filled >= 10
        )  # fmt: skip

    @property
    def is_prose(self) -> bool:
        """Whether the values can be read, whatever their length."""
        return self.filled > 0 and not self.listed and self.numbers < 0.5

    @property
    def is_text(self) -> bool:
        """Whether the values look like the text: many different ones, longer than labels are, not codes."""
        varied = self.distinct > max(1.0, 0.3 * self.filled) or self.length > 60
        long = self.length >= 12 or self.words >= 2.5
        return self.is_prose and varied and long and self.coded < 0.8

    @property
    def is_label(self) -> bool:
        """Whether the values look like labels: few different ones, and short; or lists."""
        few = self.distinct <= max(2.0, 0.5 * self.filled) and self.distinct <= 1000
        short = self.filled > 0 and few and self.length <= 40 and self.words <= 5
        return short and not (self.listed and (self.repeats or self.numbers > 0.5))

    @property
    def is_measure(self) -> bool:
        """Whether the values are numbers of a scale."""
        return self.numbers > 0.9 and not self.is_id

    @property
    def may_be_label(self) -> bool:
        """Whether a column with a label's name can be one: anything but long text."""
        return self.filled > 0 and (self.listed or self.length <= 80)


def profile_columns(table: Table) -> dict[str, Profile]:
    """Return the profile of every column."""
    size = len(table)
    places = np.unique(np.linspace(0, max(0, size - 1), min(size, SAMPLE_ROWS)).astype(np.int64))
    sample = _rows_at(table.data, places)
    return {name: _profile_list(column) if is_list(column := sample[name]) else profile(column_texts(column))
            for name in table.columns}  # fmt: skip


def _rows_at(data: pa.Table, places: np.ndarray[Any, Any]) -> pa.Table:
    """Return the rows at `places`, in order; `Table.take` would copy whole columns first."""
    batches = data.to_batches()
    ends = np.cumsum([batch.num_rows for batch in batches])
    parts = np.split(places, np.searchsorted(places, ends[:-1]))
    starts = [0, *ends[:-1]]
    taken = [batch.take(pa.array(part - start)) for batch, part, start in zip(batches, parts, starts, strict=False)]
    return pa.Table.from_batches(taken, data.schema)


def _profile_list(column: pa.ChunkedArray) -> Profile:
    lists = [items for items in column.to_pylist() if items is not None]
    flat = profile([item for items in lists for item in items])
    repeats = any(len(set(items)) < len(items) for items in lists)
    return replace(flat, share=len(lists) / max(1, len(column)), listed=True, repeats=repeats)


def profile(values: Sequence[str]) -> Profile:
    """Return the profile of `values`."""
    filled = [text for value in values if (text := value.strip())]
    count = max(1, len(filled))
    numbers = [value for value in filled if NUMBER.match(value)]
    return Profile(
        filled=len(filled),
        share=len(filled) / max(1, len(values)),
        distinct=len(set(filled)),
        length=sum(map(len, filled)) / count,
        words=sum(len(value.split()) for value in filled) / count,
        numbers=len(numbers) / count,
        fractions=sum(1 for value in numbers if _is_fraction(value)) / count,
        coded=sum(1 for value in filled if (value.isascii() and " " not in value) or ADDRESS.match(value)) / count,
    )


def _is_fraction(number: str) -> bool:
    return not float(number.replace(",", ".")).is_integer()

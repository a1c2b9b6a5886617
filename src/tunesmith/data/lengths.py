"""How long the texts are, and what would be cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.findings import note_rows
from tunesmith.data.rows import Rows

SAMPLE_ROWS = 20_000
"""Tokens are counted in at most so many rows, spread over the file; a share of 1 % is then known to ±0.14 %."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of the train texts; of a pair, of both together.

    Args:
        unit: `tokens` or `characters`.
        places: the rows that were measured.
        values: their lengths.
        rows: how many rows there are.
        max_tokens: what the model will read, where known.
    """

    unit: str
    places: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    rows: int
    max_tokens: int | None = None

    @property
    def cut_share(self) -> float | None:
        """Share of rows that are longer than what the model will read; None where that is not known."""
        if self.max_tokens is None or self.unit != "tokens" or not len(self.values):
            return None
        return float((self.values > self.max_tokens).mean())

    def as_dict(self) -> dict[str, Any]:
        """Return quantiles as plain data."""
        if not len(self.values):
            return {"unit": self.unit, "rows": 0}
        points = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}
        quantiles = {name: int(np.percentile(self.values, point)) for name, point in points.items()}
        return {"unit": self.unit, "rows": len(self.values), **quantiles}

    def findings(self, rows: Rows) -> Iterator[Finding]:
        """Yield the finding that texts are longer than what the model reads."""
        if not self.cut_share:
            return
        long = self.places[self.values > self.max_tokens]
        of = "rows" if len(self.values) == self.rows else f"a sample of {len(self.values):,} rows"
        yield note_rows(
            "K124", "warning" if self.cut_share >= 0.01 else "note", rows.name,
            f"{self.cut_share:.1%} of {of} have more than {self.max_tokens} tokens (the longest: {self.values.max()}).",
            "Raise text.max_tokens, or set text.long=window to read them whole.", rows.numbers[long].tolist(),
        )  # fmt: skip


def measure_lengths(
    texts: Sequence[Sequence[str]],
    count_tokens: Callable[[Sequence[str]], Sequence[int]] | None = None,
    max_tokens: int | None = None,
) -> Lengths:
    """Measure every text in characters, or a sample of them in tokens where they can be counted."""
    rows = len(texts[0])
    if count_tokens is None:
        values = np.zeros(rows, dtype=np.int64)
        for side in texts:
            values += np.fromiter(map(len, side), dtype=np.int64, count=rows)
        return Lengths("characters", np.arange(rows), values, rows)
    places = np.unique(np.linspace(0, max(0, rows - 1), min(rows, SAMPLE_ROWS)).astype(np.int64))
    values = np.zeros(len(places), dtype=np.int64)
    for side in texts:
        values += np.asarray(count_tokens([side[place] for place in places]), dtype=np.int64)
    return Lengths("tokens", places, values, rows, max_tokens)

"""Figures and findings: what was measured, and what was noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Score:
    """A figure with its 95 % interval and the number of rows it stands on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong or notable in data or model.

    Args:
        code: a key of `errors.CODES`.
        severity: `error` stops a training, `warning` should be read, `note` is for the record.
        message: one sentence with the figure in it.
        remedy: what to do, in the imperative; empty where nothing need be done.
        rows: row numbers as the user counts them (1 is the first row after the header), at most 20 of them.
        count: how many rows it concerns in all (`rows` may be cut).
        source: the file or split, such as `train.csv`.
    """

    code: str
    severity: Severity
    message: str
    remedy: str = ""
    rows: Sequence[int] = ()
    count: int = 0
    source: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "rows": list(self.rows)}

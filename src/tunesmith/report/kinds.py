"""Kinds of spans, each with one colour on the whole page, and the ways in which a found span can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.core.example import Span
from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import Shown, SpanData
from tunesmith.evaluation.spans import outcomes

COLOURS = 12
"""Hues that the style sheet has; more kinds than that share them, and their names tell them apart."""

OUTCOMES = {
    "right": "right",
    "boundary": "wrong bounds",
    "kind": "wrong kind",
    "both": "wrong bounds and kind",
    "missed": "missed",
    "invented": "invented",
}
"""A key of `core.report_schema.SpanErrors` → how the page says it."""


class Sided(NamedTuple):
    """A span, and what became of it: a key of `OUTCOMES`."""

    span: SpanData
    outcome: str


def colours(report: ReportData) -> dict[str, int]:
    """Return the colour of every kind, 0 to `COLOURS` − 1, in the order of the labels."""
    rows = [*(report.get("errors") or []), *(report.get("samples") or [])]
    seen = {span.get("label", "") for row in rows for span in (*row.get("spans", ()), *row.get("target_spans", ()))}
    ordered = dict.fromkeys([*map(str, report.get("labels") or []), *sorted(map(str, seen))])
    return {kind: at % COLOURS for at, kind in enumerate(ordered)}


def spans_in(row: Shown) -> tuple[list[SpanData], list[SpanData]]:
    """Return the marked and the found spans of a row that stand in its text, in order."""
    size = len(row.get("context") or row.get("text") or "")
    return _known(row.get("target_spans") or [], size), _known(row.get("spans") or [], size)


def _known(spans: Sequence[SpanData], size: int) -> list[SpanData]:
    kept = [span for span in spans if 0 <= span.get("start", -1) < span.get("end", -1) <= size]
    return sorted(kept, key=lambda span: (span["start"], span["end"]))


def paired(marked: Sequence[SpanData], found: Sequence[SpanData]) -> tuple[list[Sided], list[Sided]]:
    """Return both sides with what became of each span, paired one to one as `evaluation.spans` does.

    Args:
        marked: in order.
        found: in order, as `spans_in` gives them.
    """
    kinds = outcomes(_plain(marked), _plain(found))
    return (
        [Sided(span, kind) for span, kind in zip(marked, kinds[0], strict=True)],
        [Sided(span, kind) for span, kind in zip(found, kinds[1], strict=True)],
    )


def _plain(spans: Sequence[SpanData]) -> list[Span]:
    return [Span(span["start"], span["end"], span.get("label", "")) for span in spans]

"""The tuned model beside the base model, text by text: where it gained, where it lost, and some rows at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import Shown, Sides
from tunesmith.report import words
from tunesmith.report.markup import Markup, join, tag
from tunesmith.report.sections.section import Section, details
from tunesmith.report.sections.written import written_card

_FIRST = 3

_PARTS: tuple[tuple[Literal["gains", "losses", "drawn"], str, str], ...] = (
    ("gains", "Where it gained most", "On no test row is its text more like the reference than the base model's."),
    ("losses", "Where it lost most", "On no test row is its text less like the reference than the base model's."),
    ("drawn", "Drawn at random", ""),
)
"""A key of `core.report_schema.Sides`, its heading, and what is said where it holds no row."""


def sides(report: ReportData) -> Section | None:
    """Return the rows on which both models wrote."""
    found = report.get("sides") or {}
    if not any(found.get(key) for key, *_ in _PARTS):
        return None
    parts = [_part(title, found[key], otherwise) for key, title, otherwise in _PARTS if key in found]
    body = join(tag("p", said, class_="lead") if (said := _counts(found)) else None, *parts)
    return Section("sides", "Base and tuned, side by side", body)


def _counts(found: Sides) -> str:
    nearer, further, equal = found.get("nearer", 0), found.get("further", 0), found.get("equal", 0)
    total = nearer + further + equal
    if not total:
        return ""
    same = f", and equally like it {words.count(equal)} times" if equal else ""
    return (
        f"On {words.rows(total, 'test row')} the tuned model's text is more like the reference than the base model's "
        f"{words.count(nearer)} times ({words.percent(nearer / total)}), less like it {words.count(further)} times "
        f"({words.percent(further / total)}){same}. Likeness is chrF, runs of characters in common: a good text in "
        "other words scores low, so read before you judge."
    )


def _part(title: str, rows: Sequence[Shown], otherwise: str) -> Markup | None:
    if not rows:
        return join(tag("h3", title), tag("p", otherwise)) if otherwise else None
    cards = [written_card(row) for row in rows]
    rest = cards[_FIRST:]
    more = details(f"{len(rest)} more", tag("ul", *rest, class_="cards")) if rest else None
    return join(tag("h3", title), tag("ul", *cards[:_FIRST], class_="cards"), more)

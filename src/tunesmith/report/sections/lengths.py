"""How long written texts are, beside those of the references."""

from __future__ import annotations

from typing import Literal

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import LengthData, Lengths
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.lengths import SIDES, length_plot
from tunesmith.report.sections.section import Section, figure, table

_COLUMNS: tuple[Literal["p5", "median", "p95", "longest"], ...] = ("p5", "median", "p95", "longest")


def lengths(report: ReportData) -> Section | None:
    """Return the histogram of lengths and what it comes to."""
    found = report.get("lengths") or {}
    bins = [item for item in found.get("bins") or [] if {"low", "reference", "written"} <= set(item)]
    stats = _table(found)
    total = sum(item["written"] for item in bins)
    if not stats and not total:
        return None
    caption = "The last pair of columns holds all longer texts." if bins and "high" not in bins[-1] else None
    plot = figure(length_plot(bins), caption) if total else None
    said = _sentence(report, found, total)
    body = join(tag("p", said, class_="lead") if said else None, tag("div", plot, stats, class_="plots"))
    return Section("lengths", "How much it writes", body)


def _sentence(report: ReportData, found: Lengths, total: int) -> str:
    ratio, empty = words.main_score(report.get("test"), "length_ratio"), found.get("empty")
    told = []
    if ratio:
        told.append(f"It writes {ratio['value']:.2f} characters for each one of the references.")
    if empty is not None and total:
        share = (
            f"{words.count(empty)} of {words.rows(total, 'text')}" if empty else f"None of {words.rows(total, 'text')}"
        )
        told.append(f"{share} {'are' if empty > 1 else 'is'} empty.")
    return " ".join(told)


def _table(found: Lengths) -> Markup | None:
    kept: list[tuple[str, LengthData]] = [(title, side) for key, title, _ in SIDES if (side := found.get(key))]
    if not kept:
        return None
    body: list[list[Child]] = [
        [title, *(words.count(side[key]) if key in side else "–" for key in _COLUMNS)] for title, side in kept
    ]
    head = ["Characters", "5\u202f%", "Median", "95\u202f%", "Longest"]
    note = "5\u202f% of the texts are at most as long as the first figure, 95\u202f% as the third."
    return tag("div", table(head, body, range(1, 5), "Lengths in characters"), tag("p", note, class_="small"))

"""What was forgotten: the figure on text from outside the domain, before and after."""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.report_schema import ReportData
from tunesmith.report import words
from tunesmith.report.markup import join, tag
from tunesmith.report.plots.scores import ScoreRow, score_plot
from tunesmith.report.sections.section import Section, figure

_WIDE, _NARROW = 860, 340


def general(report: ReportData) -> Section | None:
    """Return the two figures with their intervals, and what they say."""
    found = report.get("general") or {}
    before, after = found.get("before"), found.get("after")
    if before is None or after is None:
        return None
    metric = found.get("metric", report.get("metric", ""))
    rows = [ScoreRow("After", after, is_tuned=True), ScoreRow("Before", before)]
    name = Path(found.get("file") or "general text").name
    caption = (
        f"{words.metric_name(metric).title} on {words.count(after['n'])} blocks of {name}, with 95\u202f% intervals. "
        "None of its texts was trained on."
    )
    difference = found.get("difference")
    told = (
        f"After minus before, paired by block: {words.difference(metric, difference)}, 95\u202f% interval "
        f"{words.difference_interval(metric, difference)}."
        if difference
        else None
    )
    body = join(
        tag("p", found.get("verdict", ""), class_="lead"),
        figure(join(score_plot(rows, metric, _WIDE), score_plot(rows, metric, _NARROW)), caption),
        tag("p", told) if told else None,
    )
    return Section("general", "What was forgotten", body)

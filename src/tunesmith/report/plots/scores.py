"""Scores side by side: a dot for the value, a whisker for its interval, the figure written at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.core.report_schema import ScoreData
from tunesmith.report import words
from tunesmith.report.markup import Markup, tag
from tunesmith.report.plots import axes

_ROW, _TOP, _BOTTOM = 40, 8, 46
_NARROW = 480


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One line of the plot; the tuned model is the one in colour."""

    title: str
    score: ScoreData
    is_tuned: bool = False


def score_plot(rows: Sequence[ScoreRow], metric: str, width: int) -> Markup:
    """Return a dot-and-whisker plot of `metric`, `width` units wide.

    On a narrow plot the titles stand above the whiskers instead of beside them: SVG scales its letters with its width,
    so that one picture cannot be readable both on a desk and on a phone.
    """
    narrow = width < _NARROW
    left, right = (10, width - 156) if narrow else (_title_room(rows), width - 166)
    height = _TOP + len(rows) * (_ROW + 12 * narrow) + _BOTTOM
    name = words.metric_name(metric)
    bounds = [row.score[key] for row in rows for key in ("value", "low", "high") if key in row.score]
    scale = axes.Scale(*axes.round_bounds(min(bounds), max(bounds), words.limits(metric)), left, right)
    label = f"{name.title} of {len(rows)} models on the same rows: " + "; ".join(
        f"{row.title} {words.figure(metric, row.score['value'])}" for row in rows
    )
    drawn = [
        *_grid(scale, name, height - _BOTTOM, 3 if narrow else 6, width if narrow else right),
        *_band(rows, scale, height - _BOTTOM),
    ]
    for i, row in enumerate(rows):
        drawn += _row(row, metric, scale, _TOP + i * (_ROW + 12 * narrow), width, narrow)
    return axes.svg(width, height, label, *drawn, class_="narrow" if narrow else "wide")


def _title_room(rows: Sequence[ScoreRow]) -> float:
    return min(350.0, max(180.0, 8.0 * max(len(row.title) for row in rows) + 24))


def _grid(scale: axes.Scale, name: words.MetricName, bottom: float, about: int, title_end: float) -> list[Markup]:
    drawn = []
    values = axes.ticks(scale.low, scale.high, about)
    for value, label in zip(values, axes.tick_text(values, name.is_share), strict=True):
        x = scale(value)
        drawn += [axes.line(x, _TOP, x, bottom, "grid"), axes.text(label, x, bottom + 18, "tick middle")]
    way = "lower is better" if name.lower_is_better else "higher is better"
    return [*drawn, axes.text(f"{name.title} on the same rows, {way}", title_end, bottom + 38, "title end")]


def _band(rows: Sequence[ScoreRow], scale: axes.Scale, bottom: float) -> list[Markup]:
    """The tuned model's interval through all rows: what overlaps it may be no different."""
    tuned = next((row.score for row in rows if row.is_tuned), None)
    if tuned is None or "low" not in tuned or "high" not in tuned:
        return []
    x = scale(tuned["low"])
    return [tag("rect", x=x, y=_TOP, width=scale(tuned["high"]) - x, height=bottom - _TOP, class_="band")]


def _row(row: ScoreRow, metric: str, scale: axes.Scale, top: float, width: int, narrow: bool) -> list[Markup]:
    colour = "tuned" if row.is_tuned else "other"
    weight = " strong" if row.is_tuned else ""
    middle = top + (36 if narrow else _ROW / 2)
    value, bounds = words.figure(metric, row.score["value"]), words.interval(metric, row.score)
    room, height = (width, top + 18) if narrow else (scale.start - 16, middle + 5)
    drawn = [
        axes.text(axes.shorten(row.title, room, 14), 0, height, f"label halo{weight}"),
        axes.text(value, scale.end + 68, middle + 5, "label end strong"),
        axes.text(bounds, scale.end + 76, middle + 5, "tick"),
    ]
    if "low" in row.score and "high" in row.score:
        low, high = scale(row.score["low"]), scale(row.score["high"])
        drawn.append(axes.line(low, middle, high, middle, f"whisker {colour}"))
        drawn += [axes.line(end, middle - 5, end, middle + 5, f"whisker {colour}") for end in (low, high)]
    drawn.append(axes.dot(scale(row.score["value"]), middle, 6.5 if row.is_tuned else 5, f"dot {colour}", row.title))
    return drawn

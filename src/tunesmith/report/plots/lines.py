"""Lines over steps or rows: training curves and the learning curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.core.report_schema import CurvePoint
from tunesmith.report import words
from tunesmith.report.markup import Markup, tag
from tunesmith.report.plots import axes

_WIDTH, _HEIGHT = 400, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 382, 40, 208
_MOST_POINTS = 240
_DOTS_UP_TO = 30

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, its colour class and its points in order of x."""

    title: str
    colour: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked on the x axis: the start of later stages, the step that was kept, and where dev loss turned."""

    stages: Sequence[tuple[float, str]] = ()
    best: float | None = None
    turn: float | None = None


def line_plot(label: str, x_title: str, y_title: str, series: Sequence[Series], marks: Marks, share: bool) -> Markup:
    """Return the lines of `series` over steps, each named in its colour above the plot.

    Args:
        label: what a screen reader says.
        x_title: with its unit.
        y_title: with its unit.
        series: at least one, each with at least one point.
        marks: stages and the step kept.
        share: whether y is a share of 1 and written in percent.
    """
    lows, highs = zip(*(_reach(line) for line in series), strict=True)
    x_high = max(max(x for x, _ in line.points) for line in series)
    x_low = min(0.0, min(min(x for x, _ in line.points) for line in series))
    limits = (0.0, 1.0) if share else (-math.inf, math.inf)
    y_low, y_high = axes.round_bounds(min(lows), max(highs), limits, 4)
    x = axes.axis(x_title, axes.Scale(x_low, x_high or 1.0, _LEFT, _RIGHT))
    y = axes.axis(y_title, axes.Scale(y_low, y_high, _BOTTOM, _TOP), share, 4)
    starts = [x.scale(start) for start, _ in marks.stages]
    drawn = [*axes.frame(x, y), *_legend(series), *_marks(marks, x.scale)]
    for line in series:
        points = [(x.scale(a), min(_BOTTOM, max(_TOP, y.scale(b)))) for a, b in _thin(line.points)]
        drawn += [axes.path(part, f"line {line.colour}") for part in _parted(points, starts)]
        if len(points) <= _DOTS_UP_TO:
            drawn += [axes.dot(a, b, 2.6, f"dot {line.colour}") for a, b in points]
    drawn += _best(marks, series, x.scale, y.scale, share)
    return axes.svg(_WIDTH, _HEIGHT, label, *drawn)


def _reach(line: Series) -> Point:
    """The y range to show: all of a short line; of a long one without the first steps' outliers (1 in 50)."""
    values = sorted(value for _, value in _thin(line.points))
    return values[0], values[-1 - len(values) // 50]


def _thin(points: Sequence[Point]) -> Sequence[Point]:
    """Average neighbours so that a long line stays light and its noise readable."""
    size = math.ceil(len(points) / _MOST_POINTS)
    if size <= 1:
        return points
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _parted(points: Sequence[Point], starts: Sequence[float]) -> list[list[Point]]:
    """Cut a line where a stage begins: another training is no continuation of the one before."""
    parts: dict[int, list[Point]] = {}
    for point in points:
        parts.setdefault(sum(point[0] > start + 0.05 for start in starts), []).append(point)
    return list(parts.values())


def _legend(series: Sequence[Series]) -> list[Markup]:
    """Names in the line's own colour, right-aligned above the plot; one line needs none but the axis title."""
    if len(series) < 2:
        return []
    drawn, right = [], float(_RIGHT)
    for line in reversed(series):
        drawn.append(axes.text(line.title, right, _TOP - 14, f"legend end {line.colour}"))
        right -= 7.2 * len(line.title) + 16
    return drawn


def _marks(marks: Marks, x: axes.Scale) -> list[Markup]:
    drawn = []
    for start, name in marks.stages:
        if start >= x.high:
            continue
        drawn.append(axes.line(x(start), _TOP, x(start), _BOTTOM, "stage"))
        drawn.append(axes.text(axes.shorten(name, 90, 12), x(start) + 4, _TOP + 11, "tick"))
    if marks.turn is not None:
        at, is_right = x(marks.turn), x(marks.turn) > (_LEFT + _RIGHT) / 2
        drawn.append(axes.line(at, _TOP, at, _BOTTOM, "stage"))
        place = at + (-4 if is_right else 4)
        drawn.append(axes.text("dev loss turns", place, _BOTTOM - 6, "tick end" if is_right else "tick"))
    return drawn


def _best(marks: Marks, series: Sequence[Series], x: axes.Scale, y: axes.Scale, share: bool) -> list[Markup]:
    """A ring on the step that was kept, with its value."""
    if marks.best is None:
        return []
    at = next(((a, b) for line in series for a, b in line.points if a == marks.best), None)
    if at is None or len(series) > 1:
        return [axes.line(x(marks.best), _TOP, x(marks.best), _BOTTOM, "best")]
    left, top = x(at[0]), y(at[1])
    value = words.percent(at[1]) if share else words.plain(at[1])
    # The far end of the mark is free of the line, whose best is at the near one.
    level = _BOTTOM - 9 if top < (_TOP + _BOTTOM) / 2 else _TOP + 13
    is_right = left > (_LEFT + _RIGHT) / 2
    return [
        axes.line(left, _TOP, left, _BOTTOM, "best"),
        axes.dot(left, top, 6, "ring tuned", f"kept: step {at[0]:g}, {value}"),
        axes.text(
            f"kept: {value}", left + (-7 if is_right else 7), level, "label halo end" if is_right else "label halo"
        ),
    ]


def learning_plot(curve: Sequence[CurvePoint], metric: str) -> Markup:
    """Return the score over the number of train rows, with whiskers; rows are on a log axis where they span 8 times."""
    name = words.metric_name(metric)
    points = [(point["rows"], point["score"]) for point in curve]
    bounds = [score[key] for _, score in points for key in ("value", "low", "high") if key in score]
    low, high = axes.round_bounds(min(bounds), max(bounds), words.limits(metric), 4)
    fewest, most = min(rows for rows, _ in points), max(rows for rows, _ in points)
    is_log = most > 8 * fewest > 0
    pad = 0.0 if is_log else 0.04 * (most - fewest)
    x_scale = axes.Scale(fewest - pad, max(most, fewest + 1) + pad, _LEFT + 8, _RIGHT - 12, is_log)
    x = axes.Axis(f"train rows{' (log scale)' if is_log else ''}", x_scale, _row_ticks(x_scale, [r for r, _ in points]))
    y = axes.axis(f"{name.title} on test rows", axes.Scale(low, high, _BOTTOM, _TOP), name.is_share, 4)
    drawn = axes.frame(x, y)
    drawn.append(axes.path([(x_scale(rows), y.scale(score["value"])) for rows, score in points], "line tuned"))
    for rows, score in points:
        at = x_scale(rows)
        title = f"{words.rows(rows)}: {words.figure(metric, score['value'])} {words.interval(metric, score)}"
        if "low" in score and "high" in score:
            ends = y.scale(score["low"]), y.scale(score["high"])
            drawn.append(axes.line(at, ends[0], at, ends[1], "whisker tuned"))
            drawn += [axes.line(at - 4, end, at + 4, end, "whisker tuned") for end in ends]
        drawn.append(axes.dot(at, y.scale(score["value"]), 4.5, "dot tuned", title))
    label = f"Learning curve: {name.title} by train rows: " + "; ".join(
        f"{rows} rows {words.figure(metric, score['value'])}" for rows, score in points
    )
    return axes.svg(_WIDTH, _HEIGHT, label, tag("g", *drawn))


def _row_ticks(scale: axes.Scale, measured: Sequence[int]) -> list[tuple[float, str]]:
    """The measured sizes themselves, those left out that would touch the one before."""
    kept: list[tuple[float, str]] = []
    for rows in sorted(set(measured), reverse=True):
        label = words.count(rows)
        if not kept or scale(kept[-1][0]) - scale(rows) > 4 * (len(label) + len(kept[-1][1])) + 8:
            kept.append((rows, label))
    return kept

"""Square plots: confidence against accuracy, true against predicted numbers, scores against cosines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tunesmith.core.report_schema import Bin, Calibration, Reliability
from tunesmith.report import words
from tunesmith.report.markup import Markup, tag
from tunesmith.report.plots import axes

_WIDTH, _HEIGHT = 400, 416
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 382, 40, 364
_MOST_DOTS = 1500

MOMENTS: tuple[tuple[Literal["before", "after"], str], ...] = (("before", "other"), ("after", "tuned"))
"""Before and after temperature scaling, each with its colour."""


def reliability_plot(calibration: Calibration) -> Markup:
    """Return accuracy over confidence: on the diagonal, a stated 80 % is right in 80 % of the rows.

    The area of a dot grows with the rows in its bin, so that an outlier of three rows looks like one.
    """
    x = axes.axis("stated confidence", axes.Scale(0.0, 1.0, _LEFT, _RIGHT), is_share=True)
    y = axes.axis("share that was right", axes.Scale(0.0, 1.0, _BOTTOM, _TOP), is_share=True)
    drawn = [*axes.frame(x, y), axes.line(_LEFT, _BOTTOM, _RIGHT, _TOP, "ideal")]
    said = []
    for moment, colour in MOMENTS:
        reliability = calibration.get(moment)
        bins = _filled(reliability)
        if reliability is None or not bins:
            continue
        most = max(item["n"] for item in bins)
        drawn.append(axes.path([(x.scale(b["confidence"]), y.scale(b["accuracy"])) for b in bins], f"line {colour}"))
        drawn += [_bin(item, x.scale, y.scale, most, colour) for item in bins]
        error = f", ECE {words.percent(reliability['ece'])}" if "ece" in reliability else ""
        said.append((f"{moment}{error}", colour))
    drawn.append(axes.text("perfectly calibrated", _RIGHT - 106, _TOP + 30, "tick end"))
    drawn += [
        axes.text(sentence, _RIGHT - 4, _BOTTOM - 12 - 18 * i, f"legend end {colour}")
        for i, (sentence, colour) in enumerate(reversed(said))
    ]
    label = "Reliability: share that was right by stated confidence, " + "; ".join(sentence for sentence, _ in said)
    return axes.svg(_WIDTH, _HEIGHT, label, *drawn)


def _filled(reliability: Reliability | None) -> list[Bin]:
    bins = (reliability or {}).get("bins") or []
    return [item for item in bins if item.get("n") and "confidence" in item and "accuracy" in item]


def _bin(item: Bin, x: axes.Scale, y: axes.Scale, most: int, colour: str) -> Markup:
    radius = 2.5 + 6.0 * (item["n"] / most) ** 0.5
    title = (
        f"{words.rows(item['n'])}: stated {words.percent(item['confidence'])}, right {words.percent(item['accuracy'])}"
    )
    return axes.dot(x(item["confidence"]), y(item["accuracy"]), radius, f"dot soft {colour}", title)


def scatter_plot(pairs: Sequence[Sequence[float]], n: int) -> Markup:
    """Return predicted over true numbers; at most 1,500 of them, every k-th, since more would only be a blot."""
    every = -(-len(pairs) // _MOST_DOTS)
    shown = pairs[::every]
    values = [value for pair in pairs for value in pair]
    low, high = axes.round_bounds(min(values), max(values), about=8)
    x = axes.axis("true value", axes.Scale(low, high, _LEFT, _RIGHT))
    y = axes.axis("predicted value", axes.Scale(low, high, _BOTTOM, _TOP))
    opacity = max(0.18, min(0.7, 60 / len(shown) ** 0.8))
    dots = [axes.dot(x.scale(true), y.scale(predicted), 3.4, "dot tuned") for true, predicted in shown]
    drawn = [
        *axes.frame(x, y),
        axes.line(_LEFT, _BOTTOM, _RIGHT, _TOP, "ideal"),
        tag("g", *dots, fill_opacity=opacity),
    ]
    return axes.svg(_WIDTH, _HEIGHT, f"Predicted against true value of {words.rows(n)}", *drawn)


def cosine_plot(pairs: Sequence[Sequence[float]], n: int) -> Markup:
    """Return cosines over the scores of pairs: the two have scales of their own, so no line says what is exact."""
    shown = pairs[:: -(-len(pairs) // _MOST_DOTS)]
    (x_low, x_high), (y_low, y_high) = (
        axes.round_bounds(min(side), max(side), about=10)
        for side in zip(*((pair[0], pair[1]) for pair in pairs), strict=True)
    )
    # A hair's breadth of room: scores are few values, and the lowest and highest would lie on the frame.
    room = 0.03 * (x_high - x_low)
    scale = axes.Scale(x_low - room, x_high + room, _LEFT, _RIGHT)
    values = axes.ticks(x_low, x_high)
    x = axes.Axis("score", scale, list(zip(values, axes.tick_text(values), strict=True)))
    y = axes.axis("cosine", axes.Scale(y_low, y_high, _BOTTOM, _TOP))
    opacity = max(0.18, min(0.7, 60 / len(shown) ** 0.8))
    dots = [axes.dot(scale(score), y.scale(cosine), 3.4, "dot tuned") for score, cosine in shown]
    drawn = [*axes.frame(x, y), tag("g", *dots, fill_opacity=opacity)]
    return axes.svg(_WIDTH, _HEIGHT, f"Cosine by score of {words.rows(n, 'pair')}", *drawn)


class AnswerBin(NamedTuple):
    """Answers whose confidence lies between `low` and `high`: means of exact match, F1 and confidence, and how many."""

    low: float
    high: float
    exact: float
    f1: float
    confidence: float
    n: int


def answer_plot(bins: Sequence[AnswerBin]) -> Markup:
    """Return mean F1 and the share of exact answers over confidence."""
    x = axes.axis("stated confidence", axes.Scale(0.0, 1.0, _LEFT, _RIGHT), is_share=True)
    y = axes.axis("how right the answers are", axes.Scale(0.0, 1.0, _BOTTOM, _TOP), is_share=True)
    most = max(item.n for item in bins)
    drawn = [*axes.frame(x, y), axes.line(_LEFT, _BOTTOM, _RIGHT, _TOP, "ideal")]
    for title, colour, level, values in (
        ("exact match", "other", 0, [item.exact for item in bins]),
        ("mean F1", "tuned", 1, [item.f1 for item in bins]),
    ):
        points = [(x.scale(item.confidence), y.scale(value)) for item, value in zip(bins, values, strict=True)]
        drawn.append(axes.path(points, f"line {colour}"))
        for item, value, (left, top) in zip(bins, values, points, strict=True):
            said = f"{words.rows(item.n, 'answer')}: stated {words.percent(item.confidence)}, {title} "
            radius = 2.5 + 6.0 * (item.n / most) ** 0.5
            drawn.append(axes.dot(left, top, radius, f"dot soft {colour}", said + words.percent(value)))
        drawn.append(axes.text(title, _RIGHT - 4, _BOTTOM - 12 - 18 * level, f"legend end {colour}"))
    label = "Mean F1 and share of exact answers by stated confidence: " + "; ".join(
        f"{words.percent(item.confidence)} {words.percent(item.f1)}" for item in bins
    )
    return axes.svg(_WIDTH, _HEIGHT, label, *drawn)


class Balance(NamedTuple):
    """An evaluation while training: agreement on general texts, the dev score, the step, and whether it was kept."""

    general: float
    score: float
    step: int
    is_kept: bool


def balance_plot(points: Sequence[Balance], metric: str) -> Markup:
    """Return the dev score over agreement on general texts, with the evaluations joined in their order."""
    name = words.metric_name(metric)
    scores = [point.score for point in points]
    x_bounds = axes.round_bounds(min(point.general for point in points), 1.0, (-1.0, 1.0), 4)
    x = axes.axis("agreement with before, on general texts", axes.Scale(*x_bounds, _LEFT, _RIGHT), about=4)
    limits = words.limits(metric)
    y_scale = axes.Scale(*axes.round_bounds(min(scores), max(scores), limits, 4), _BOTTOM, _TOP)
    y = axes.axis(f"{name.title} on dev rows", y_scale, name.is_share, 4)
    places = [(x.scale(point.general), y.scale(point.score)) for point in points]
    drawn = [*axes.frame(x, y), axes.path(places, "line tuned")]
    for point, (left, top) in zip(points, places, strict=True):
        said = f"step {point.step}: {words.figure(metric, point.score)} on dev, agreement {point.general:.2f}"
        drawn.append(axes.dot(left, top, 3.4, "dot tuned", said))
        if point.is_kept:
            drawn.append(axes.dot(left, top, 7, "ring tuned", f"kept: {said}"))
    last = points[-1]
    label = (
        f"{name.title} on dev rows by agreement on general texts, from {words.figure(metric, points[0].score)} and "
        f"{points[0].general:.2f} to {words.figure(metric, last.score)} and {last.general:.2f}"
    )
    return axes.svg(_WIDTH, _HEIGHT, label, *drawn)

"""Scales, ticks and the frame that every plot with two axes stands in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunesmith.report.markup import Child, Markup, tag
from tunesmith.report.words import PERCENT

Format = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values from `low` to `high` onto pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of `value`."""
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.start + (value - low) / ((high - low) or 1.0) * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values (1, 2 or 5 times a power of ten apart) from `low` to `high`.

    Example:
        >>> ticks(0, 1)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = _step(low, high, about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def round_bounds(
    low: float, high: float, limits: tuple[float, float] = (-math.inf, math.inf), about: int = 5
) -> tuple[float, float]:
    """Return bounds that hold `low` to `high` and end on a tick, within `limits`."""
    floor, ceiling = limits
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        size = max(abs(low), abs(high))
        margin = 0.05 * size if size > 1e-9 else 0.5
        low, high = max(floor, low - margin), min(ceiling, high + margin)
    step = _step(low, high, about)
    return max(floor, math.floor(low / step + 1e-9) * step), min(ceiling, math.ceil(high / step - 1e-9) * step)


def _step(low: float, high: float, about: int) -> float:
    raw = max((high - low) / about, 1e-12)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)


def tick_text(values: Sequence[float], is_share: bool = False) -> list[str]:
    """Return the ticks with as many decimals as their distance needs; shares as percentages."""
    factor = 100 if is_share else 1
    gaps = [abs(b - a) * factor for a, b in pairwise(values)]
    decimals = max(0, -math.floor(math.log10(min(gaps)) + 1e-9)) if gaps and min(gaps) > 0 else 0
    suffix = PERCENT if is_share else ""
    return [f"{value * factor:,.{decimals}f}{suffix}".replace("-", "\u2212") for value in values]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its title with the unit, its scale, and ticks as (value, text)."""

    title: str
    scale: Scale
    ticks: Sequence[tuple[float, str]]


def axis(title: str, scale: Scale, is_share: bool = False, about: int = 5) -> Axis:
    """Return an axis with round ticks."""
    values = ticks(scale.low, scale.high, about)
    return Axis(title, scale, list(zip(values, tick_text(values, is_share), strict=True)))


def frame(x: Axis, y: Axis) -> list[Markup]:
    """Return grid lines, ticks and titles of a plot; the titles stand above the y axis and below the x axis."""
    left, right, bottom, top = x.scale.start, x.scale.end, y.scale.start, y.scale.end
    drawn = [text(y.title, left - 40, top - 14, "title")]
    for value, words in y.ticks:
        at = y.scale(value)
        drawn += [line(left, at, right, at, "grid"), text(words, left - 7, at + 4, "tick end")]
    for value, words in x.ticks:
        at = x.scale(value)
        drawn += [line(at, bottom, at, bottom + 4, "axis"), text(words, at, bottom + 18, "tick middle")]
    drawn += [line(left, bottom, right, bottom, "axis"), text(x.title, right, bottom + 36, "title end")]
    return drawn


def svg(width: float, height: float, label: str, *children: Child, class_: str = "") -> Markup:
    """Return a picture that a screen reader announces as `label`."""
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        class_=f"plot {class_}".strip(),
        style=f"max-width:{width * 1.25:g}px",
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def text(words: str, x: float, y: float, class_: str) -> Markup:
    """Return words whose baseline starts, is centred (`middle`) or ends (`end`) at x, y."""
    return tag("text", words, x=float(x), y=float(y), class_=class_)


def dot(x: float, y: float, radius: float, class_: str, title: str = "") -> Markup:
    """Return a disc; `title` is shown where a mouse rests on it."""
    return tag("circle", tag("title", title) if title else None, cx=x, cy=y, r=radius, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """Return a line through `points`."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polyline", points=joined, class_=class_)


def shorten(words: str, room: float, size: float = 13.0) -> str:
    """Return `words` cut to about `room` pixels: a letter is a little over half as wide as it is high."""
    letters = max(4, int(room / (0.56 * size)))
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"

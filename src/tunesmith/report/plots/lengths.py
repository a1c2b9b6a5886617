"""The histogram of lengths: references and written texts in pairs of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tunesmith.core.report_shown import LengthBin
from tunesmith.report import words
from tunesmith.report.markup import Markup, tag
from tunesmith.report.plots import axes

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 446, 40, 248
_MOST_TICKS = 7

SIDES: tuple[tuple[Literal["reference", "written"], str, str], ...] = (
    ("reference", "references", "other"),
    ("written", "written", "tuned"),
)
"""A key of `core.report_schema.LengthBin`, its title and its colour."""


def length_plot(bins: Sequence[LengthBin]) -> Markup:
    """Return how many texts have which length; columns stand at the place of their bin, not of their length."""
    most = max(max(item["reference"], item["written"]) for item in bins)
    y = axes.axis("texts", axes.Scale(0.0, axes.round_bounds(0.0, float(most))[1], _BOTTOM, _TOP), about=4)
    scale = axes.Scale(0.0, float(len(bins)), _LEFT, _RIGHT)
    every = -(-len(bins) // _MOST_TICKS)
    ticks = [(float(at), words.count(bins[at]["low"])) for at in range(0, len(bins), every)]
    drawn = axes.frame(axes.Axis("characters", scale, ticks), y)
    for at, item in enumerate(bins):
        for place, (key, title, colour) in enumerate(SIDES):
            left = scale(at + 0.08 + 0.42 * place)
            told = f"{words.count(item[key])} {title} of {_range(item)} characters"
            drawn.append(_column(left, scale(at + 0.5) - scale(at + 0.08), y.scale(float(item[key])), colour, told))
    drawn += [
        axes.text(title, _RIGHT - 4, _TOP + 12 + 18 * at, f"legend halo end {colour}")
        for at, (_, title, colour) in enumerate(SIDES)
    ]
    label = "Lengths in characters, references and written texts: " + "; ".join(
        f"{_range(item)}: {item['reference']} and {item['written']}" for item in bins
    )
    return axes.svg(_WIDTH, _HEIGHT, label, *drawn)


def _column(left: float, width: float, top: float, colour: str, told: str) -> Markup:
    return tag("rect", tag("title", told), x=left, y=top, width=width, height=_BOTTOM - top, class_=f"column {colour}")


def _range(item: LengthBin) -> str:
    low = words.count(item["low"])
    return f"{low} to {words.count(item['high'] - 1)}" if "high" in item else f"{low} or more"

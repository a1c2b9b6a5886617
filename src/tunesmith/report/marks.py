"""A text with marked stretches, as HTML: every character stands once, in order, and what is marked is said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.report.excerpt import Part
from tunesmith.report.markup import Markup, join, tag


class Mark(NamedTuple):
    """A stretch of a text, what is written behind it, and its classes in the style sheet."""

    start: int
    end: int
    note: str
    look: str = ""


def lanes(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Return the marks in as few lines as hold no two that overlap; one empty line where there are none."""
    lines: list[list[Mark]] = [[]]
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        line = next((line for line in lines if not line or line[-1].end <= mark.start), None)
        if line is None:
            lines.append(line := [])
        line.append(mark)
    return lines


def marked_text(text: str, marks: Sequence[Mark], parts: Sequence[Part]) -> Markup:
    """Return a paragraph of the `parts` of `text`, with dots where something was left out.

    Args:
        text: the whole text; marks and parts count its characters (code points).
        marks: in order, none overlapping.
        parts: in order, apart from each other.
    """
    shown: list[Markup | str] = []
    for number, (start, end) in enumerate(parts):
        if start > 0:
            shown.append(gap(" … " if number else "… "))
        at = start
        for mark in marks:
            first, last = max(mark.start, start), min(mark.end, end)
            if first >= last:
                continue
            note = tag("span", tag("bdi", mark.note), class_="note") if mark.note else None
            shown += [text[at:first], tag("mark", text[first:last], note, class_=mark.look or None)]
            at = last
        shown.append(text[at:end])
    if parts and parts[-1][1] < len(text):
        shown.append(gap(" …"))
    return tag("p", join(*shown), class_="quote marked", dir="auto")


def named_line(name: str, content: Markup) -> Markup:
    """Return a line with its name before it."""
    return tag("div", tag("span", name, class_="line-name"), content, class_="line")


def gap(dots: str) -> Markup:
    """Return dots for what was left out."""
    return tag("span", dots, class_="gap")

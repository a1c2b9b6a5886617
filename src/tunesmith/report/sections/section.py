"""What a section is, and the pieces that several of them use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.report.markup import Child, Markup, tag


class Section(NamedTuple):
    """One part of the page: its anchor, its heading, and what stands below the heading."""

    anchor: str
    title: str
    body: Markup


def table(
    head: Sequence[Child], body: Sequence[Sequence[Child]], numbers: Sequence[int] = (), title: str = "", bars: int = -1
) -> Markup:
    """Return a table that scrolls by itself where the screen is narrow; its first column names the rows.

    Args:
        head: the heading of each column.
        body: the cells of each row.
        numbers: positions of the columns that hold figures and are aligned right.
        title: what a screen reader calls the table.
        bars: position of a column of bars, which a phone has no room for.
    """
    kinds = ["num" if i in numbers else "meter wide-only" if i == bars else None for i in range(len(head))]
    headings = [tag("th", words, scope="col", class_=kind) for words, kind in zip(head, kinds, strict=True)]
    lines = [
        tag(
            "tr",
            tag("th", row[0], scope="row", class_="name"),
            *(tag("td", content, class_=kind) for content, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in body
    ]
    return scroll(tag("table", tag("thead", tag("tr", *headings)), tag("tbody", *lines), aria_label=title), title)


def scroll(content: Child, title: str) -> Markup:
    """Return a box that scrolls sideways by itself, also from the keyboard, so that the page need not."""
    return tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=title)


def bar(share: float) -> Markup:
    """Return a bar filled to `share`; the figure beside it says the same, so it is hidden from screen readers."""
    filled = max(0.0, min(1.0, share))
    return tag("span", tag("span", style=f"width:{100 * filled:.1f}%"), class_="bar", aria_hidden="true")


def details(summary: Child, *content: Child, is_open: bool = False) -> Markup:
    """Return content behind a line that opens it."""
    return tag("details", tag("summary", summary), *content, open=is_open)


def figure(plot: Child, caption: Child = None) -> Markup:
    """Return a plot with what it says below it."""
    return tag("figure", plot, tag("figcaption", caption) if caption else None)


def outcome_tone(outcome: str) -> str:
    """Return the colour class of a comparison's outcome."""
    return {"tuned better": "good", "baseline better": "bad"}.get(outcome, "even")

"""HTML and SVG as nested calls; text is escaped unless it is markup already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"meta", "wbr"})
_BREAKS = re.compile(r"(?<=[_/.\-:])")


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


Child: TypeAlias = str | int | float | Iterable["Child"] | None
"""What an element may hold; None holds nothing, plain text is escaped."""


def escape(value: object) -> Markup:
    """Return `value` as safe HTML; characters that neither HTML nor XML allows become U+FFFD.

    Example:
        >>> escape("<b> & c")
        '&lt;b&gt; &amp; c'
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", str(value))))


def join(*children: Child) -> Markup:
    """Return the children one after the other, escaped where they are not markup."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, (str, int, float)):
            parts.append(escape(child))
        else:
            parts.append(join(*child))
    return Markup("".join(parts))


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Return an element that is valid both as HTML and, inside SVG, as XML.

    Args:
        name: of the element.
        children: see `Child`.
        attributes: `class_` and `for_` lose the underscore, `aria_label` becomes `aria-label`; None and False are left
            out.

    Example:
        >>> tag("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{"" if value is True else escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def breakable(text: object) -> Markup:
    """Return `text` with places where a browser may break a long name: after `_`, `/`, `-`, `.` and `:`."""
    return Markup("<wbr>".join(escape(piece) for piece in _BREAKS.split(str(text)) if piece))


def _number(value: str | float | bool) -> str:
    """Coordinates need no more than two decimals; the rest is weight."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

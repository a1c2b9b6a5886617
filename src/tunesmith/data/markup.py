"""Marks within a text, `[Glide 2](PRODUCT)` or `<PRODUCT>Glide 2</PRODUCT>` → the plain text and its spans."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from tunesmith.data.spanlist import Marked

Style = Literal["brackets", "tags"]

EXAMPLES: dict[Style, str] = {"brackets": "[words](KIND)", "tags": "<KIND>words</KIND>"}
_KIND = r"[^\W\d_][\w-]{0,39}"
_PATTERNS: dict[Style, re.Pattern[str]] = {
    "brackets": re.compile(rf"\\(?P<escaped>[\[\]])|\[(?P<inner>(?:[^\[\]\\]|\\[\[\]]?)+)\]\((?P<kind>{_KIND})\)"),
    "tags": re.compile(rf"\\(?P<escaped><)|<(?P<kind>{_KIND})>(?P<inner>(?:[^<\\]|\\<?|<(?!/?{_KIND}>))+)</(?P=kind)>"),
}
_REST: dict[Style, re.Pattern[str]] = {
    "brackets": re.compile(rf"\]\((?P<kind>{_KIND})\)"),
    "tags": re.compile(rf"</?(?P<kind>{_KIND})>"),
}
_HTML = frozenset((
    "a", "abbr", "b", "big", "body", "br", "button", "center", "cite", "code", "dd", "del", "div", "dl", "dt", "em",
    "font", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "html", "i", "img", "input", "ins", "kbd", "li",
    "link", "mark", "meta", "ol", "option", "p", "pre", "q", "s", "samp", "script", "select", "small", "span", "strike",
    "strong", "style", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul", "var", "video",
))  # fmt: skip
"""Lower-case names that mean how a text looks, not what it speaks of."""


def style_of(texts: Iterable[str]) -> tuple[Style | None, int]:
    """Return the way of marking that more of `texts` use, and how many do; None where none does."""
    counts: dict[Style, int] = {"brackets": 0, "tags": 0}
    for text in texts:
        for style in counts:
            counts[style] += any(_is_mark(match) for match in _PATTERNS[style].finditer(text))
    best = max(counts, key=lambda style: counts[style])
    return (best, counts[best]) if counts[best] else (None, 0)


def _is_mark(match: re.Match[str]) -> bool:
    return match["kind"] is not None and match["kind"] not in _HTML and bool(match["inner"].strip())


def read_markup(text: str, style: Style) -> tuple[str, list[Marked]]:
    r"""Return `text` without its marks, and what they marked.

    A bracket behind a backslash (`\[`, `\]`, `\<`) is a bracket. Links, HTML and marks around nothing stay as they are.

    Example:
        >>> read_markup(r"My [Glide 2](PRODUCT) \[new] <b>died</b>", "brackets")
        ('My Glide 2 [new] <b>died</b>', [Marked(start=3, end=10, label='PRODUCT', text=None)])
    """
    parts: list[str] = []
    spans: list[Marked] = []
    size = end = 0
    for match in _PATTERNS[style].finditer(text):
        before, inner = text[end : match.start()], match["escaped"] or match[0]
        start = size + len(before)
        if _is_mark(match):
            inner = _PATTERNS[style].sub(lambda found: found["escaped"] or found[0], match["inner"])
            spans.append(Marked(start, start + len(inner), match["kind"]))
        parts += (before, inner)
        size, end = start + len(inner), match.end()
    return "".join((*parts, text[end:])), spans


def left_marks(text: str, style: Style, kinds: set[str]) -> bool:
    """Return whether `text`, of which the marks are gone, still holds halves of marks of the known `kinds`."""
    return any(match["kind"] in kinds for match in _REST[style].finditer(text))

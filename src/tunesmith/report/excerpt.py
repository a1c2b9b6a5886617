"""What is shown of a long text: the stretches around the places that matter, cut between words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import regex

Part: TypeAlias = tuple[int, int]
"""Start and end of a stretch of a text, in characters."""

_SENTENCE = regex.compile(r"[.!?؟۔।]+[\p{Pe}\p{Pf}\"']*\s+|[。！？]+[\p{Pe}\p{Pf}]*|\n+")
_GAP = regex.compile(r"\s+|(?<=[\p{Han}\p{Hiragana}\p{Katakana}])(?!\p{M})")


def excerpt(text: str, places: Sequence[Part], most: int) -> list[Part]:
    """Return the whole of `text` if it has at most `most` characters, else stretches around `places`, in order.

    A stretch reaches to the end of the sentence on both sides where that is near, else to the end of a word. Where the
    places fill more than `most` by themselves, all of them are kept: what is marked is never cut.

    Args:
        text: the whole text.
        places: what has to be in it; the start of the text where there are none.
        most: characters to show, about.
    """
    if len(text) <= most:
        return [(0, len(text))] if text else []
    wanted = sorted(places) or [(0, 0)]
    reach = max(40, (most - sum(end - start for start, end in wanted)) // (2 * len(wanted)))
    parts: list[Part] = []
    for start, end in wanted:
        first, last = _left(text, start, reach), _right(text, end, reach)
        if parts and not text[parts[-1][1] : first].strip():
            parts[-1] = (parts[-1][0], max(parts[-1][1], last))
        else:
            parts.append((first, last))
    return parts


def _left(text: str, at: int, reach: int) -> int:
    """Return where the excerpt before `at` begins: behind the first end of a sentence within reach, or of a word."""
    low = at - reach
    if low <= 0:
        return 0
    return next((m.end() for p in (_SENTENCE, _GAP) for m in p.finditer(text, low, at)), low)


def _right(text: str, at: int, reach: int) -> int:
    """Return where the excerpt behind `at` ends: at the last end of a sentence within reach, or of a word."""
    high = at + reach
    if high >= len(text):
        return len(text)
    sentences = [m.end() for m in _SENTENCE.finditer(text, at, high)]
    gaps = [m.start() for m in _GAP.finditer(text, at, high) if m.start() > at]
    end = next((ends[-1] for ends in (sentences, gaps) if ends), high)
    return at + len(text[at:end].rstrip())

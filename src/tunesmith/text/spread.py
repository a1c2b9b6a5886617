"""Long texts in windows that lose no word: which tokens each window holds, and in which one each word is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from tunesmith.core.batch import Place
from tunesmith.text.pieces import Pieces

Range = tuple[int, int]


def windows(pieces: Pieces, room: int, overlap: int) -> list[Range]:
    """Return start and end of each window of tokens; none cuts a word that fits in one, and together they hold all.

    Args:
        pieces: of the whole text.
        room: tokens of the text that fit in a window, at least 1.
        overlap: tokens that neighbours share, where the borders of words allow it; at most half of a window.
    """
    size = len(pieces.ids)
    inner = [False] * (size + 1)  # a window that began or ended here would cut a word
    for first, last in zip(pieces.first, pieces.last, strict=True):
        for token in range(first + 1, last + 1) if first >= 0 else ():
            inner[token] = True
    overlap = min(overlap, room // 2)
    found: list[Range] = []
    start = 0
    while True:
        end = _border(inner, start, min(size, start + room))
        found.append((start, end))
        if end >= size:
            return found
        # The next window begins where a word does, and ends further on: before a long word it would show nothing new.
        words = (at for at in range(max(start + 1, end - overlap), end) if not inner[at])
        start = next((at for at in words if _border(inner, at, min(size, at + room)) > end), end)


def _border(inner: Sequence[bool], start: int, end: int) -> int:
    """Return the last place up to `end` where a window may end; a word longer than a window is cut."""
    at = end
    while at > start and inner[at]:
        at -= 1
    return at if at > start else end


def places(pieces: Pieces, ranges: Sequence[Range], shift: int) -> list[list[Place]]:
    """Return for each window the words that are read in it: each word in the window that shows most around it.

    A word that the tokenizer drops is read where the token before it stands, or on the special token in front.

    Args:
        pieces: of the whole text.
        ranges: of the windows.
        shift: tokens that stand before the text in every window.
    """
    found: list[list[Place]] = [[] for _ in ranges]
    starts, ends = [low for low, _ in ranges], [high for _, high in ranges]
    before = -1
    for word, (first, last) in enumerate(zip(pieces.first, pieces.last, strict=True)):
        dropped = first < 0
        start, end = (before, before) if dropped else (first, last)
        before = before if dropped else last
        if start < 0:
            found[0].append((word, max(0, shift - 1), max(0, shift - 1)))
            continue
        near = range(bisect_right(ends, start), bisect_right(starts, start))  # the windows that hold its first token
        window = max(near, key=lambda at: _around(ranges[at], start, end, len(pieces.ids)))
        low, high = ranges[window]
        place = (word, min(start, high - 1) - low + shift, min(end, high - 1) - low + shift)
        found[window].append(place)
    return found


def _around(window: Range, first: int, last: int, size: int) -> tuple[bool, bool, int]:
    """Return how well a window shows a word: whole before cut, then by the lesser of what stands on its two sides."""
    low, high = window
    left = first - low if low > 0 else size
    right = high - 1 - last if high < size else size
    return (low <= first and last < high, low <= first < high, min(left, right))

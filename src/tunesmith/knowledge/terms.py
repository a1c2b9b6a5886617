"""Words and phrases, found in texts: many thousands at once, whole words only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from tunesmith.data.scripts import script_of

_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_SPACELESS = ("Han", "Kana", "Thai")
"""Scripts that put no spaces between words: there a term is found wherever its letters stand."""


class Terms:
    """Terms to look for, in any letter case: words, phrases, and signs such as `:-)`.

    A `*` at the end of a word stands for any ending, alone for any one word: `refund*`, `not * good`. Words are whole:
    `art` is not found in `party`. Where terms overlap, the longer one counts.

    Args:
        terms: as they are written.

    Example:
        >>> Terms(["good", "not * good", "refund*", ":)"]).found("Not very good, good :) No refunds!")
        ['not very good', 'good', ':)', 'refunds']
    """

    def __init__(self, terms: Iterable[str]) -> None:
        self._phrases: set[tuple[str, ...]] = set()
        patterns: list[str] = []
        for term in terms:
            plain = fold(term)
            words = _WORD.findall(plain)
            if "*" in plain and re.fullmatch(r"[\w'’\-* ]+", plain) and plain.strip("* "):
                patterns.append(rf"(?<!\w){_open(plain)}(?!\w)")
            elif script_of(plain) in _SPACELESS:
                patterns.append(re.escape(plain))
            elif " ".join(words) == " ".join(plain.split()):
                self._phrases.add(tuple(words))
            elif plain:
                patterns.append(rf"(?<!\w){re.escape(plain)}(?!\w)")
        self._longest = max(map(len, self._phrases), default=0)
        patterns.sort(key=len, reverse=True)
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def found(self, text: str) -> list[str]:
        """Return the terms in `text` as they stand there, case folded, in order."""
        plain = fold(text)
        spans = [match.span() for match in self._pattern.finditer(plain)] if self._pattern else []
        words = [match.span() for match in _WORD.finditer(plain)] if self._phrases else []
        for at in range(len(words)):
            for end in range(min(at + self._longest, len(words)), at, -1):
                if tuple(plain[first:last] for first, last in words[at:end]) in self._phrases:
                    spans.append((words[at][0], words[end - 1][1]))
                    break
        spans.sort(key=lambda span: (span[0] - span[1], span[0]))  # the longest first
        kept: list[tuple[int, int]] = []
        for first, last in spans:
            if all(last <= start or end <= first for start, end in kept):
                kept.append((first, last))
        return [plain[first:last] for first, last in sorted(kept)]


def fold(text: str) -> str:
    """Return `text` in the letter case and the form of Unicode in which terms and texts are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


def _open(term: str) -> str:
    """Return a regular expression for a term with `*`."""
    parts = [r"\w+" if word == "*" else re.escape(word).replace(r"\*", r"\w*") for word in term.split()]
    return r"\W+".join(parts)

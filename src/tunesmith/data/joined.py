"""Words → the text that they make, and where each stands in it."""

from __future__ import annotations

from collections.abc import Sequence

import regex

# Scripts without spaces, and the full-width marks that stand among them.
_TIGHT = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\u3000-\u303f\uff00-\uffef]"
)
_SINGLE = regex.compile(r"\X")


def join_words(words: Sequence[str]) -> tuple[str, list[tuple[int, int] | None]]:
    """Return the text of `words`, and start and end of each; None for a word that holds nothing but white space.

    Words are joined by a space; two of a script without spaces are joined by nothing, and so are all words of a row
    that is parted into single characters of such a script. A blank among single characters is a space of the text.

    Example:
        >>> join_words(["No", "1", ":", "电", "池"])
        ('No 1 : 电池', [(0, 2), (3, 4), (5, 6), (7, 8), (8, 9)])
    """
    parts: list[str] = []
    places: list[tuple[int, int] | None] = []
    size, last, blank = 0, "", False
    characters = _are_characters(words)
    for word in words:
        bare = word.strip()
        if not bare:
            places.append(None)
            blank = blank or bool(word)
            continue
        tight = not blank if characters else bool(_TIGHT.match(last) and _TIGHT.match(bare))
        if last and not tight:
            parts.append(" ")
            size += 1
        places.append((size, size + len(bare)))
        parts.append(bare)
        size, last, blank = size + len(bare), bare[-1], False
    return "".join(parts), places


def _are_characters(words: Sequence[str]) -> bool:
    """Return whether each word is one character, and one of a script without spaces is among them."""
    return any(_TIGHT.match(word) for word in words) and all(
        len(word) < 2 or _SINGLE.fullmatch(word) is not None for word in words
    )

"""What a word is, in every script: the unit that tags, answers and their figures are counted in."""

from __future__ import annotations

import regex

# Scripts written without spaces: every character is a unit of its own there.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
_WORD = regex.compile(
    rf"{_UNSPACED}\p{{M}}*"  # a sign with its marks
    rf"|[[\p{{L}}\p{{N}}_]--{_UNSPACED}](?:[[\p{{L}}\p{{N}}\p{{M}}_\u200c\u200d]--{_UNSPACED}])*"  # letters and digits
    r"|(?!\s)\X",  # anything else, an emoji with its parts or a mark of punctuation
    regex.V1,
)


def words_of(text: str) -> tuple[tuple[int, int], ...]:
    """Return start and end of every word of `text`, in characters, in order; they hold all but the white space.

    A run of letters, digits and their marks is a word; so is each character of a script without spaces (Chinese,
    Japanese, Thai, …), each punctuation mark, and each emoji with the joiners and colours that belong to it.

    Example:
        >>> text = "Glide 2's 电池"
        >>> [text[start:end] for start, end in words_of(text)]
        ['Glide', '2', "'", 's', '电', '池']
    """
    found = [match.span() for match in _WORD.finditer(text)]
    return tuple(span for span in found if not text[span[0] : span[1]].isspace())


def enclosing(text_words: tuple[tuple[int, int], ...], start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last word that share a character with `[start, end)`, None where none does.

    Args:
        text_words: start and end of each word, in order.
    """
    inside = [at for at, (first, last) in enumerate(text_words) if first < end and last > start]
    return (inside[0], inside[-1]) if inside else None

"""Label names and their order."""

from __future__ import annotations

from collections.abc import Iterable

import regex as re

from tunesmith.errors import Fault, InputError, did_you_mean


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct names: numbers by value, everything else by the alphabet.

    Example:
        >>> ordered(["10", "9", "10"])
        ('9', '10')
    """
    distinct = set(names)
    if all(name.lstrip("-").isdigit() for name in distinct):
        return tuple(sorted(distinct, key=int))
    return tuple(sorted(distinct))


def is_code(label: str) -> bool:
    """Say whether a label is no name: a number, a sign or a single letter that is no syllable.

    Example:
        >>> [is_code(label) for label in ("3", "A-", "+", "ok", "好")]
        [True, True, True, False, False]
    """
    return re.search(r"[\p{Han}\p{Hangul}]|\p{L}.*[\p{L}\p{Mc}]", label) is None


def spoken(label: str) -> str:
    """Return a label as one would say it.

    Example:
        >>> spoken("card_arrival"), spoken("CompareOrContrast"), spoken("HTTPError"), spoken("C++")
        ('card arrival', 'compare or contrast', 'HTTP error', 'C++')
    """
    words = re.sub(r"_+|(?<=\w)[-/.]+(?=\w)", " ", label).split()
    return " ".join(part for word in words for part in _humps(word))


def _humps(word: str) -> list[str]:
    """Return the words that capital letters set apart, in small letters but for those that have nothing else."""
    parts = re.split(r"(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})", word)
    return parts if len(parts) == 1 else [part if part.isupper() and len(part) > 1 else part.lower() for part in parts]


def index(name: object, labels: tuple[str, ...], source: str) -> int:
    """Return the position of `name` in `labels`.

    Raises:
        InputError: the name was not in the rows the task was fitted on.
    """
    try:
        return labels.index(str(name))
    except ValueError:
        known = ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")
        raise InputError(
            Fault("K107", source, f'label "{name}" is not one of ({known}).',
                  f"{did_you_mean(str(name), labels)} Fix the row, or map it under data.labels.".strip())
        ) from None  # fmt: skip

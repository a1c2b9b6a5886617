"""Tags of words → spans of words: BIO, IOB1, IOBES and its kin, or one label a word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

Scheme = Literal["BIO", "IOB1", "IOBES", "words"]

OUTSIDE = frozenset(("O", "", "_"))
BARE = "SPAN"
"""The kind of spans whose tags name none: B, I, O."""
SAID: dict[Scheme, str] = {
    "BIO": "BIO: B- begins a span, I- goes on",
    "IOB1": "IOB1: I- is within a span, B- only parts neighbours of one kind",
    "IOBES": "IOBES (also known as BILOU): the last word of a span and a span of one word are marked, too",
    "words": "one label a word, without B- and I-",
}
_PREFIXED = re.compile(r"([BIESLUM])(?:[-_](.+))?", re.DOTALL)
_SAME = {"L": "E", "U": "S", "M": "I"}


def detect_scheme(rows: Iterable[Sequence[str]]) -> Scheme:
    """Return how the tags of the train rows are meant.

    BIO and IOB1 are told apart by what begins spans: I- after something else there, B- here. What is broken in the few
    is a break; what the many do is the scheme.

    Example:
        >>> detect_scheme([["B-X", "I-X", "O"]]), detect_scheme([["I-X", "B-X"]]), detect_scheme([["NOUN", "VERB"]])
        ('BIO', 'IOB1', 'words')
    """
    tags: Counter[str] = Counter()
    opened = free = 0
    for row in rows:
        before = ("O", "")
        tags.update(row)
        for tag in row:
            letter, name = split_tag(tag)
            opened += letter == "I" and (before[0] == "O" or before[1] != name)
            free += letter == "B" and (before[0] == "O" or before[1] != name)
            before = letter, name
    named = {tag: split_tag(tag)[0] for tag in tags if tag.strip() not in OUTSIDE}
    if not named:
        return "BIO"
    prefixed = sum(tags[tag] for tag, letter in named.items() if letter != "?")
    if prefixed * 2 <= sum(tags[tag] for tag in named):
        return "words"
    if {"E", "S"} & set(named.values()):
        return "IOBES"
    return "IOB1" if opened > free else "BIO"


@lru_cache(maxsize=10_000)
def split_tag(tag: str) -> tuple[str, str]:
    """Return what a tag says of its word (B, I, E, S or O; `?` for a tag without a prefix), and the kind of span.

    Example:
        >>> split_tag("B-per"), split_tag("U-loc"), split_tag("O"), split_tag("NOUN")
        (('B', 'per'), ('S', 'loc'), ('O', ''), ('?', 'NOUN'))
    """
    tag = tag.strip()
    if tag in OUTSIDE:
        return "O", ""
    match = _PREFIXED.fullmatch(tag)
    if match is None:
        return "?", tag
    return _SAME.get(match[1], match[1]), match[2] or BARE


def spans_of_tags(tags: Sequence[str], scheme: Scheme) -> tuple[list[tuple[int, int, str]], list[int]]:
    """Return the spans (first word, word behind the last, kind) and the words at which the sequence is broken.

    A broken sequence is read as conlleval reads it: what cannot go on the span before begins a new one. A tag without
    prefix among others with one is broken, too, and so is a span under IOBES that ends before its E-.

    Example:
        >>> spans_of_tags(["B-X", "I-X", "O", "I-Y"], "BIO")
        ([(0, 2, 'X'), (3, 4, 'Y')], [3])
    """
    if scheme == "words":
        return [(place, place + 1, tag.strip()) for place, tag in enumerate(tags) if tag.strip() not in OUTSIDE], []
    spans: list[tuple[int, int, str]] = []
    breaks: list[int] = []
    start, kind = -1, ""  # of the span that is open
    for place, tag in enumerate(tags):
        letter, name = split_tag(tag)
        goes_on = start >= 0 and letter in "IE?" and name == kind
        if start >= 0 and not goes_on:
            spans.append((start, place, kind))
            if scheme == "IOBES":
                breaks.append(place - 1)
            start = -1
        if letter == "O":
            continue
        if not goes_on:
            start, kind = place, name
        if letter == "?" or (not goes_on and letter not in "BS" and not (scheme == "IOB1" and letter == "I")):
            breaks.append(place)
        if letter in "ES":
            spans.append((start, place + 1, kind))
            start = -1
    if start >= 0:
        spans.append((start, len(tags), kind))
        if scheme == "IOBES":
            breaks.append(len(tags) - 1)
    return spans, sorted(set(breaks))

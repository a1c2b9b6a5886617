"""Tags of words for spans and back: B- begins a span, I- goes on with it, O is outside.

Source: Ramshaw and Marcus 1995, Text Chunking using Transformation-Based Learning (the variant called IOB2 or BIO).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.core.example import Span
from tunesmith.core.prediction import Mention

Array = np.ndarray[Any, Any]
Words = Sequence[tuple[int, int]]
AT_ONCE = 256
"""Texts that are decoded together; they are sorted by length, so little of the work is padding."""


def tags_of(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the tags for spans of `kinds`: O, then B- and I- of each kind.

    Example:
        >>> tags_of(["PART"])
        ('O', 'B-PART', 'I-PART')
    """
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"))


def encode(spans: Sequence[Span], words: Words, kinds: Sequence[str]) -> list[int]:
    """Return the tag of each word, as a position in `tags_of(kinds)`.

    A span takes every word it shares a character with. A word that two spans share goes to the first.
    """
    tags = [0] * len(words)
    place = {kind: 1 + 2 * at for at, kind in enumerate(kinds)}
    at = 0
    for span in sorted(spans):
        while at < len(words) and words[at][1] <= span.start:
            at += 1
        tag = place[span.label]
        while at < len(words) and words[at][0] < span.end:
            tags[at] = tag
            tag = place[span.label] + 1
            at += 1
    return tags


def best_paths(log_probabilities: Sequence[Array]) -> list[Array]:
    """Return for each text the most probable tags of its words among the legal sequences.

    A sequence is legal if every I- stands behind a B- or I- of its kind. Found by dynamic programming: the best path
    that ends in a tag goes on from the best path that may stand before it.

    Args:
        log_probabilities: of each text, [words, tags], tags as `tags_of` orders them.

    Source: Viterbi 1967, with transitions of weight 0 where they are legal and −∞ where they are not.
    """
    order = sorted(range(len(log_probabilities)), key=lambda at: len(log_probabilities[at]))
    paths: dict[int, Array] = {}
    for start in range(0, len(order), AT_ONCE):
        some = order[start : start + AT_ONCE]
        found = _best_paths([log_probabilities[at] for at in some])
        paths.update(zip(some, found, strict=True))
    return [paths[at] for at in range(len(log_probabilities))]


def _best_paths(texts: Sequence[Array]) -> list[Array]:
    lengths = np.array([len(text) for text in texts])
    size, longest = texts[0].shape[1], int(lengths.max())
    scores = np.zeros((len(texts), longest, size))
    for row, text in enumerate(texts):
        scores[row, : len(text)] = text
    insides = np.arange(2, size, 2)  # the I- tags; the B- of the same kind stands one before each
    every = np.arange(len(texts))
    best = scores[:, 0].copy() if longest else np.zeros((len(texts), size))
    best[:, insides] = -np.inf
    back = np.zeros((len(texts), max(1, longest), size), dtype=np.int32)
    for at in range(1, longest):
        leader = best.argmax(1)
        came = np.repeat(leader[:, None], size, axis=1)
        value = np.repeat(best[every, leader][:, None], size, axis=1)
        goes_on = best[:, insides] >= best[:, insides - 1]
        came[:, insides] = np.where(goes_on, insides, insides - 1)
        value[:, insides] = np.where(goes_on, best[:, insides], best[:, insides - 1])
        here = (at < lengths)[:, None]
        back[:, at] = np.where(here, came, np.arange(size))  # behind its end a path stays where it is
        best = np.where(here, value + scores[:, at], best)
    paths = np.zeros((len(texts), max(1, longest)), dtype=np.int64)
    tag = best.argmax(1)
    for at in range(longest - 1, -1, -1):
        paths[:, at] = tag
        tag = back[every, at, tag]
    return [path[:length] for path, length in zip(paths, lengths, strict=True)]


def decode(tags: Array, words: Words, kinds: Sequence[str]) -> list[tuple[Span, slice]]:
    """Return the spans of a legal sequence of tags, each with the words it takes."""
    found: list[tuple[Span, slice]] = []
    begin = -1
    for at in range(len(words) + 1):
        tag = int(tags[at]) if at < len(words) else 0
        if begin >= 0 and (tag == 0 or tag % 2 == 1):
            kind = kinds[(int(tags[begin]) - 1) // 2]
            found.append((Span(words[begin][0], words[at - 1][1], kind), slice(begin, at)))
            begin = -1
        if tag % 2 == 1:
            begin = at
    return found


def mentions(text: str, words: Words, kinds: Sequence[str], path: Array, chances: Array) -> tuple[Mention, ...]:
    """Return the spans of a legal sequence of tags as mentions, each as sure as the least certain of its tags.

    Args:
        text: whose words these are.
        words: start and end of each.
        kinds: of spans.
        path: the tag of each word, [words].
        chances: probabilities of the tags, [words, tags].
    """
    sure = chances[np.arange(len(path)), path]
    return tuple(
        Mention(span.start, span.end, text[span.start : span.end], span.label, float(sure[of].min()))
        for span, of in decode(path, words, kinds)
    )

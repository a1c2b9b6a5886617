"""How well answers in a text were found, as SQuAD counts it, in every script.

Targets are an object array [N] of tuples of `core.example.Answer`, empty where the question has no answer; outputs are
an object array [N] of tuples of `core.prediction.Mention`, empty where none is given, else of length 1.

What is compared is an answer in tokens: in small letters, without punctuation and symbols (all of Unicode's categories
P and S; SQuAD takes the ASCII ones out), without the articles a, an and the, parted into the words of `core.words`, so
that every character of a script without spaces (Han, Kana, Thai, …) is a token, as MLQA and CMRC do it. A step that
would leave nothing is not taken: SQuAD makes the answers "A" and "€" empty and with that equal to all other such.

Source: Rajpurkar et al., "SQuAD: 100,000+ questions for machine comprehension of text", 2016; for questions without an
answer Rajpurkar et al., "Know what you don't know", 2018.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import regex

from tunesmith.core.task import Metric
from tunesmith.core.words import words_of
from tunesmith.evaluation.figure import Array, Figure, row_mean

__all__ = ["ANSWERS", "answer_tokens", "row_scores"]

_STEPS = ((regex.compile(r"[\p{P}\p{S}]"), ""), (regex.compile(r"\b(?:a|an|the)\b"), " "))


@lru_cache(maxsize=1 << 16)
def answer_tokens(text: str) -> tuple[str, ...]:
    """Return what is compared of an answer.

    Example:
        >>> answer_tokens("The Eiffel-Tower, 巴黎")
        ('eiffeltower', '巴', '黎')
    """
    text = text.lower()
    for pattern, instead in _STEPS:
        text = _kept(pattern.sub(instead, text), text)
    return tuple(text[start:end] for start, end in words_of(text))


def row_scores(targets: Array, outputs: Array) -> tuple[Array, Array]:
    """Return exact match (0 or 1) and F1 of every row, each [N].

    The best over the answers that count as right. Where a question has no answer or none is given, both are 1 if that
    is so on both sides and 0 otherwise.

    Args:
        targets: [N] of the answers that count as right.
        outputs: [N] of the answer given.
    """
    found = np.zeros((2, len(targets)))
    for row, (answers, given) in enumerate(zip(targets, outputs, strict=True)):
        right = {tokens for answer in answers if (tokens := answer_tokens(answer.text))}
        said = answer_tokens(given[0].text) if given else ()
        found[:, row] = (
            (said in right, max(_f1(one, said) for one in right)) if right and said else not right and not said
        )
    return found[0], found[1]


def _kept(shorter: str, text: str) -> str:
    """Return `shorter`, or `text` where it leaves nothing."""
    return shorter if shorter.strip() else text


def _f1(right: tuple[str, ...], said: tuple[str, ...]) -> float:
    """Return 2 · shared / (tokens of both), a token being shared as often as both sides hold it."""
    shared = (Counter(right) & Counter(said)).total()
    return 2 * shared / (len(right) + len(said))


def _exact_match(targets: Array, outputs: Array, counts: Array) -> Array:
    """Share of rows whose answer has the tokens of a right one, in their order."""
    return row_mean(row_scores(targets, outputs)[0], counts)


def _answer_f1(targets: Array, outputs: Array, counts: Array) -> Array:
    """Mean over rows of the F1 of tokens."""
    return row_mean(row_scores(targets, outputs)[1], counts)


def _answered_accuracy(targets: Array, outputs: Array, counts: Array) -> Array:
    """Share of rows in which an answer is given if and only if there is one; nan if every question has one."""
    there = np.array([any(answer_tokens(answer.text) for answer in answers) for answers in targets])
    if there.all():
        return np.full(counts.shape[1], np.nan)
    said = np.array([bool(given and answer_tokens(given[0].text)) for given in outputs])
    return row_mean(there == said, counts)


ANSWERS: Mapping[str, Metric] = MappingProxyType(
    {
        "exact_match": Figure(_exact_match),
        "answer_f1": Figure(_answer_f1),
        "answered_accuracy": Figure(_answered_accuracy),
    }
)
"""Figures of answers in a text."""

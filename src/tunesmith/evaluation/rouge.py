"""ROUGE: the words, pairs of words and longest common subsequence that a written text shares with its reference.

The F1 of each row, without stemming, which only English has. On ASCII texts the scores are those of the package
rouge-score; it sees no other letters than a to z, so that "café" is "caf" to it and a Chinese text is empty. Here a
word is what `core.words` says: "café" is one, and so is each character of a script without spaces.

Source: Lin, "ROUGE: a package for automatic evaluation of summaries", 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tunesmith.core.words import words_of
from tunesmith.evaluation.figure import Array, divide
from tunesmith.evaluation.runs import shared_runs

__all__ = ["rouge_rows", "rouge_tokens"]


def rouge_tokens(text: str) -> list[str]:
    """Return the words that are compared: in small letters, without marks.

    Example:
        >>> rouge_tokens("Don't stop, café_1: 电池!")
        ['don', 't', 'stop', 'café', '1', '电', '池']
    """
    text = text.lower().replace("_", " ")
    tokens = (text[start:end] for start, end in words_of(text))
    return [token for token in tokens if any(sign.isalnum() for sign in token)]


@lru_cache(maxsize=8)
def rouge_rows(references: tuple[str, ...], written: tuple[str, ...]) -> Array:
    """Return ROUGE-1, ROUGE-2 and ROUGE-L of each row, 0..1, [N, 3]; 0 where one side has no words.

    Cost: 1,000 rows of 35 words on either side: 0.2 s; the subsequence takes one operation on long integers a word.
    """
    asked, said = ([rouge_tokens(text) for text in texts] for texts in (references, written))
    runs = shared_runs(asked, said, 2)
    found = np.zeros((len(references), 3))
    found[:, :2] = divide(2 * runs[..., 2], runs[..., 0] + runs[..., 1], 0.0)
    common = [_longest_common(*sides) for sides in zip(asked, said, strict=True)]
    found[:, 2] = divide(2.0 * np.array(common), runs[:, 0, 0] + runs[:, 0, 1], 0.0)
    return found


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Bit i of `rest` is 0 where the longest common subsequence with what was read of `other` grows at place i of `one`.

    Source: Hyyrö, "Bit-parallel LCS-length computation revisited", 2004.
    """
    places: dict[str, int] = {}
    for at, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << at
    rest = every = (1 << len(one)) - 1
    for token in other:
        shared = rest & places.get(token, 0)
        rest = ((rest + shared) | (rest - shared)) & every
    return len(one) - rest.bit_count()

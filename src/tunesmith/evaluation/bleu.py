"""BLEU: how many runs of one to four words of the written texts the references have, and whether enough was written.

BLEU = min(1, e^(1 − r/w)) · (p₁ · p₂ · p₃ · p₄)^¼, where pₙ is the share of the written n-grams that the references
have, w and r are the words written and those of the references, all over the whole of the texts. A pₙ without a hit
counts as a half, a quarter, … of one hit. The figure is that of sacrebleu (`corpus_bleu`) divided by 100.

Source: Papineni et al., "BLEU: a method for automatic evaluation of machine translation", 2002; Post, "A call for
clarity in reporting BLEU scores", 2018.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import numpy as np
import regex

from tunesmith.errors import MissingExtra
from tunesmith.evaluation.figure import Array, divide
from tunesmith.evaluation.runs import shared_runs

__all__ = ["bleu", "bleu_statistics", "bleu_words"]

_LONGEST = 4
_HAN = regex.compile(r"\p{Han}")
_UNSPACED = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")
_LETTER = regex.compile(r"\p{L}")


def bleu_words(references: Iterable[str]) -> Literal["13a", "zh", "char"]:
    """Return how sacrebleu is to part these texts: `13a` at spaces and marks, `zh` also around each Chinese sign.

    `zh` where at least half of the letters are Chinese signs. Of other scripts without spaces (Japanese, Thai, …)
    sacrebleu knows no words either, so every character is one (`char`); else a sentence would be a single word.

    Example:
        >>> bleu_words(["The dog sleeps.", "狗在睡觉。"])
        '13a'
    """
    text = "".join(references)
    letters = len(_LETTER.findall(text))
    han, others = (len(script.findall(text)) for script in (_HAN, _UNSPACED))
    if not letters or 2 * (han + others) < letters:
        return "13a"
    # A Japanese text is nearly half kana; a Chinese one has hardly any.
    return "char" if 10 * others > han else "zh"


@lru_cache(maxsize=8)
def bleu_statistics(references: tuple[str, ...], written: tuple[str, ...]) -> Array:
    """Return of each row, for 1- to 4-grams of words, how many were written, asked for and shared, [N, 4, 3].

    Raises:
        MissingExtra: sacrebleu, which knows what a word is here, is not installed.
    """
    try:
        from sacrebleu import BLEU
    except ImportError:
        raise MissingExtra("BLEU", "sacrebleu", "write") from None
    part = BLEU(tokenize=bleu_words(references)).tokenizer
    asked, said = ([part(text.rstrip()).split() for text in texts] for texts in (references, written))
    return shared_runs(asked, said, _LONGEST)


def bleu(statistics: Array) -> Array:
    """Return BLEU, 0..1, of summed statistics [R, 4, 3]; 0 where nothing is shared or no 4-gram was written."""
    said, asked, shared = np.moveaxis(statistics, -1, 0)
    hits = np.where(shared > 0, shared, 0.5 ** np.cumsum(shared == 0, axis=1))
    precisions = divide(hits, said, 0.0)
    brevity = np.exp(np.minimum(0.0, 1 - divide(asked[:, 0], said[:, 0], 0.0)))
    return np.where(shared.any(axis=1), brevity * np.prod(precisions, axis=1) ** (1 / _LONGEST), 0.0)

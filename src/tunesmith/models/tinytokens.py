"""The parts of tiny tokenizers: pieces of words, of bytes and of signs, learnt from a handful of texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tunesmith.core.words import words_of

ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
LETTERS = tuple(chr(code) for code in range(33, 127))
MERGES = 120
"""Merges of pairs at most, beside the 256 bytes."""


def byte_pairs(texts: Sequence[str], specials: Sequence[str] = ROBERTA_SPECIALS) -> Tokenizer:
    """Return a byte-level BPE tokenizer trained on `texts`; a space belongs to the word behind it."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    size = len(specials) + len(bytes_) + MERGES
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=bytes_, show_progress=False
    )
    found.train_from_iterator(texts, trainer)
    return found


def marked_pairs(texts: Sequence[str], specials: Sequence[str]) -> Tokenizer:
    """Return a BPE tokenizer of signs trained on `texts`; a mark of the space belongs to the word behind it.

    With the 256 names of bytes among `specials` it is a tokenizer that falls back to bytes.
    """
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    signs = sorted({"▁", *LETTERS, *(sign for text in texts for sign in text if not sign.isspace())})
    size = len(specials) + len(signs) + MERGES
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=signs, show_progress=False
    )
    found.train_from_iterator(texts, trainer)
    return found


def pieces(texts: Sequence[str], specials: Sequence[str]) -> list[tuple[str, float]]:
    """Return pieces with log probabilities for a unigram model: words with a mark of the space, neighbours, signs.

    Made by counting: training such a model adds in an order of its own, so two trainings give two vocabularies.
    """
    words, signs, neighbours = counted(texts), Counter[str](), Counter[str]()
    for text in texts:
        signs.update(sign for sign in text if not sign.isspace())
        neighbours.update(
            a + b for a, b in pairwise(text) if not (a + b).isascii() and not (a.isspace() or b.isspace())
        )
    counts = Counter({f"▁{word}": count * len(word) ** 2 for word, count in words.items()})
    counts.update({pair: count for pair, count in neighbours.items() if count > 1})
    counts.update(dict.fromkeys((*LETTERS, *signs), 1) | {"▁": 1, ").": 2, "'s": 2})
    total = counts.total()
    known = [(piece, log(count / total)) for piece, count in sorted(counts.items())]
    return [*((special, 0.0) for special in specials), *known]


def counted(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word stands in `texts`."""
    return Counter(text[start:end] for text in texts for start, end in words_of(text))


def merges_of(tokenizer: Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the pieces of a tokenizer of pairs with their numbers, and its merges in order."""
    found = json.loads(tokenizer.to_str())["model"]
    return dict(found["vocab"]), [(a, b) for a, b in found["merges"]]

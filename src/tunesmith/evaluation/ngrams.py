"""Texts as TF-IDF n-grams: what a baseline without any language model sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tunesmith.evaluation.figure import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Texts: TypeAlias = Sequence[tuple[str, ...]]
"""One or two texts a row."""
Sparse: TypeAlias = "csr_array"

MOST_CHARACTERS_PER_TEXT = 4_000
CHARACTERS_FOR_CHARS = 3_000_000
"""Up to this much train text, n-grams of characters are added; they take three seconds a million characters."""
MOST_FEATURES = 100_000
"""Of each kind; the rarest go first."""
UNSPACED = 0.06
"""Share of white space below which a text is taken not to part its words (English has 0.17, Chinese 0.01)."""


def features(train: Texts, test: Texts) -> tuple[Sparse, Sparse]:
    """Return the TF-IDF features of train and test rows; only train rows decide what a feature is.

    Words (1–2-grams) and characters within words (2–5-grams, 1–4 where the script has no spaces), sublinear counts. A
    pair gets the features of both sides, what they share, and how alike they are (cosine, overlap, length).
    """
    from scipy import sparse

    kinds = _vectorizers([text[:MOST_CHARACTERS_PER_TEXT] for row in train for text in row])
    blocks = [_rows(kinds, train), _rows(kinds, test)]
    if train and len(train[0]) == 2:
        mean, spread = blocks[0][1].mean(axis=0), blocks[0][1].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        tables = [sparse.hstack([words, sparse.csr_array((alike - mean) / spread)]) for words, alike in blocks]
        return sparse.csr_array(tables[0]), sparse.csr_array(tables[1])
    return blocks[0][0], blocks[1][0]


def _vectorizers(texts: Sequence[str]) -> list[Any]:
    """Return fitted vectorizers, as many as the texts give reason for; none where there is no text at all."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    characters = sum(map(len, texts))
    spaced = sum(len(re.findall(r"\s", text)) for text in texts) >= UNSPACED * characters
    words = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
    chars = {"analyzer": "char_wb", "ngram_range": (2, 5) if spaced else (1, 4)}
    wanted = []
    if any(re.search(r"\w", text) for text in texts):
        wanted.append(words)
    if any(text.strip() for text in texts) and (characters <= CHARACTERS_FOR_CHARS or not spaced):
        wanted.append(chars)
    kinds = [TfidfVectorizer(sublinear_tf=True, max_features=MOST_FEATURES, dtype=np.float32, **o) for o in wanted]
    return [kind.fit(texts) for kind in kinds]


def _rows(kinds: Sequence[Any], rows: Texts) -> tuple[Sparse, Array]:
    """Return the features of every row, and for pairs how alike its sides are, [N, S]."""
    from scipy import sparse

    sides = [[row[side][:MOST_CHARACTERS_PER_TEXT] for row in rows] for side in range(len(rows[0]) if rows else 1)]
    tables = [[kind.transform(texts) for kind in kinds] for texts in sides]
    if not kinds:
        return sparse.csr_array((len(rows), 1), dtype=np.float32), np.zeros((len(rows), 1))
    if len(sides) == 1:
        return sparse.csr_array(sparse.hstack(tables[0])), np.zeros((len(rows), 0))
    shared = [left.minimum(right) for left, right in zip(*tables, strict=True)]
    alike = [np.asarray(left.multiply(right).sum(axis=1)).ravel() for left, right in zip(*tables, strict=True)]
    return sparse.csr_array(sparse.hstack([*tables[0], *tables[1], *shared])), np.stack([*alike, *_overlap(sides)], 1)


def _overlap(sides: Sequence[Sequence[str]]) -> tuple[Array, Array, Array]:
    """Return for every pair its share of common words, of common characters, and shorter over longer length."""
    found = []
    for left, right in zip(*sides, strict=True):
        tokens = [set(re.findall(r"\w+", text.lower())) for text in (left, right)]
        letters = [set(text.lower()) for text in (left, right)]
        lengths = sorted((len(left), len(right)))
        found.append((_jaccard(*tokens), _jaccard(*letters), lengths[0] / max(1, lengths[1])))
    table = np.array(found, dtype=np.float64).reshape(len(found), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _jaccard(left: set[str], right: set[str]) -> float:
    return len(left & right) / max(1, len(left | right))

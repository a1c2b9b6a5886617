"""Texts as vectors whose cosine is that of their TF-IDF n-grams: what search without any language model finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.ngrams import Sparse, features
from tunesmith.evaluation.unit import unit_length

__all__ = ["lexical_vectors"]

EXACT = 3_000
"""Texts up to which cosines are exact; that costs their number to the third power, a second here."""
WIDEST, NARROWEST = 2_048, 256
CELLS = 50_000_000
"""Numbers in the result beyond which vectors get shorter: 200 MB."""
PLACES = 8
"""Numbers of the vector that a feature is spread over."""


def lexical_vectors(train_texts: Sequence[str], sides: Sequence[Sequence[str]], seed: int = 0) -> Array:
    """Return a vector of length 1 for every text of every row, float32 [N, S, H].

    Words and characters as TF-IDF n-grams (`ngrams.features`). Of up to 3,000 different texts the vectors are a
    Cholesky factor of their inner products, so cosines are exact; of more, each n-gram is added with random signs to 8
    of the H numbers, and cosines are off by about 1/√H, 0.02. A singular value decomposition of the train texts to 256
    numbers would smooth them, to their harm: on the dev rows of STS-B (English, Chinese) Spearman is 0.656 and 0.584
    with it, 0.755 and 0.722 exactly, 0.749 and 0.711 with 2,048 numbers. A text without any n-gram of the train texts
    gets zeros.

    Args:
        train_texts: what decides on n-grams and their weights.
        sides: the N first texts, the N second ones, …; S of them.
        seed: of places and signs.

    Returns:
        [N, S, H], H the number of different texts or between 256 and 2,048, fewer the more texts there are.

    Source: for the signs, Weinberger et al., "Feature hashing for large scale multitask learning", 2009.
    """
    texts = sorted({text for side in sides for text in side})
    if not texts:
        return np.zeros((0, len(sides), 1), dtype=np.float32)
    _, found = features([(text,) for text in train_texts], [(text,) for text in texts])
    size = int(np.clip(CELLS // max(1, sum(map(len, sides))), NARROWEST, WIDEST))
    dense = _factor(found) if len(texts) <= EXACT else _spread(found, size, seed)
    unit = unit_length(dense).astype(np.float32)
    at = {text: index for index, text in enumerate(texts)}
    return np.stack([unit[[at[text] for text in side]] for side in sides], axis=1)


def _factor(features: Sparse) -> Array:
    """Return dense vectors [M, M] with the inner products of `features` [M, F]."""
    products = (features @ features.T).toarray().astype(np.float64)
    nothing = products.diagonal() == 0
    # Rows that depend on others leave a diagonal of 0, give or take rounding; a millionth more is not seen in a cosine.
    factor: Array = np.linalg.cholesky(products + 1e-6 * np.eye(len(products)))
    factor[nothing] = 0
    return factor


def _spread(features: Sparse, size: int, seed: int) -> Array:
    """Return dense vectors [M, size] that have about the inner products of `features` [M, F]."""
    from scipy import sparse

    random, many = np.random.default_rng(seed), features.shape[1]
    places = (np.repeat(np.arange(many), PLACES), random.integers(0, size, many * PLACES))
    signs = random.choice(np.array([-1, 1], dtype=np.float32), many * PLACES)
    spread: Array = (features @ sparse.csr_array((signs, places), shape=(many, size))).toarray()
    return spread

"""Sums over sequences and the best of them, against all sequences written out."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tunesmith.knowledge.lattice import Lattice, Stretches, best_paths
from tunesmith.text import bio

Array = np.ndarray[Any, Any]


def legal(words: int, kinds: int) -> list[tuple[int, ...]]:
    """All sequences of tags in which no span goes on that did not begin."""
    every = product(range(1 + 2 * kinds), repeat=words)
    return [
        tags for tags in every
        if all(tag == 0 or tag % 2 or (at and tags[at - 1] in (tag, tag - 1)) for at, tag in enumerate(tags))
    ]  # fmt: skip


def spans(tags: tuple[int, ...], kinds: int) -> list[tuple[int, int, int]]:
    words = [(at, at + 1) for at in range(len(tags))]
    names = [str(kind) for kind in range(kinds)]
    return [(of.start, of.stop, int(span.label)) for span, of in bio.decode(np.array(tags), words, names)]


def weight(tags: tuple[int, ...], scores: Array, stretches: dict[tuple[int, int, int], float], misses: Array) -> float:
    found = spans(tags, len(misses))
    own = sum(scores[at, tag] for at, tag in enumerate(tags))
    return float(own + sum(stretches[one] if one in stretches else -misses[one[2]] for one in found))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kinds", [1, 2])
def test_sums_and_the_best_are_those_of_all_sequences(seed: int, kinds: int) -> None:
    draw = np.random.default_rng(seed)
    scores, marked = [], []
    for words in (1, 3, 4):
        logits = draw.normal(size=(words, 1 + 2 * kinds)) * 2
        scores.append(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
        places = [(a, z, k) for a in range(words) for z in range(a + 1, words + 1) for k in range(kinds)]
        marked.append([place for place in places if draw.random() < 0.5])
    stretches = Stretches.of(marked)
    weights = np.where(draw.random(len(stretches.text)) < 0.3, 0.0, draw.exponential(size=len(stretches.text)))
    misses = draw.exponential(size=kinds) * (seed % 3 > 0)  # none at first
    whole, likely, expected = Lattice(scores, stretches).chances(weights, misses)
    paths = best_paths(scores, stretches, weights, misses)
    total, chances, counts, at = 0.0, [], np.zeros(kinds), 0
    for score, places, path in zip(scores, marked, paths, strict=True):
        own = dict(zip(places, weights[at : at + len(places)], strict=True))
        at += len(places)
        sequences = legal(len(score), kinds)
        weighed = np.array([weight(tags, score, own, misses) for tags in sequences])
        total += np.log(np.exp(weighed).sum())
        shares = np.exp(weighed) / np.exp(weighed).sum()
        found = [spans(tags, kinds) for tags in sequences]
        chances += [sum(p for p, some in zip(shares, found, strict=True) if place in some) for place in places]
        for p, some in zip(shares, found, strict=True):
            for _, _, kind in some:
                counts[kind] += p
        assert weight(tuple(path.tolist()), score, own, misses) == pytest.approx(weighed.max(), abs=1e-9)
    assert whole == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(likely, chances, atol=1e-9)
    np.testing.assert_allclose(expected, counts, atol=1e-9)


def test_without_weights_the_best_is_that_of_the_words() -> None:
    draw = np.random.default_rng(0)
    scores = [draw.normal(size=(words, 5)) for words in (0, 7, 1, 30, 12)]
    stretches = Stretches.of([[], [(1, 3, 0), (2, 4, 1)], [(0, 1, 1)], [(5, 9, 0)], []])
    found = best_paths(scores, stretches, np.zeros(4), np.zeros(2))
    for path, known in zip(found, bio.best_paths(scores), strict=True):
        np.testing.assert_array_equal(path, known)

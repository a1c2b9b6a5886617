"""Measures of what was forgotten, against plain NumPy and by what they must not be moved by."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import spearmanr

from tunesmith.evaluation.forgetting import PENALTIES, agreement, cka, folds_of, pairwise_cosines, probe

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(30, 8))
Y = X @ DRAW.normal(size=(8, 5)) + DRAW.normal(size=(30, 5))
TURN, _ = np.linalg.qr(DRAW.normal(size=(8, 8)))


def plain_cosines(x: np.ndarray) -> np.ndarray:
    return np.array(
        [x[i] @ x[j] / math.sqrt((x[i] @ x[i]) * (x[j] @ x[j])) for i in range(len(x)) for j in range(i + 1, len(x))]
    )


def test_agreement_is_spearmans_correlation_of_the_cosines_of_all_pairs() -> None:
    np.testing.assert_allclose(pairwise_cosines(X), plain_cosines(X), atol=1e-12)
    found = agreement(X, Y)
    assert found is not None
    assert found.value == pytest.approx(spearmanr(plain_cosines(X), plain_cosines(Y)).statistic, abs=1e-9)
    assert found.n == 30
    assert 0 < found.low < found.value < found.high < 1


def test_agreement_of_a_resample_is_that_of_its_texts_without_pairs_of_a_text_with_itself() -> None:
    draws = np.random.default_rng(4)
    by_hand = []
    for _ in range(40):
        at = draws.integers(0, 30, 30)
        pairs = [(i, j) for n, i in enumerate(at) for j in at[n + 1 :] if i != j]
        old, new = (
            [float(x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j])) for i, j in pairs] for x in (X, Y)
        )
        by_hand.append(spearmanr(np.round(old, 12), np.round(new, 12)).statistic)
    found = agreement(X, Y, resamples=40, seed=4)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(by_hand, [2.5, 97.5])), abs=1e-6)


def test_agreement_is_whole_where_the_space_was_only_turned_and_undefined_where_nothing_differs() -> None:
    turned = agreement(X, 3.0 * X @ TURN)
    assert turned is not None
    assert turned.value == pytest.approx(1.0)
    assert turned.low == pytest.approx(1.0)
    assert agreement(X, np.ones((30, 4))) is None
    assert agreement(X[:1], X[:1]) is None


def test_cka_is_that_of_the_paper() -> None:
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    norm = np.linalg.norm
    expected = norm(y.T @ x, "fro") ** 2 / (norm(x.T @ x, "fro") * norm(y.T @ y, "fro"))
    assert cka(X, Y) == pytest.approx(expected, abs=1e-9)
    assert cka(X, 0.1 * X @ TURN + 7) == pytest.approx(1.0)
    assert cka(X, Y) < 0.99
    assert math.isnan(cka(X, np.ones((30, 2))))


def fitted_outside(x: np.ndarray, hot: np.ndarray, folds: np.ndarray, penalty: float) -> np.ndarray:
    """The same probes by their weights, a fold at a time."""
    scores = np.empty_like(hot)
    for fold in set(folds):
        inside = folds != fold
        mean, target = x[inside].mean(axis=0), hot[inside].mean(axis=0)
        gram = (x[inside] - mean).T @ (x[inside] - mean) + penalty * np.eye(x.shape[1])
        weight = np.linalg.solve(gram, (x[inside] - mean).T @ (hot[inside] - target))
        scores[~inside] = target + (x[~inside] - mean) @ weight
    return scores


def test_the_probe_is_a_ridge_regression_that_never_saw_the_text() -> None:
    classes = np.arange(48) % 3
    x = DRAW.normal(size=(48, 8)) + 1.5 * np.eye(8)[classes]
    folds, hot = folds_of(classes), np.eye(3)[classes]
    assert all(Counter(classes[folds == fold]) == {0: 2, 1: 2, 2: 2} for fold in range(8))
    scale = np.square(x - x.mean(axis=0)).sum() / 48
    candidates = [fitted_outside(x, hot, folds, share * scale) for share in PENALTIES]
    best = min(candidates, key=lambda scores: ((scores - hot) ** 2).sum())
    np.testing.assert_allclose(probe(x, classes, 3), best, atol=1e-6)
    assert (best.argmax(axis=1) == classes).mean() > 0.6


def test_a_probe_of_noise_is_right_as_often_as_by_chance() -> None:
    classes = np.arange(160) % 10
    right = [(probe(DRAW.normal(size=(160, 20)), classes, 10).argmax(axis=1) == classes).mean() for _ in range(20)]
    assert 0.07 < np.mean(right) < 0.13

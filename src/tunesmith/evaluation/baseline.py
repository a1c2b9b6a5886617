"""What a tuned model has to beat: the majority, TF-IDF with a linear model, and a frozen model with a linear head.

Outputs are those of a task: probabilities [N, C] for one or several labels a row, numbers [N] for regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tunesmith.core.task import Problem
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.linear import fit
from tunesmith.evaluation.ngrams import Sparse, Texts, features
from tunesmith.evaluation.unit import unit_length

__all__ = ["TITLES", "fit_probe", "majority", "probe", "some_words", "tfidf", "titles"]

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "majority": "majority class",
        "tfidf": "TF-IDF with logistic regression",
        "frozen": "frozen model with a linear head",
        "untrained": "pretrained model with an untrained head",
        "untuned": "pretrained model as it is",
        "dictionary": "dictionary of the training mentions",
        "first": "first sentence",
        "overlap": "words beside those of the question",
        "copy": "copy of the source",
        "lead": "first words of the source",
        "nearest": "answer to the nearest train prompt",
        "rules": "rules alone",
        "tuned": "tuned model",
    }
)
"""What a table or sentence calls each of the compared; `titles` for other problems than classification."""

_OTHERWISE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "regression": {"majority": "mean of the train rows", "tfidf": "TF-IDF with ridge regression"},
        "multi_label_classification": {"majority": "most frequent labels"},
        "token_classification": {"majority": "majority tag"},
        "question_answering": {"majority": "no answer"},
        "embedding": {"tfidf": "cosine of TF-IDF vectors"},
    }
)

KERNEL_ROWS, KERNEL_CELLS = 1_500, 60_000
"""Up to so many rows, and rows times classes, TF-IDF is solved through the rows' inner products: exact, all classes at
once, a few seconds. Beyond, the strength is chosen on so many rows, and the fit is one class against the rest."""
MOST_CELLS = 400_000
"""Rows times classes that TF-IDF is fitted on at most; beyond it rows are drawn. 8 s for 4,000 rows of 77 classes."""
MOST_CHARACTERS = 30_000_000
"""Train text that TF-IDF is fitted on at most; beyond it rows are drawn."""
MOST_WORDS = 50_000
"""Train words that a linear head for tags is fitted on at most; beyond it words are drawn."""


def titles(problem: Problem) -> Mapping[str, str]:
    """Return `TITLES` in the words of `problem`: what the majority is, and which linear model stands on TF-IDF."""
    return {**TITLES, **_OTHERWISE.get(problem, {})}


def majority(train_targets: Array, rows: int, problem: Problem, classes: int) -> Array:
    """Return the same answer for `rows` rows: the share of every class (or label) in train, or the mean number."""
    if problem == "regression":
        return np.full(rows, float(np.mean(train_targets)))
    if problem == "multi_label_classification":
        shares = np.mean(train_targets, axis=0)
    else:
        shares = np.bincount(train_targets, minlength=classes) / len(train_targets)
    return np.tile(np.asarray(shares, dtype=np.float64), (rows, 1))


def probe(
    train_vectors: Array, train_targets: Array, test_vectors: Array, problem: Problem, classes: int, seed: int
) -> Array:
    """Return what a linear model on the vectors of a frozen model says of the test rows.

    Vectors are brought to length 1, which is worth half a point to two points of macro-F1 on few rows.

    Args:
        train_vectors: [N, H].
        train_targets: class indices [N], 0/1 [N, C] or numbers [N].
        test_vectors: [M, H].
        problem: what the targets mean.
        classes: C.
        seed: of the folds that choose the strength.
    """
    model = fit(unit_length(train_vectors), train_targets, problem, classes, seed)
    return model.outputs(unit_length(test_vectors), problem)


def fit_probe(vectors: Array, targets: Array, problem: Problem, classes: int, seed: int) -> tuple[Array, Array]:
    """Return weight [C, H] and bias [C] of the linear model of `probe`, for vectors as the model gives them.

    A head cannot bring its input to length 1, so the weights are divided by the mean length instead. Two classes give
    two rows, regression one. Of tags the rows are words, of which some are drawn where there are many.
    """
    if problem == "token_classification":
        some, problem = some_words(len(targets), seed), "single_label_classification"
        vectors, targets = vectors[some], targets[some]
    model = fit(unit_length(vectors), targets, problem, classes, seed)
    return model.weight / float(np.linalg.norm(vectors, axis=1).mean() or 1.0), model.bias


def some_words(count: int, seed: int) -> Array:
    """Return the places of at most `MOST_WORDS` of `count` words, drawn, in order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:MOST_WORDS])


def tfidf(
    train_texts: Texts, train_targets: Array, test_texts: Texts, problem: Problem, classes: int, seed: int
) -> Array:
    """Return what a linear model on TF-IDF n-grams says of the test rows: no language model, a few seconds.

    Logistic regression, ridge for numbers; the strength is chosen by cross-validation on train rows alone.

    Args:
        train_texts: one or two texts a row.
        train_targets: class indices [N], 0/1 [N, C] or numbers [N].
        test_texts: as `train_texts`.
        problem: what the targets mean.
        classes: C.
        seed: of the folds, and of the rows that are drawn where there are too many.
    """
    if not test_texts:
        return majority(train_targets, 0, problem, classes)
    kept = _affordable(train_texts, classes, seed)
    train_targets = np.asarray(train_targets)[kept]
    train, test = features([train_texts[row] for row in kept], test_texts)
    if train.shape[0] <= _kernel_rows(classes):
        x, z = _row_space(train, train, test)
        return fit(x, train_targets, problem, classes, seed).outputs(z, problem)
    return _sparse_outputs(train, train_targets, test, problem, classes, seed)


def _kernel_rows(classes: int) -> int:
    """Return up to how many rows the inner products are used."""
    return min(KERNEL_ROWS, max(500, KERNEL_CELLS // max(1, classes)))


def _affordable(texts: Texts, classes: int, seed: int) -> Array:
    """Return the rows to fit on, in order: all, or as many drawn at random as the limits allow."""
    order = np.random.default_rng(seed).permutation(len(texts))
    size = np.cumsum([sum(map(len, texts[row])) for row in order])
    most = max(_kernel_rows(classes), MOST_CELLS // max(1, classes))
    return np.sort(order[: min(most, max(1, int((size <= MOST_CHARACTERS).sum())))])


def _row_space(basis: Sparse, *tables: Sparse) -> list[Array]:
    """Return each table in the coordinates of the row space of `basis`, dense [·, at most the rows of basis].

    A penalised linear model has its weights in the span of its rows, so it is the same model there. With
    B B' = V diag(s) V' the coordinates of x are x B' V / √s.
    """
    spectrum, axes = np.linalg.eigh((basis @ basis.T).toarray().astype(np.float64))
    spectrum = np.maximum(spectrum, 1e-12)  # rows without any feature still get one coordinate, which is 0
    kept = spectrum >= 1e-6 * spectrum[-1]
    turn = axes[:, kept] / np.sqrt(spectrum[kept])
    return [(table @ basis.T).toarray() @ turn for table in tables]


def _sparse_outputs(train: Sparse, targets: Array, test: Sparse, problem: Problem, classes: int, seed: int) -> Array:
    """Return what a linear model of many rows says of `test`; its strength is chosen on some of them."""
    some = np.sort(np.random.default_rng(seed).permutation(train.shape[0])[: _kernel_rows(classes)])
    strength = fit(_row_space(train[some], train[some])[0], targets[some], problem, classes, seed).strength
    if problem == "regression":
        from sklearn.linear_model import Ridge

        numbers: Array = Ridge(alpha=1 / strength, solver="sparse_cg").fit(train, targets).predict(test)
        return numbers
    if problem == "multi_label_classification":
        return np.stack([_chances(train, column > 0, test, strength) for column in targets.T], axis=1)
    if classes == 2:
        second = _chances(train, targets == 1, test, strength)
        return np.stack([1 - second, second], axis=1)
    chances = np.stack([_chances(train, targets == index, test, strength) for index in range(classes)], axis=1)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _chances(train: Sparse, truth: Array, test: Sparse, strength: float) -> Array:
    """Return the probability of `truth` for every test row, [M]."""
    from sklearn.linear_model import LogisticRegression

    if truth.all() or not truth.any():
        return np.full(test.shape[0], (truth.sum() + 0.5) / (len(truth) + 1))
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=1000)
    chances: Array = model.fit(train, truth).predict_proba(test)[:, 1]
    return chances

"""Linear models on dense vectors, their strength chosen by cross-validation: what learnt baselines stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.core.task import Problem
from tunesmith.evaluation.figure import Array

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""C of the penalty |w|² / 2C against the summed loss, for vectors whose root mean square norm is 1."""
UNSURE = 10.0
"""C where no class has two rows, so that nothing can be held out."""
MOST_FOLDS, FEW_ROWS = 5, 500
"""Five folds up to this many rows, three beyond: the choice is then sure enough."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Logits (or numbers) = x · weightᵀ + bias; weight [C, H], bias [C].

    `strength` is the C it was fitted with, in the sense of a penalty |weight|² / 2C.
    """

    weight: Array
    bias: Array
    strength: float

    def logits(self, x: Array) -> Array:
        """Return [N, C]."""
        logits: Array = x @ self.weight.T + self.bias
        return logits

    def outputs(self, x: Array, problem: Problem) -> Array:
        """Return probabilities [N, C], or numbers [N] for regression."""
        logits = self.logits(x)
        if problem == "regression":
            numbers: Array = logits[:, 0]
            return numbers
        return _probabilities(logits, problem)


def fit(x: Array, targets: Array, problem: Problem, classes: int, seed: int) -> Linear:
    """Fit a linear model whose strength is chosen by cross-validated loss, in the space of `x` as it came.

    Vectors are centred and divided by one number (their root mean square norm), which only makes the solver fast and
    the strengths mean the same for every encoder; both are folded into weight and bias. A class without rows gets no
    weights and a bias as low as the lowest logit of the rows.

    Args:
        x: [N, H], dense.
        targets: class indices [N], 0/1 [N, C] or numbers [N].
        problem: what the targets mean; regression is ridge with its strength by leave-one-out error.
        classes: C; not used for regression.
        seed: of the folds.
    """
    centre = x.mean(axis=0)
    scale = float(np.sqrt(np.mean(np.sum(np.square(x - centre, dtype=np.float64), axis=1)))) or 1.0
    unit = ((x - centre) / scale).astype(np.float32)
    if problem == "regression":
        weight, bias, strength = _ridge(unit.astype(np.float64), np.asarray(targets, dtype=np.float64).reshape(-1))
    else:
        weight, bias, strength = _logistic(unit, _indicators(targets, problem, classes), problem, seed)
    weight = weight / scale
    return Linear(weight, bias - weight @ centre, strength / scale**2)


def choose_strength(x: Array, hot: Array, problem: Problem, seed: int) -> float:
    """Return the strength with the lowest held-out log loss.

    Args:
        x: [N, H], of root mean square norm about 1.
        hot: [N, C] of 0 and 1; every class has rows.
        problem: classification with one or with several labels a row.
        seed: of the folds.
    """
    folds = assign_folds(hot.argmax(axis=1) if problem == "single_label_classification" else hot.sum(axis=1), seed)
    losses = np.zeros(len(STRENGTHS))
    for fold in range(folds.max() + 1):
        held = folds == fold
        start = np.zeros((hot.shape[1], x.shape[1] + 1))
        for index, strength in enumerate(STRENGTHS):  # from weak to strong: each fit starts from the one before
            start = _minimise(x[~held], hot[~held], problem, strength, start, tolerance=1e-3)
            losses[index] += row_losses(x[held] @ start[:, :-1].T + start[:, -1], hot[held], problem).sum()
    return STRENGTHS[int(losses.argmin())] if folds.max() >= 0 else UNSURE


def assign_folds(groups: Array, seed: int) -> Array:
    """Return a fold for every row, [N], evenly within every group; -1 (never held out) for a group of one row."""
    random = np.random.default_rng(seed)
    folds = np.full(len(groups), -1)
    many, at = (MOST_FOLDS if len(groups) <= FEW_ROWS else 3), 0
    for group in np.unique(groups):
        rows = random.permutation(np.flatnonzero(groups == group))
        if len(rows) > 1:
            folds[rows] = (at + np.arange(len(rows))) % many
            at += len(rows)
    used = np.unique(folds[folds >= 0])
    return np.where(folds < 0, -1, np.searchsorted(used, folds))


def _indicators(targets: Array, problem: Problem, classes: int) -> Array:
    """Return [N, C] of 0 and 1."""
    if problem == "single_label_classification":
        hot: Array = np.eye(classes, dtype=np.float32)[targets]
        return hot
    return np.asarray(targets, dtype=np.float32)


def _logistic(x: Array, hot: Array, problem: Problem, seed: int) -> tuple[Array, Array, float]:
    """Return weight [C, H], bias [C] and strength; the low bias for classes without rows."""
    seen = np.flatnonzero(hot.any(axis=0))
    weight, bias = np.zeros((hot.shape[1], x.shape[1])), np.zeros(hot.shape[1])
    lowest, strength = -np.log(len(x) + 1.0), UNSURE
    if len(seen) > 1 or problem == "multi_label_classification":
        strength = choose_strength(x, hot[:, seen], problem, seed)
        start = np.zeros((len(seen), x.shape[1] + 1))
        found = _minimise(x, hot[:, seen], problem, strength, start, tolerance=1e-4)
        weight[seen], bias[seen] = found[:, :-1], found[:, -1]
        lowest = min(lowest, float((x @ found[:, :-1].T + found[:, -1]).min(initial=0.0)))
    bias[np.setdiff1d(np.arange(hot.shape[1]), seen)] = lowest
    return weight, bias, strength


def _minimise(x: Array, hot: Array, problem: Problem, strength: float, start: Array, *, tolerance: float) -> Array:
    """Return [C, H + 1] (the last column is the bias, which is not penalised) that minimises the mean loss.

    mean over rows of the loss + |w|² / (2 · strength · N), by L-BFGS; all classes or labels at once.
    """
    from scipy.optimize import minimize

    rows, decay = len(x), 1.0 / (strength * len(x))

    def loss_and_slope(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(start.shape)
        logits = x @ both[:, :-1].T.astype(np.float32) + both[:, -1]
        loss = row_losses(logits, hot, problem).sum() / rows + decay / 2 * float(np.sum(both[:, :-1] ** 2))
        error = (_probabilities(logits, problem) - hot) / rows
        slope = np.empty_like(both)
        slope[:, :-1] = error.astype(np.float32).T @ x + decay * both[:, :-1]
        slope[:, -1] = error.sum(axis=0)
        return float(loss), slope.ravel()

    options = {"maxiter": 500, "gtol": tolerance, "ftol": 1e-9}
    found = minimize(loss_and_slope, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    best: Array = found.x.reshape(start.shape)
    return best


def row_losses(logits: Array, hot: Array, problem: Problem) -> Array:
    """Return the loss of every row, [N], summed over labels where a row has several."""
    if problem == "single_label_classification":
        top = logits.max(axis=1)
        total = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
        return np.asarray(total - (logits * hot).sum(axis=1))
    return np.asarray((np.logaddexp(0, logits) - logits * hot).sum(axis=1))


def _probabilities(logits: Array, problem: Problem) -> Array:
    """Return the softmax, or the sigmoid where a row has several labels; [N, C]."""
    if problem == "multi_label_classification":
        return np.asarray(np.exp(-np.logaddexp(0, -logits)))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _ridge(x: Array, targets: Array) -> tuple[Array, Array, float]:
    """Return weight [1, H], bias [1] and strength of ridge regression on centred `x`, chosen by leave-one-out error.

    With x'x = V diag(s) V' and the penalty a, row i left out has the error e_i / (1 - h_i), where
    h_i = 1/N + Σ_k (xV)²_ik / (s_k + a).
    """
    mean = targets.mean()
    spectrum, axes = np.linalg.eigh(x.T @ x)
    spectrum, turned = np.maximum(spectrum, 0.0), x @ axes
    along = turned.T @ (targets - mean)
    best = (np.inf, np.zeros(len(along)), UNSURE)
    for strength in STRENGTHS:
        shrunk = along / (spectrum + 1 / strength)
        leverage = 1 / len(x) + (turned**2 / (spectrum + 1 / strength)).sum(axis=1)
        error = (targets - mean - turned @ shrunk) / np.maximum(1 - leverage, 1e-9)
        best = min(best, (float(np.mean(error**2)), shrunk, strength), key=lambda found: found[0])
    return (axes @ best[1])[None, :], np.array([mean]), best[2]

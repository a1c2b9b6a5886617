"""Linear models on dense vectors, their strength chosen by cross-validation: what learnt baselines stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.core.task import Problem
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.interval import resampled
from tunesmith.evaluation.metrics import CLASSIFY

STRENGTHS = (0.3, 1.0, 3.0, 5.0, 10.0, 30.0, 100.0, 300.0)
"""C of the penalty |w|² / 2C against the summed loss, for vectors whose root mean square norm is 1."""
USUAL = 3.0
"""The strength that held-out rows have to speak against, and the one where no class has two rows to hold out."""
RIDGE_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
TOLERANCE = 3e-4
"""Of the slope along stretched axes, where the curvature is about 1: losses agree with 1e-6 to the third digit, in a
fifth of the time."""
MOST_FOLDS, FEW_ROWS = 5, 500
"""Five folds up to this many rows, three beyond: the choice is then sure enough."""
CHOICE_CELLS = 400_000
"""Rows times classes on which the strength is chosen at most; the fit itself takes every row."""


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

    Vectors are centred, divided by one number (their root mean square norm) and turned into their principal axes, which
    makes the solver fast and the strengths mean the same for every encoder; all of it is undone in the result. A class
    without rows gets no weights and a bias as low as the lowest logit of the rows.

    Args:
        x: [N, H], dense.
        targets: class indices [N], 0/1 [N, C] or numbers [N].
        problem: what the targets mean; regression is ridge with its strength by leave-one-out error.
        classes: C; not used for regression.
        seed: of the folds.
    """
    centre = x.mean(axis=0)
    scale = float(np.sqrt(np.mean(np.sum(np.square(x - centre, dtype=np.float64), axis=1)))) or 1.0
    unit = (np.asarray(x, dtype=np.float64) - centre) / scale
    axes = _principal_axes(unit)
    turned = unit @ axes
    if problem == "regression":
        weight, bias, strength = _ridge(turned, np.asarray(targets, dtype=np.float64).reshape(-1))
    else:
        hot = _indicators(targets, problem, classes)
        weight, bias, strength = _logistic(turned.astype(np.float32), hot, problem, seed)
    weight = weight @ axes.T / scale
    return Linear(weight, bias - weight @ centre, strength / scale**2)


def choose_strength(x: Array, hot: Array, problem: Problem, seed: int) -> float:
    """Return the strength that does best on held-out rows.

    One label a row: of the strengths whose macro-F1 is within half a standard error of the best, the one nearest to
    `USUAL`. On train rows not fitted on, of five sets in 17 sizes, that gave the probe of a frozen encoder 71.4
    macro-F1 in the mean, the lowest log loss 71.1, and 5 throughout 71.1. Several labels: the lowest log loss, since
    decisions at 0.5 say little about rare labels.

    Args:
        x: [N, H], of root mean square norm about 1.
        hot: [N, C] of 0 and 1.
        problem: classification with one or with several labels a row.
        seed: of the folds.
    """
    single = problem == "single_label_classification"
    folds = assign_folds(hot.argmax(axis=1) if single else hot.sum(axis=1), seed)
    if folds.max() < 0:
        return USUAL
    logits = np.zeros((len(STRENGTHS), *hot.shape))
    for fold in range(folds.max() + 1):
        held = folds == fold
        start = np.zeros((hot.shape[1], x.shape[1] + 1))
        for index, strength in enumerate(STRENGTHS):  # from weak to strong: each fit starts from the one before
            start = _minimise(x[~held], hot[~held], problem, strength, start)
            logits[index, held] = x[held] @ start[:, :-1].T + start[:, -1]
    known = folds >= 0
    if single:
        return _strength_by_f1(logits[:, known], hot[known].argmax(axis=1), seed)
    losses = [row_losses(each, hot[known], problem).sum() for each in logits[:, known]]
    return STRENGTHS[int(np.argmin(losses))]


def _strength_by_f1(logits: Array, targets: Array, seed: int) -> float:
    """Return the strength nearest to `USUAL` of those that are as good as the best; logits [S, N, C]."""
    metric = {"macro_f1": CLASSIFY["macro_f1"]}
    drawn = np.stack(resampled(metric, targets, list(logits), resamples=200, seed=seed)["macro_f1"])
    f1 = np.array([metric["macro_f1"](targets, each) for each in logits])
    # The rows of a rare class decide macro-F1, so its error has to come from whole resamples, not from single answers.
    error = (drawn - drawn[f1.argmax()]).std(axis=1)
    good = np.flatnonzero(f1 >= f1.max() - error / 2 - 1e-12)
    return min((STRENGTHS[index] for index in good), key=lambda strength: abs(np.log(strength / USUAL)))


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


def _principal_axes(x: Array) -> Array:
    """Return the axes along which the rows of `x` vary, orthonormal, [H, at most min(N, H)]; at least one."""
    wide = x.shape[1] > x.shape[0]
    spectrum, axes = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = spectrum > 1e-9 * max(float(spectrum[-1]), 1e-12)
    if not kept.any():
        return np.eye(x.shape[1], 1)
    return np.asarray(x.T @ (axes[:, kept] / np.sqrt(spectrum[kept])) if wide else axes[:, kept])


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
    lowest, strength = -np.log(len(x) + 1.0), USUAL
    if len(seen) > (problem == "single_label_classification"):
        some = np.random.default_rng(seed).permutation(len(x))[: max(FEW_ROWS, CHOICE_CELLS // len(seen))]
        strength = choose_strength(x[some], hot[np.ix_(some, seen)], problem, seed)
        start = np.zeros((len(seen), x.shape[1] + 1))
        found = _minimise(x, hot[:, seen], problem, strength, start)
        weight[seen], bias[seen] = found[:, :-1], found[:, -1]
        lowest = min(lowest, float((x @ found[:, :-1].T + found[:, -1]).min(initial=0.0)))
    bias[np.setdiff1d(np.arange(hot.shape[1]), seen)] = lowest
    return weight, bias, strength


def _minimise(x: Array, hot: Array, problem: Problem, strength: float, start: Array) -> Array:
    """Return [C, H + 1] (the last column is the bias, which is not penalised) that minimises the mean loss.

    mean over rows of the loss + |w|² / (2 · strength · N), by L-BFGS; all classes or labels at once. The columns of `x`
    are principal axes; stretched by the curvature to be expected along each they take a third of the steps.
    """
    from scipy.optimize import minimize

    rows, decay = len(x), 1.0 / (strength * len(x))
    curvature = np.mean(np.square(x), axis=0) / max(2, hot.shape[1])
    stretch = np.append(1 / np.sqrt(curvature + decay), 1.0)
    stretched, penalty = x * stretch[:-1].astype(np.float32), np.append(decay * stretch[:-1] ** 2, 0.0)

    def loss_and_slope(flat: Array) -> tuple[float, Array]:
        both = flat.reshape(start.shape)
        single = both.astype(np.float32)
        logits = stretched @ single[:, :-1].T + single[:, -1]
        error = (_probabilities(logits, problem) - hot) / rows
        slope = penalty * both
        loss = float(row_losses(logits, hot, problem).sum(dtype=np.float64)) / rows + float(np.vdot(slope, both)) / 2
        slope[:, :-1] += error.T @ stretched
        slope[:, -1] += error.sum(axis=0)
        return loss, slope.ravel()

    options = {"maxiter": 500, "gtol": TOLERANCE, "ftol": 1e-9}
    found = minimize(loss_and_slope, (start / stretch).ravel(), jac=True, method="L-BFGS-B", options=options)
    best: Array = found.x.reshape(start.shape) * stretch
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
    """Return weight [1, H], bias [1] and strength of ridge regression, chosen by leave-one-out error.

    The columns of `x` are centred principal axes, so with s_k = Σ_i x²_ik and the penalty a, row i left out has the
    error e_i / (1 - h_i), where h_i = 1/N + Σ_k x²_ik / (s_k + a).
    """
    mean = targets.mean()
    spectrum, along = (x**2).sum(axis=0), x.T @ (targets - mean)
    best = (np.inf, np.zeros(len(along)), USUAL)
    for strength in RIDGE_STRENGTHS:
        shrunk = along / (spectrum + 1 / strength)
        leverage = 1 / len(x) + (x**2 / (spectrum + 1 / strength)).sum(axis=1)
        error = (targets - mean - x @ shrunk) / np.maximum(1 - leverage, 1e-9)
        best = min(best, (float(np.mean(error**2)), shrunk, strength), key=lambda found: found[0])
    return best[1][None, :], np.array([mean]), best[2]

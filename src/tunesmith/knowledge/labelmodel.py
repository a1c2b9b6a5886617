"""What several unreliable voters say of rows → what the rows are, and how reliable the voters, without gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.knowledge.odds import softmax

Array = np.ndarray[Any, Any]

ROUNDS, SETTLED = 500, 1e-7
"""Rounds at most, and how little the chances change in a round when they are done."""
LEAST = 1e-6
"""Chance at least of every answer: one that was never given to a class does not rule the class out for ever."""


@dataclass(frozen=True, slots=True)
class LabelModel:
    """What was found out about rows and voters.

    Args:
        chances: of each class for each row, [N, K].
        shares: of the classes, [K].
        rates: chance of each answer of each voter to a row of each class, [K, R, L].
    """

    chances: Array
    shares: Array
    rates: Array


def dawid_skene(answers: Array, start: Array, *, doubt: float = 0.0, loudness: Array | None = None) -> LabelModel:
    """Return what rows most likely are, where each voter answers rows of a class at rates of its own.

        p(class k | row n) ∝ π_k · Π_r Π_l rates[k, r, l] ^ (loudness_r · answers[n, r, l])

    Chances and rates are worked out from each other in turn (expectation maximisation) until they stay. Voters are
    taken to err independently of each other; where they do not, `loudness` below 1 makes up for what they say twice.

    Args:
        answers: how often voter r gave answer l to row n, [N, R, L]; 0 throughout where it was not asked.
        start: chances to begin with, [N, K], such as the shares of the votes.
        doubt: rows of each class for which the rates of the beginning speak, against what is found later.
        loudness: how much the answers of each voter count, [R]; by default 1.

    Source: Dawid and Skene 1979, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm,
        equations 2.3 to 2.5; `doubt` is a Dirichlet prior, `loudness` makes it a composite likelihood.
    """
    rows, classes = start.shape
    weighed = answers if loudness is None else answers * loudness[:, None]
    chances = start
    prior = doubt * _rates(answers, start, 0.0)
    for _ in range(ROUNDS):
        shares = (chances.sum(axis=0) + doubt / classes) / (rows + doubt)
        rates = _rates(answers, chances, prior)
        found = softmax(np.tensordot(weighed, np.log(np.maximum(rates, LEAST)), ([1, 2], [1, 2])) + np.log(shares))
        change, chances = np.abs(found - chances).max(initial=0.0), found
        if change < SETTLED:
            break
    return LabelModel(chances, shares, rates)


def _rates(answers: Array, chances: Array, prior: Array | float) -> Array:
    """Return the share of each answer among those that a voter gave to rows of a class, [K, R, L]."""
    given = np.einsum("nk,nrl->krl", chances, answers) + prior
    return np.asarray(given / np.maximum(given.sum(axis=2, keepdims=True), LEAST))


def loudness_of(loud: Array, chances: Array) -> Array:
    """Return how much each voter counts, [R]: 1 for one that no other repeats, 1 / n for each of n that say the same.

    A voter counts 1 / Σ_s max(0, ρ_rs), with ρ the correlation of what voters say among rows of the same class.

    Args:
        loud: how much each voter says of each row, [N, R].
        chances: of each class for each row, [N, K].
    """
    total = np.zeros((loud.shape[1], loud.shape[1]))
    for share in (chances / np.maximum(chances.sum(axis=0), LEAST)).T:
        away = loud - share @ loud
        covariance = (away * share[:, None]).T @ away
        spread = np.sqrt(np.maximum(np.diag(covariance), LEAST**2))
        total += covariance / np.outer(spread, spread) / chances.shape[1]
    np.fill_diagonal(total, 1.0)
    return np.asarray(1 / np.clip(total, 0.0, 1.0).sum(axis=1))

"""Rules beside a model: their votes are added to its log probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunesmith.core.example import Example
from tunesmith.core.fusion import Asked
from tunesmith.evaluation.linear import row_losses
from tunesmith.knowledge.odds import logs, softmax
from tunesmith.knowledge.rules import Row, Rule, Rules

Array = np.ndarray[Any, Any]

CLAIM, HEARD = 0.5, 0.2
"""What a hit of a rule of strength 1 adds to the log probability of its label as long as no row has spoken: 0.5 makes
an even chance of two labels one of 5 to 3. It is less where the model has learnt from the terms of the rules, for it
says what they say then. docs/decisions.md has the figures."""
ALONE, BESIDE = 0.1, 0.02
"""Variance of that number before rows have spoken: of rules alone, and of rules beside a model. Few dev rows, as few
labelled rows have, must not undo what all of them say. Rules that learn keep the first, for nobody vouches for them."""
SHOWN = 3
"""Things found that a sentence names."""
TOLD = 0.005
"""What a vote adds at least to be told."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Rules with the weight that labelled rows left them.

        log p(c | row) = log p_model(c | row) + Σ_r φ_r(row) · w_rc + constant,  φ = strength · log₂(1 + hits)

    A rule for a label moves that label alone, and only up, one against it only down; a rule that is to learn moves all.
    Weights are fitted twice, each time as the mode of likelihood × normal prior. First without the model, on all
    labelled rows, which the rules have never seen: where rows contradict a rule its weight falls below its claim, down
    to 0; one that is to learn claims 0. What is left is the mean of the second prior, half of it for rules that
    learn; there the weights are fitted beside the model on rows that it was not trained on. A model that has learnt
    what a rule says leaves it nothing to add, and with few such rows the first fit stands.

    Args:
        rules: R of them.
        labels: C names of classes.
        weights: [R, C].

    Source: a product of experts, Hinton 2002, Training Products of Experts by Minimizing Contrastive Divergence, with
        log-linear weights of the rules; the two fits are ours.
    """

    rules: Rules
    labels: tuple[str, ...]
    weights: Array

    kind: ClassVar[str] = "rules"
    needs_vectors: ClassVar[bool] = False

    @classmethod
    def fit(
        cls, rules: Rules, labels: Sequence[str], seen: Sequence[Example], truth: Array, held: Sequence[Example],
        held_truth: Array, answers: Array, *, heard: bool = False,
    ) -> Votes:  # fmt: skip
        """Return the rules with their weights.

        Args:
            rules: R of them, all on labels that there are.
            labels: C names.
            seen: labelled rows, N of them.
            truth: class indices of these, [N].
            held: rows that the model was not trained on, M of them; may be none.
            held_truth: class indices of these, [M].
            answers: probabilities that the model gives them, [M, C].
            heard: whether the model has learnt from terms of the rules.
        """
        learns = np.array([[not rule.label] for rule in rules.rules])
        claim = [HEARD if heard and rule.teaches else CLAIM for rule in rules.rules]
        claims = np.array(claim)[:, None] * rules.directions(labels)
        low = np.where(learns | (claims < 0), -np.inf, 0.0)
        high = np.where(learns | (claims > 0), np.inf, 0.0)
        start = np.zeros((len(seen), len(labels)))
        alone = _mode(_hits(rules, seen), truth, start, claims, (low, high), ALONE, free=True)
        left = np.clip(alone, np.minimum(claims, 0), np.maximum(claims, 0))  # no louder than it claims
        left = np.where(learns, alone / 2, left)
        if len(held):
            left = _mode(
                _hits(rules, held), held_truth, logs(answers), left, (low, high), np.where(learns, ALONE, BESIDE)
            )
        return cls(rules, tuple(labels), left)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns at which the rules look."""
        return self.rules.columns

    def adjust(self, answers: Array, asked: Asked) -> Array:
        """Return probabilities [N, C] with the votes in them; a row on which no rule fires keeps its own."""
        votes = _hits(self.rules, asked.examples) @ self.weights
        heard = (votes != 0).any(axis=1)
        return np.where(heard[:, None], softmax(logs(answers) + votes), answers)

    def alone(self, shares: Array, examples: Sequence[Example]) -> Array:
        """Return what the rules say without a model, each as loud as it claims: probabilities [N, C].

        Args:
            shares: of the classes, [C]; they decide where no rule fires, or as much speaks for one as for another.
            examples: N of them.
        """
        votes = CLAIM * _hits(self.rules, examples) @ self.rules.directions(self.labels)
        return softmax(votes + 1e-3 * logs(shares))

    def evidence(self, answers: Array, asked: Asked) -> list[tuple[str, ...]]:
        """Return a sentence for each rule that fires, and one for what the model says without them."""
        said = []
        for row, example in zip(answers, asked.examples, strict=True):
            seen, at = Row.of(example), int(row.argmax())
            lines = [line for rule, weights in zip(self.rules.rules, self.weights, strict=True)
                     for line in self._said(rule, rule.found(seen), weights)]  # fmt: skip
            said.append((*lines, f"without rules: {self.labels[at]} {row[at]:.2f}") if lines else ())
        return said

    def _said(self, rule: Rule, found: Sequence[str], weights: Array) -> list[str]:
        """Return what a rule says of a row in which it has found something; nothing where that moves no label."""
        votes = weights * rule.strength * np.log2(1 + len(found))
        sides = [("for", int(votes.argmax())), ("against", int(votes.argmin()))]
        told = [
            f"{side} {self.labels[at]}: {votes[at]:+.2f}"
            for side, at in sides
            if (votes[at] if side == "for" else -votes[at]) >= TOLD
        ]
        what = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
        return [f"{rule.name} ({what}) votes {', '.join(told)}"] if told else []

    def state(self) -> dict[str, Any]:
        """Return plain data, with the rules and their lists."""
        return {"labels": list(self.labels), "weights": self.weights.tolist(), **self.rules.state()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Votes:
        """Return the votes that `state` describes."""
        return cls(Rules.load(state), tuple(state["labels"]), np.array(state["weights"]))


def _hits(rules: Rules, examples: Sequence[Example]) -> Array:
    """Return φ, [N, R]."""
    strengths = np.array([rule.strength for rule in rules.rules])
    return np.asarray(np.log2(1 + rules.counts(Row.of(example) for example in examples)) * strengths)


def _mode(
    hits: Array, truth: Array, logits: Array, claims: Array, bounds: tuple[Array, Array], variance: float | Array, *,
    free: bool = False,
) -> Array:  # fmt: skip
    """Return the weights [R, C] within bounds that minimise −log likelihood + Σ (w − claim)² / (2 · variance).

    Args:
        hits: φ, [N, R].
        truth: class indices [N].
        logits: that the votes are added to, [N, C].
        claims: where the prior has its mode, [R, C].
        bounds: lowest and highest weights, [R, C] each.
        variance: of the prior; a number, or [R, 1].
        free: whether a number for each class, normal around 0 with variance 1, is fitted beside.
    """
    from scipy.optimize import minimize

    hot, size = np.eye(logits.shape[1])[truth], claims.size
    shifts = logits.shape[1] if free else 0

    def cost(point: Array) -> tuple[float, Array]:
        weights, shift = point[:size].reshape(claims.shape), point[size:]
        z = logits + hits @ weights + (shift if free else 0.0)
        off, away = softmax(z) - hot, weights - claims
        value = row_losses(z, hot, "single_label_classification").sum() + (away**2 / (2 * variance)).sum()
        slope = (hits.T @ off + away / variance).ravel()
        if not free:
            return float(value), slope
        return float(value + (shift**2).sum() / 2), np.concatenate([slope, off.sum(axis=0) + shift])

    limits = [*zip(*(each.ravel() for each in bounds), strict=True), *[(-np.inf, np.inf)] * shifts]
    outset = np.concatenate([claims.ravel(), np.zeros(shifts)])
    found = minimize(cost, outset, jac=True, method="L-BFGS-B", bounds=limits).x
    return np.asarray(found[:size].reshape(claims.shape))

"""Rules beside a model: their votes are added to its log probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunesmith.core.example import Example
from tunesmith.evaluation.linear import row_losses
from tunesmith.knowledge.rules import Row, Rules

Array = np.ndarray[Any, Any]

CLAIM, HEARD = 0.5, 0.2
"""What a hit of a rule of strength 1 adds to the log probability of its label as long as no row has spoken: 0.5 makes
an even chance of two labels one of 5 to 3. It is less where the model has learnt from the terms of the rules, for it
says what they say then. docs/decisions.md has the figures."""
ALONE, BESIDE = 0.1, 0.02
"""Variance of that number before rows have spoken: of rules alone, and of rules beside a model. Few dev rows, as few
labelled rows have, must not undo what all of them say."""
LEAST = 1e-9
"""Probability of a label that a model excludes."""
SHOWN = 3
"""Things found that a sentence names."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Rules with the weight that labelled rows left them.

        log p(c | row) = log p_model(c | row) + Σ_r ± w_r · φ_r(row) · [r votes on c] + constant
        φ = strength · log₂(1 + hits)

    A weight is fitted twice, each time as the mode of likelihood × normal prior, and never below 0. First without the
    model, on all labelled rows, which the rules have never seen: where rows contradict a rule its weight falls below
    its claim, down to 0. What is left is the mean of the second prior; there the weight is fitted beside the
    model on rows that it was not trained on. A model that has learnt what a rule says leaves it nothing to add, and
    with few such rows the first fit stands.

    Args:
        rules: R of them.
        labels: C names of classes.
        weights: [R], 0 or more.

    Source: a product of experts, Hinton 2002, Training Products of Experts by Minimizing Contrastive Divergence, with
        log-linear weights of the rules; the two fits are ours.
    """

    rules: Rules
    labels: tuple[str, ...]
    weights: tuple[float, ...]

    kind: ClassVar[str] = "rules"

    @classmethod
    def fit(
        cls, rules: Rules, labels: Sequence[str], seen: Sequence[Example], truth: Array, held: Sequence[Example],
        held_truth: Array, answers: Array, claim: float = CLAIM,
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
            claim: the weight that rules begin with.
        """
        signs, claims = rules.directions(labels), np.full(len(rules.rules), claim)
        start = np.zeros((len(seen), len(labels)))
        alone = _mode(_hits(rules, seen), signs, truth, start, claims, ALONE, free=True)
        claims = np.minimum(alone, claims)
        found = _mode(_hits(rules, held), signs, held_truth, _log(answers), claims, BESIDE) if len(held) else claims
        return cls(rules, tuple(labels), tuple(found.tolist()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns at which the rules look."""
        return self.rules.columns

    def adjust(self, answers: Array, examples: Sequence[Example]) -> Array:
        """Return probabilities [N, C] with the votes in them; a row on which no rule fires keeps its own."""
        hits = _hits(self.rules, examples) * self.weights
        votes = hits @ self.rules.directions(self.labels)
        heard = (hits != 0).any(axis=1)
        return np.where(heard[:, None], _softmax(_log(answers) + votes), answers)

    def alone(self, shares: Array, examples: Sequence[Example]) -> Array:
        """Return what the rules say without a model, each as loud as it claims: probabilities [N, C].

        Args:
            shares: of the classes, [C]; they decide where no rule fires, or as much speaks for one as for another.
            examples: N of them.
        """
        votes = CLAIM * _hits(self.rules, examples) @ self.rules.directions(self.labels)
        return _softmax(votes + 1e-3 * _log(shares))

    def evidence(self, answers: Array, examples: Sequence[Example]) -> list[tuple[str, ...]]:
        """Return a sentence for each rule that fires, and one for what the model says without them."""
        said = []
        for row, example in zip(answers, examples, strict=True):
            seen, at = Row.of(example), int(row.argmax())
            fired = [(rule, rule.found(seen)) for rule in self.rules.rules]
            lines = [
                f"{rule.name} ({', '.join(found[:SHOWN])}{' …' if len(found) > SHOWN else ''}) votes {rule.vote}: "
                f"{'-' if rule.against else '+'}{weight * rule.strength * np.log2(1 + len(found)):.2f}"
                for (rule, found), weight in zip(fired, self.weights, strict=True) if found and weight > 0
            ]  # fmt: skip
            said.append((*lines, f"without rules: {self.labels[at]} {row[at]:.2f}") if lines else ())
        return said

    def state(self) -> dict[str, Any]:
        """Return plain data, with the rules and their lists."""
        return {"labels": list(self.labels), "weights": list(self.weights), **self.rules.state()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Votes:
        """Return the votes that `state` describes."""
        return cls(Rules.load(state), tuple(state["labels"]), tuple(state["weights"]))


def _hits(rules: Rules, examples: Sequence[Example]) -> Array:
    """Return φ, [N, R]."""
    strengths = np.array([rule.strength for rule in rules.rules])
    return np.asarray(np.log2(1 + rules.counts([Row.of(example) for example in examples])) * strengths)


def _mode(
    hits: Array, signs: Array, truth: Array, logits: Array, claims: Array, variance: float, *, free: bool = False
) -> Array:
    """Return the weights [R], 0 or more, that minimise −log likelihood + Σ (w − claim)² / (2 · variance).

    Args:
        hits: φ, [N, R].
        signs: what a vote adds to which class, [R, C].
        truth: class indices [N].
        logits: that the votes are added to, [N, C].
        claims: where the prior has its mode, [R].
        variance: of the prior.
        free: whether a number for each class, normal around 0, is fitted beside.
    """
    from scipy.optimize import minimize

    hot, rules = np.eye(logits.shape[1])[truth], len(claims)
    outset = np.concatenate([claims, np.zeros(logits.shape[1] if free else 0)])

    def cost(point: Array) -> tuple[float, Array]:
        weights, shift = point[:rules], point[rules:]
        z = logits + (hits * weights) @ signs + (shift if free else 0.0)
        off = _softmax(z) - hot
        away = weights - claims
        slope = ((hits.T @ off) * signs).sum(axis=1) + away / variance
        value = row_losses(z, hot, "single_label_classification").sum() + (away**2).sum() / (2 * variance)
        value += (shift**2).sum() / 2
        return float(value), np.concatenate([slope, off.sum(axis=0) + shift]) if free else slope

    bounds = [(0.0, None)] * rules + [(None, None)] * (len(outset) - rules)
    return np.asarray(minimize(cost, outset, jac=True, method="L-BFGS-B", bounds=bounds).x[:rules])


def _log(probabilities: Array) -> Array:
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), LEAST))


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))

"""Rules beside a model that marks spans: what they mark weighs more where it is a span, and what they do not, less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tunesmith.core.example import Example, Span, texts_of
from tunesmith.core.fusion import Asked
from tunesmith.core.prediction import Mention
from tunesmith.data.findings import shorten
from tunesmith.evaluation.figure import as_objects
from tunesmith.knowledge.lattice import Stretches, best_paths, in_batches
from tunesmith.knowledge.places import Mark, counted, longest_first, marks_of, spans_of
from tunesmith.knowledge.rules import Rules
from tunesmith.text import bio
from tunesmith.text.windows import units_of

Array = np.ndarray[Any, Any]

RIGHT, WRONG = 2, 1
"""Marks of each kind that a rule is taken to have made before rows have spoken. With these a rule that is wrong more
often than not ends with 0, and one of which no labelled row says anything begins with log 2."""
UNMARKED = 2
"""Spans of each kind without a mark that are taken to have been seen before: few rows do not make a list complete."""
BESIDE = 0.3
"""Variance of each number around what labelled rows say without the model."""
TOLD = 0.005
"""What a mark adds at least to be told."""
CUT = 60
"""Letters of a span in a sentence."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Rules with the weights that labelled rows left them, beside a model that gives each word a tag.

        log weight(tags) = Σ_t log p_model(tag_t) + Σ_spans { Σ_r strength_r · w_r  where rules r mark exactly the span
                                                           { −v_kind                where none does

    The answer is the legal sequence of tags that weighs most. The numbers are at least 0, and found twice. First
    without the model, on all labelled rows, which the rules have never seen: of n marks of a rule k are spans of the
    data, and w = log((k + 2) / (n − k + 1)), the log odds of a mark, or 0; of s spans of a kind h are marked, and
    v = −log(1 − h / (s + 2)), since so much rarer is a span among what is not marked. These are the means of normal
    priors. Then all are the mode of likelihood × prior, beside the model on rows that it was not trained on; the
    likelihood of a row is the weight of its tags over that of all legal ones. A rule that is wrong more often than not
    stays at 0, and its marks count for nothing.

    Args:
        rules: R of them, each for a kind.
        labels: K kinds of spans.
        weights: w, [R].
        misses: v, [K].

    Source: Sarawagi and Cohen 2004, Semi-Markov Conditional Random Fields for Information Extraction, whose features of
        dictionaries are these; the model's probabilities in the place of weights of words, and the priors, are ours.
    """

    rules: Rules
    labels: tuple[str, ...]
    weights: Array
    misses: Array

    kind: ClassVar[str] = "marks"
    needs_vectors: ClassVar[bool] = False

    @classmethod
    def fit(
        cls, rules: Rules, labels: Sequence[str], seen: Sequence[Example], held: Sequence[Example],
        scores: Sequence[Array],
    ) -> Marks:  # fmt: skip
        """Return the rules with their weights.

        Args:
            rules: R of them, each for one of `labels`.
            labels: K kinds of spans.
            seen: labelled rows.
            held: labelled rows that the model was not trained on; may be none.
            scores: log probabilities that it gives the tags of the words of these, [words, tags] each.
        """
        alone = np.array([
            max(0.0, np.log((right + RIGHT) / (total - right + WRONG))) for right, total in counted(rules, seen)
        ])  # fmt: skip
        claim = cls(rules, tuple(labels), alone, np.zeros(len(labels)))
        marked, total = np.zeros(len(labels)), np.zeros(len(labels))
        for row in seen:
            known = {mark.span for mark in claim.heard(row)}
            for span in spans_of(row):
                total[claim.labels.index(span.label)] += 1
                marked[claim.labels.index(span.label)] += span in known
        return _mode(replace(claim, misses=-np.log(1 - marked / (total + UNMARKED))), held, scores)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns at which the rules look."""
        return self.rules.columns

    @property
    def bonuses(self) -> Array:
        """What a mark of each rule adds to the logarithm of its span's weight, [R]."""
        return np.asarray(self.weights * [rule.strength for rule in self.rules.rules])

    def heard(self, example: Example) -> list[Mark]:
        """Return the marks of rules of some weight."""
        return [mark for mark in marks_of(self.rules, example) if self.weights[mark.rule] > 0]

    def adjust(self, answers: Array, asked: Asked) -> Array:
        """Return the spans [N] as they are with the rules; scores move as the odds of their spans do."""
        if not (self.weights.any() or self.misses.any()) or not len(answers):
            return answers
        scores = word_scores(asked)
        marks = [self.heard(example) for example in asked.examples]
        added = [self._added(some) for some in marks]
        weights = np.array([bonus for of in added for bonus in of.values()])
        paths = best_paths(scores, Stretches.of(self.places(marks)), weights, self.misses)
        return as_objects(
            tuple(
                self._moved(one, of)
                for one in bio.mentions(texts_of(row)[0], units_of(row), self.labels, path, np.exp(score))
            )
            for row, path, score, of in zip(asked.examples, paths, scores, added, strict=True)
        )

    def _added(self, marks: Sequence[Mark]) -> dict[Span, float]:
        """Return what is added to each marked span; several rules may mark one."""
        found: dict[Span, float] = {}
        bonuses = self.bonuses if marks else ()
        for mark in marks:
            found[mark.span] = found.get(mark.span, 0.0) + float(bonuses[mark.rule])
        return found

    def places(self, marks: Sequence[Sequence[Mark]]) -> list[list[tuple[int, int, int]]]:
        """Return the words and the kind of each marked span of each text, each once."""
        return [
            list({mark.span: (mark.first, mark.end, self.labels.index(mark.span.label)) for mark in some}.values())
            for some in marks
        ]

    def _moved(self, one: Mention, added: Mapping[Span, float]) -> Mention:
        by = added.get(_span(one), -self.misses[self.labels.index(one.label)])
        if by == 0 or not 0 < one.score < 1:
            return one
        return replace(one, score=float(1 / (1 + (1 / one.score - 1) * np.exp(-by))))

    def alone(self, train: Sequence[Example], examples: Sequence[Example]) -> Array:
        """Return what the rules mark without a model, the longest first; as sure as they were right in train."""
        shares = [(right + RIGHT) / (total + RIGHT + WRONG) for right, total in counted(self.rules, train)]
        return as_objects(
            tuple(
                Mention(*_bounds(mark.span), texts_of(row)[0][slice(*_bounds(mark.span))], mark.span.label, share)
                for mark in longest_first(marks_of(self.rules, row)) for share in (shares[mark.rule],)
            )
            for row in examples
        )  # fmt: skip

    def evidence(self, answers: Array, asked: Asked) -> list[tuple[str, ...]]:
        """Return a sentence for each span that a rule marks or that fell for want of one, and what the model says."""
        said = []
        for before, after, row in zip(answers, self.adjust(answers, asked), asked.examples, strict=True):
            kept, old = {_span(one) for one in after}, {_span(one) for one in before}
            text = texts_of(row)[0]
            lines = [
                f'{self.rules.rules[mark.rule].name} marks "{_short(text, mark.span)}" as {mark.span.label}: '
                f"+{self.bonuses[mark.rule]:.2f}"
                for mark in self.heard(row) if mark.span in kept and self.bonuses[mark.rule] >= TOLD
            ]  # fmt: skip
            marked = {mark.span for mark in self.heard(row)}
            costs = {span: self.misses[self.labels.index(span.label)] for span in sorted(old - kept - marked)}
            lines += [
                f'no rule marks "{_short(text, span)}" as {span.label}: -{cost:.2f}'
                for span, cost in costs.items() if cost >= TOLD
            ]  # fmt: skip
            spans = ", ".join(f'"{shorten(one.text, CUT)}" ({one.label} {one.score:.2f})' for one in before)
            said.append((*lines, f"without rules: {spans or 'nothing'}") if lines or kept != old else ())
        return said

    def state(self) -> dict[str, Any]:
        """Return plain data, with the rules and their lists."""
        numbers = {"weights": self.weights.tolist(), "misses": self.misses.tolist()}
        return {"labels": list(self.labels), **numbers, **self.rules.state()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Marks:
        """Return the marks that `state` describes."""
        numbers = (np.array(state[name], dtype=np.float64) for name in ("weights", "misses"))
        return cls(Rules.load(state), tuple(state["labels"]), *numbers)


def _span(one: Mention) -> Span:
    return Span(one.start, one.end, one.label)


def _bounds(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _short(text: str, span: Span) -> str:
    return shorten(text[span.start : span.end], CUT)


def word_scores(asked: Asked) -> list[Array]:
    """Return the log probabilities of the tags of each text, [words, tags] each."""
    assert asked.read is not None, "marks ask for what is said of each word"
    return [values.double().log_softmax(-1).numpy() for values in asked.read.by_example()]


def _mode(claim: Marks, rows: Sequence[Example], scores: Sequence[Array]) -> Marks:
    """Return the rules with the numbers that minimise −log likelihood + Σ (number − claim)² / (2 · variance).

    Args:
        claim: the rules with the means of the priors; what claims 0 stays there.
        rows: labelled.
        scores: log probabilities of the tags of their words, [words, tags] each.
    """
    from scipy.optimize import minimize

    if not len(rows):
        return claim
    sizes, kinds = len(claim.weights), len(claim.labels)
    marks = [claim.heard(row) for row in rows]
    places = claim.places(marks)
    strengths = [rule.strength for rule in claim.rules.rules]
    phi, gold, spans = np.zeros((sum(map(len, places)), sizes)), np.zeros(sum(map(len, places))), np.zeros(kinds)
    at = 0
    for row, some in zip(rows, marks, strict=True):
        own = spans_of(row)
        number = {span: at + n for n, span in enumerate(dict.fromkeys(mark.span for mark in some))}
        for mark in some:
            phi[number[mark.span], mark.rule] += strengths[mark.rule]
            gold[number[mark.span]] = mark.span in own
        for span in own:
            spans[claim.labels.index(span.label)] += 1
        at += len(number)
    lattices = in_batches(scores, Stretches.of(places))
    kind = np.array([place[2] for of in places for place in of], dtype=np.int64)
    start = np.concatenate([claim.weights, claim.misses])

    def cost(point: Array) -> tuple[float, Array]:
        bonus, misses, value = phi @ point[:sizes], point[sizes:], 0.0
        likely, expected = np.zeros(len(phi)), np.zeros(kinds)
        for lattice, own in lattices:
            whole, likely[own], counts = lattice.chances(bonus[own], misses)
            value, expected = value + whole, expected + counts
        unmarked = spans - np.bincount(kind, gold, kinds)
        away = point - start
        value += float(misses @ unmarked - bonus @ gold + (away**2).sum() / (2 * BESIDE))
        slope = [phi.T @ (likely - gold), unmarked - (expected - np.bincount(kind, likely, kinds))]
        return value, np.concatenate(slope) + away / BESIDE

    limits = [(0.0, None if number else 0.0) for number in start]
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=limits).x
    return replace(claim, weights=found[:sizes], misses=found[sizes:])

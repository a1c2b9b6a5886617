"""Sequences of tags in which some spans weigh more: sums over all legal ones, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

AT_ONCE = 256
"""Texts that are looked at together; they are sorted by length, so little of the work is padding."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of words that may be spans, in texts that stand together.

    Args:
        text: of which text each is, [M].
        first: its first word, [M].
        end: the word behind its last, [M].
        kind: which kind of span, [M].
    """

    text: Array
    first: Array
    end: Array
    kind: Array

    @classmethod
    def of(cls, stretches: Sequence[Sequence[tuple[int, int, int]]]) -> Stretches:
        """Return the (first, end, kind) of each text as arrays."""
        found = [(text, *stretch) for text, some in enumerate(stretches) for stretch in some]
        return cls(*np.array(found, dtype=np.int64).reshape(-1, 4).T)

    def some(self, texts: Sequence[int]) -> tuple[Stretches, Array]:
        """Return those of some texts, which are counted anew, and their places."""
        number = {text: at for at, text in enumerate(texts)}
        places = np.array([at for at, text in enumerate(self.text.tolist()) if text in number], dtype=np.int64)
        texts_of = np.array([number[text] for text in self.text[places].tolist()], dtype=np.int64)
        return Stretches(texts_of, self.first[places], self.end[places], self.kind[places]), places


class Lattice:
    """All legal sequences of tags of some texts, with stretches that weigh more where they are spans.

        log weight(tags) = Σ_t log p(tag_t) + Σ_m w_m · [stretch m is a span of its kind, neither longer nor shorter]
                           − Σ v_kind over the spans that are no stretch

    A sequence is legal if every I- stands behind a B- or I- of its kind. With u = w + v ≥ 0, exp(u) = 1 + (exp(u) − 1):
    the sum over all sequences is that without stretches, where every span costs v, plus ways that go over a stretch at
    once, of weight exp(u) − 1 times what it weighs there. Behind such a way the span has ended. So nothing is counted
    twice, and nothing changes where w and v are 0.

    Args:
        scores: log p of each text, [words, tags], tags as `text.bio.tags_of` orders them.
        stretches: in these texts.

    Cost: words × kinds for each text, and a step for each stretch.

    Source: Sarawagi and Cohen 2004, Semi-Markov Conditional Random Fields for Information Extraction; the split of
        exp(u), which leaves the ordinary recursion of words as it is, is ours.
    """

    def __init__(self, scores: Sequence[Array], stretches: Stretches) -> None:
        self.lengths = np.array([len(score) for score in scores], dtype=np.int64)
        size, longest = scores[0].shape[1], int(self.lengths.max())
        self.scores = np.full((len(scores), longest, size), -np.inf)
        self.scores[:, :, 0] = 0.0  # behind its end a text has nothing but O, which weighs nothing
        for at, score in enumerate(scores):
            self.scores[at, : len(score)] = score
        self.stretches = stretches
        text, first, end = stretches.text, stretches.first, stretches.end
        begin, inside = 1 + 2 * stretches.kind, 2 + 2 * stretches.kind
        self.own = np.array([
            self.scores[n, a, b] + self.scores[n, a + 1 : z, i].sum()
            for n, a, z, b, i in zip(text, first, end, begin, inside, strict=True)
        ])  # fmt: skip

    def chances(self, weights: Array, misses: Array) -> tuple[float, Array, Array]:
        """Return the sum over the texts of the logarithm of all that their sequences weigh, and what is expected.

        Args:
            weights: w, at least 0, [M].
            misses: v of each kind, at least 0, [K].

        Returns:
            the sum; how likely each stretch is a span, [M]; how many spans of each kind are expected, [K].
        """
        text, first, end = self.stretches.text, self.stretches.first, self.stretches.end
        cost = misses[self.stretches.kind]
        with np.errstate(divide="ignore"):
            extra = self.own - cost + np.log(np.expm1(weights + cost))
        before, _ = self._before(extra, misses, np.logaddexp)
        behind, opened = self._behind(extra, misses)
        whole = before[:, -1]
        around = before[text, first] + behind[text, end] - whole[text]
        begun = before[:, :-1, None] + self.scores[:, :, 1::2] - misses + opened[:, 1:] - whole[:, None, None]
        expected = np.exp(begun).sum(axis=(0, 1))
        np.add.at(expected, self.stretches.kind, np.exp(around + extra))
        return float(whole.sum()), np.exp(around + self.own + weights), expected

    def best(self, weights: Array, misses: Array) -> list[Array]:
        """Return the tags of each text that weigh most; `weights` [M] and `misses` [K] are at least 0."""
        extra = self.own + weights
        before, inside = self._before(extra, misses, np.maximum)
        return [self._traced(at, before[at], inside[at], extra, misses) for at in range(len(self.lengths))]

    def _before(self, extra: Array, misses: Array, plus: np.ufunc) -> tuple[Array, Array]:
        """Return what the beginnings of each text weigh, [N, T + 1], and those that end inside a span, [N, T + 1, K].

        A span that is gone over at once is not among the latter: it has ended.
        """
        texts, words, size = self.scores.shape
        before = np.full((texts, words + 1), -np.inf)
        inside = np.full((texts, words + 1, size // 2), -np.inf)
        before[:, 0] = 0.0
        at_end = _grouped(self.stretches.end, words + 1)
        for t in range(words):
            score, total = self.scores[:, t], before[:, t, None]
            inside[:, t + 1] = plus(total + (score[:, 1::2] - misses), inside[:, t] + score[:, 2::2])
            before[:, t + 1] = plus(before[:, t] + score[:, 0], plus.reduce(inside[:, t + 1], axis=1, initial=-np.inf))
            for m in at_end[t + 1]:
                n, first = self.stretches.text[m], self.stretches.first[m]
                before[n, t + 1] = plus(before[n, t + 1], before[n, first] + extra[m])
        return before, inside

    def _behind(self, extra: Array, misses: Array) -> tuple[Array, Array]:
        """Return what the ends of each text weigh, [N, T + 1], and those before which a span is open, [N, T + 1, K]."""
        texts, words, size = self.scores.shape
        behind = np.zeros((texts, words + 1))
        opened = np.zeros((texts, words + 1, size // 2))
        at_first = _grouped(self.stretches.first, words + 1)
        for t in range(words - 1, -1, -1):
            score = self.scores[:, t]
            starts = np.logaddexp.reduce(score[:, 1::2] - misses + opened[:, t + 1], axis=1, initial=-np.inf)
            behind[:, t] = np.logaddexp(score[:, 0] + behind[:, t + 1], starts)
            for m in at_first[t]:
                n, end = self.stretches.text[m], self.stretches.end[m]
                behind[n, t] = np.logaddexp(behind[n, t], extra[m] + behind[n, end])
            opened[:, t] = np.logaddexp(behind[:, t, None], score[:, 2::2] + opened[:, t + 1])
        return behind, opened

    def _traced(self, n: int, before: Array, inside: Array, extra: Array, misses: Array) -> Array:
        """Return the tags of a text on the way that led to the most, from its end to its beginning."""
        tags = np.zeros(self.lengths[n], dtype=np.int64)
        own = np.flatnonzero(self.stretches.text == n)
        t = len(tags)
        while t > 0:
            score = self.scores[n, t - 1]
            ending = own[self.stretches.end[own] == t]
            over = before[self.stretches.first[ending]] + extra[ending]
            kind = int(inside[t].argmax()) if inside.shape[1] else -1
            longest = over.max(initial=-np.inf)
            in_span = inside[t, kind] if kind >= 0 else -np.inf
            if longest > max(in_span, before[t - 1] + score[0]):
                m = ending[int(over.argmax())]
                kind, first = int(self.stretches.kind[m]), int(self.stretches.first[m])
                tags[first:t] = 2 + 2 * kind
                tags[first], t = 1 + 2 * kind, first
            elif in_span > before[t - 1] + score[0]:
                while before[t - 1] + (self.scores[n, t - 1, 1 + 2 * kind] - misses[kind]) < inside[t, kind]:
                    tags[t - 1], t = 2 + 2 * kind, t - 1
                tags[t - 1], t = 1 + 2 * kind, t - 1
            else:
                t -= 1
        return tags


def best_paths(scores: Sequence[Array], stretches: Stretches, weights: Array, misses: Array) -> list[Array]:
    """Return the tags of each text that weigh most, as `Lattice.best` does."""
    paths: dict[int, Array] = {}
    for texts, lattice, places in _batches(scores, stretches):
        paths.update(zip(texts, lattice.best(weights[places], misses), strict=True))
    return [paths[at] for at in range(len(scores))]


def in_batches(scores: Sequence[Array], stretches: Stretches) -> list[tuple[Lattice, Array]]:
    """Return a lattice for texts of about one length each, with the places of its stretches among all."""
    return [(lattice, places) for _, lattice, places in _batches(scores, stretches)]


def _batches(scores: Sequence[Array], stretches: Stretches) -> Iterator[tuple[list[int], Lattice, Array]]:
    order = sorted(range(len(scores)), key=lambda at: len(scores[at]))
    for start in range(0, len(order), AT_ONCE):
        texts = order[start : start + AT_ONCE]
        own, places = stretches.some(texts)
        yield texts, Lattice([scores[at] for at in texts], own), places


def _grouped(at: Array, size: int) -> list[list[int]]:
    """Return which stretches stand at each place, the shortest ways first."""
    found: list[list[int]] = [[] for _ in range(size)]
    for m, place in enumerate(at.tolist()):
        found[place].append(m)
    return found

"""Texts that are the same, and texts that are nearly the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.data.minhash import BAND_ROWS, BANDS, SHINGLE, SIZE, jaccard, normalise, signatures

Array = np.ndarray[Any, Any]

NEAR = 0.85
"""Jaccard similarity of character 5-grams from which two texts count as nearly the same."""
ESTIMATE_SLACK = 0.1
"""Pairs whose estimate is this far below are not looked at: 2.4 standard deviations of an estimate from 72 hashes."""
MIN_SHINGLES = 20
"""Shorter texts must be equal: in a handful of words one other letter can be another meaning."""
EXACT_PAIRS = 100_000
"""So many pairs of texts are compared exactly in any case."""
BETWEEN = " \x00 "
"""Stands between the texts of a pair: no white space, which would go with the spaces around it."""
ROUNDS = 3
"""How many texts of a bucket the others in it are compared with."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which texts belong together.

    Args:
        same: [N] the first text that equals it, apart from case and spaces.
        near: [N] the first text of its cluster of equal and nearly equal texts.
    """

    same: Array
    near: Array


def find_clusters(texts: Sequence[Sequence[str]], *, near: bool = True) -> Clusters:
    """Group texts that are equal apart from case and spaces, or whose shingles have a Jaccard of `NEAR` or more.

    Clusters are chains: the first and last member may be less alike. Candidates come from MinHash, and each is then
    compared exactly (on enormous numbers of candidates, see `_Verifier`, by its signature).

    Args:
        texts: one sequence of N texts, or two for pairs, in which both must agree.
        near: whether to look for nearly equal texts at all.

    Cost: 30 µs and about 600 bytes a text of 100 characters on one core.
    """
    keys = texts[0] if len(texts) == 1 else [BETWEEN.join(parts) for parts in zip(*texts, strict=True)]
    digests = np.fromiter(map(_digest, keys), dtype=np.uint64, count=len(keys))
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    same = first[inverse]
    if not near or len(first) < 2:
        return Clusters(same, same)
    order = np.sort(first)  # one text of every kind, in the order of the rows
    cleaned = [normalise(keys[place]) for place in order]
    long = [place for place, text in enumerate(cleaned) if len(text) >= MIN_SHINGLES + SHINGLE - 1]
    if len(long) < 2:
        return Clusters(same, same)
    roots = _link([cleaned[place] for place in long])
    leader = np.arange(len(keys))
    chosen = order[np.asarray(long)]
    leader[chosen] = chosen[roots]
    return Clusters(same, leader[same])


def _digest(text: str) -> int:
    key = " ".join(text.split()).casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


def _link(texts: Sequence[str]) -> Array:
    """Return for each normalised text the first of its cluster."""
    marks = signatures(texts)
    union = Union(len(texts))
    verifier = _Verifier(texts, marks)
    for band in range(BANDS):
        part = np.ascontiguousarray(marks[:, band * BAND_ROWS : (band + 1) * BAND_ROWS])
        keys = _fold_columns(part)
        members = np.argsort(keys, kind="stable")
        for _ in range(ROUNDS):
            leaders, members = _stars(keys, members)
            if not len(members):
                break
            left_over = np.ones(len(members), dtype=bool)
            roots = union.roots()
            apart = np.flatnonzero(roots[leaders] != roots[members])
            left_over[roots[leaders] == roots[members]] = False
            for place in apart[verifier.may_be_near(leaders[apart], members[apart])]:
                one, two = int(leaders[place]), int(members[place])
                if union.find(one) == union.find(two) or verifier.is_near(one, two):
                    union.join(one, two)
                    left_over[place] = False
            members = members[left_over]
    return union.roots()


def _fold_columns(part: Array) -> Array:
    """Return one uint64 per row of hashes, equal where all of them are."""
    key = np.zeros(len(part), dtype=np.uint64)
    for column in part.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


def _stars(keys: Array, members: Array) -> tuple[Array, Array]:
    """Return (the first of its bucket, a member) for every member but the first; `members` are sorted by key."""
    sorted_keys = keys[members]
    is_first = np.ones(len(members), dtype=bool)
    is_first[1:] = sorted_keys[1:] != sorted_keys[:-1]
    first = members[np.maximum.accumulate(np.where(is_first, np.arange(len(members)), 0))]
    return first[~is_first], members[~is_first]


class _Verifier:
    """Compares candidate pairs: by signature to sort out the hopeless, then by their shingles.

    Files made from a template can have millions of pairs near the threshold, and to compare the shingles of a pair
    takes 50 µs. Once `EXACT_PAIRS` and one for every twenty texts have been compared, the estimate alone decides.
    """

    def __init__(self, texts: Sequence[str], marks: Array) -> None:
        self._texts, self._marks = texts, marks
        self._left = EXACT_PAIRS + len(texts) // 20

    def may_be_near(self, ones: Array, twos: Array) -> Array:
        """Return which pairs have an estimate worth a look."""
        wanted = NEAR - ESTIMATE_SLACK if self._left > 0 else NEAR
        result = np.zeros(len(ones), dtype=bool)
        for start in range(0, len(ones), 50_000):  # bounds the memory for the signatures side by side
            part = slice(start, start + 50_000)
            equal = np.count_nonzero(self._marks[ones[part]] == self._marks[twos[part]], axis=1)
            result[part] = equal >= wanted * SIZE
        return result

    def is_near(self, one: int, two: int) -> bool:
        """Return whether the texts are nearly the same."""
        self._left -= 1
        if self._left < 0:
            return bool(np.count_nonzero(self._marks[one] == self._marks[two]) >= NEAR * SIZE)
        return jaccard(self._texts[one], self._texts[two]) >= NEAR


class Union:
    """Disjoint sets of the numbers 0..n-1; the smallest member stands for its set."""

    def __init__(self, size: int) -> None:
        self._parent = np.arange(size)

    def find(self, item: int) -> int:
        """Return the smallest member of the set of `item`."""
        parent = self._parent
        root = item
        while (above := int(parent[root])) != root:
            root = above
        while item != root:
            parent[item], item = root, int(parent[item])
        return root

    def join(self, one: int, two: int) -> None:
        """Unite the sets of two members."""
        one, two = self.find(one), self.find(two)
        self._parent[max(one, two)] = min(one, two)

    def roots(self) -> Array:
        """Return the smallest member of every member's set."""
        while True:
            above = self._parent[self._parent]
            if np.array_equal(above, self._parent):
                return self._parent.copy()
            self._parent = above


def join_groups(*groups: Sequence[Any] | Array) -> Array:
    """Return [N] numbers that are equal for rows which any of `groups` puts together.

    Example:
        >>> join_groups(["a", "a", "b", "c"], [0, 1, 2, 1]).tolist()
        [0, 0, 2, 0]
    """
    union = Union(len(groups[0]))
    for group in groups:
        first: dict[Any, int] = {}
        for place, value in enumerate(group.tolist() if isinstance(group, np.ndarray) else group):
            leader = first.setdefault(value, place)
            if leader != place:
                union.join(leader, place)
    return union.roots()

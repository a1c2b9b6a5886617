"""Texts that are the same, and texts that are nearly the same."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.data.minhash import BANDS, SHINGLE, SIZE, Signatures, jaccard, normalise, signed
from tunesmith.data.texts import pick_texts

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
AT_ONCE = 20_000
"""Texts that are strings at the same time."""
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

    Cost: 30 µs a text of 100 characters on one core, about 150 bytes of memory, and 288 bytes in a temporary file.
    """
    keys = _Keys(texts)
    digests = np.fromiter(map(_digest, keys), dtype=np.uint64, count=len(keys))
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    same = first[inverse]
    if not near or len(first) < 2:
        return Clusters(same, same)
    order = np.sort(first)  # one text of every kind, in the order of the rows
    long = array("q")  # the places of those that are long enough
    with signed(_long_texts(keys, order, long), len(order)) as marks:
        if len(marks) < 2:
            return Clusters(same, same)
        chosen = np.asarray(long)
        roots = _link(marks, lambda number: normalise(keys[int(chosen[number])]))
    leader = np.arange(len(keys))
    leader[chosen] = chosen[roots]
    return Clusters(same, leader[same])


class _Keys:
    """What is compared: texts, or the texts of pairs, made when they are asked for."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts[0])

    def __iter__(self) -> Iterator[str]:
        return map(BETWEEN.join, zip(*self._texts, strict=True))

    def __getitem__(self, place: int) -> str:
        return BETWEEN.join(texts[place] for texts in self._texts)

    def pick(self, places: Array) -> Iterator[str]:
        """Yield the keys at `places`."""
        for start in range(0, len(places), AT_ONCE):
            part = places[start : start + AT_ONCE]
            yield from map(BETWEEN.join, zip(*(pick_texts(texts, part) for texts in self._texts), strict=True))


def _long_texts(keys: _Keys, places: Array, long: array[int]) -> Iterator[str]:
    """Yield the normalised texts at `places` that are long enough to be nearly the same; note the places of these."""
    for place, key in zip(places.tolist(), keys.pick(places), strict=True):
        text = normalise(key)
        if len(text) >= MIN_SHINGLES + SHINGLE - 1:
            long.append(place)
            yield text


def _digest(text: str) -> int:
    key = " ".join(text.split()).casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


def _link(marks: Signatures, text_of: Callable[[int], str]) -> Array:
    """Return for each signed text the first of its cluster; `text_of` gives the normalised texts again."""
    union = Union(len(marks))
    verifier = _Verifier(marks, text_of)
    for band in range(BANDS):
        keys = _fold_columns(marks.band(band))
        members = np.argsort(keys, kind="stable")
        for _ in range(ROUNDS):
            leaders, members = _stars(keys, members)
            if not len(members):
                break
            left_over = np.ones(len(members), dtype=bool)
            roots = union.roots()
            apart = np.flatnonzero(roots[leaders] != roots[members])
            left_over[roots[leaders] == roots[members]] = False
            equal = verifier.agreements(leaders[apart], members[apart])
            hopeful = equal >= verifier.wanted * SIZE
            for place, count in zip(apart[hopeful].tolist(), equal[hopeful].tolist(), strict=True):
                one, two = int(leaders[place]), int(members[place])
                if union.find(one) == union.find(two) or verifier.is_near(one, two, count):
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

    def __init__(self, marks: Signatures, text_of: Callable[[int], str]) -> None:
        self.agreements, self._text_of = marks.agreements, text_of
        self._left = EXACT_PAIRS + len(marks) // 20

    @property
    def wanted(self) -> float:
        """The estimate from which a pair is worth a look."""
        return NEAR - ESTIMATE_SLACK if self._left > 0 else NEAR

    def is_near(self, one: int, two: int, equal: int) -> bool:
        """Return whether the texts are nearly the same; `equal` entries of their signatures are."""
        self._left -= 1
        if self._left < 0:
            return equal >= NEAR * SIZE
        return jaccard(self._text_of(one), self._text_of(two)) >= NEAR


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
        values: dict[Any, int] = {}
        codes = group if isinstance(group, np.ndarray) else [values.setdefault(value, len(values)) for value in group]
        _, first, inverse = np.unique(np.asarray(codes), return_index=True, return_inverse=True)
        leaders = first[inverse.reshape(-1)]
        for place in np.flatnonzero(leaders != np.arange(len(leaders))).tolist():
            union.join(int(leaders[place]), place)
    return union.roots()

"""Splits without leaks: stratified, by groups, by time, in folds; the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.core.example import DialogueExample, Example, WritingExample, targets_of
from tunesmith.data.labels import classes_of

Array = np.ndarray[Any, Any]

BINS = 10
"""Numbers are stratified by tenths of their ranks."""


def split_examples(
    examples: Sequence[Example], groups: Sequence[int] | Array, share: float, *, seed: int,
    times: Sequence[float] | None = None,
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Return the places of the rows to keep and of those to hold out.

    Every class is held out in the same share (numbers: every tenth of the ranks; several labels or spans: by the
    rarest one), rows of one group stay together, and every class keeps a row; one row is kept where there are no
    classes. With `times` the latest rows are held out instead, and a group that spans the border is kept.

    Args:
        examples: rows with targets.
        groups: a number per row; rows with equal numbers stay together.
        share: of the rows to be held out, 0..1.
        seed: of the shuffle.
        times: a time per row.

    Raises:
        ValueError: there is only one group, so nothing can be held out.

    Example:
        >>> rows = [Example(id=str(n), source="", target="ab"[n % 2]) for n in range(10)]
        >>> kept, held = split_examples(rows, range(10), 0.2, seed=0)
        >>> [rows[place].target for place in held]
        ['a', 'b']
    """
    kept, held = split_places(examples, groups, share, seed=seed, times=times)
    return kept.tolist(), held.tolist()


def split_places(
    examples: Sequence[Example], groups: Sequence[int] | Array, share: float, *, seed: int,
    times: Sequence[float] | Array | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Return what `split_examples` does, as arrays: eight bytes a row, however many there are."""
    strata = strata_of(examples)
    units = _Units(groups, strata)
    if times is not None:
        held = _latest(units, np.asarray(times, dtype=np.float64), share)
    else:
        held = _stratified(units, share, np.random.default_rng(seed))
    held = _return_lost(units, held, examples)
    if held and len(held) == len(units):  # no class keeps a row of numbers
        held.remove(max(held, key=lambda unit: (units.sizes[unit], -unit)))
    if not held and len(units) < 2:
        raise ValueError("all rows are in one group")
    taken = np.zeros(len(examples), dtype=bool)
    for unit in held:
        taken[units.rows(unit)] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def fold_examples(
    examples: Sequence[Example], groups: Sequence[int] | Array, folds: int, repeats: int, seed: int
) -> list[tuple[list[int], list[int]]]:
    """Return (train places, test places) of every fold of every repeat, stratified and by groups like `split_examples`.

    Every row is tested once a repeat; a class that is in one group only is missing from the train part of its fold.
    There are as many folds as groups at most.

    Raises:
        ValueError: there is only one group.
    """
    strata = strata_of(examples)
    units = _Units(groups, strata)
    folds = min(folds, len(units))
    if folds < 2:
        raise ValueError("all rows are in one group")
    result = []
    for repeat in range(repeats):
        fold_of = _deal(units, folds, np.random.default_rng((seed, repeat)))
        for fold in range(folds):
            test = np.flatnonzero(fold_of == fold)
            if len(test):
                result.append((np.flatnonzero(fold_of != fold).tolist(), test.tolist()))
    return result


def strata_of(examples: Sequence[Example]) -> Array:
    """Return the stratum of each row as a number.

    It is its class, its rarest class or kind of span, whether it has an answer, or the tenth that its number is in.
    """
    targets = targets_of(examples)
    if targets and isinstance(targets[0], int | float):
        ranks = np.argsort(np.argsort(np.asarray(targets, dtype=np.float64), kind="stable"), kind="stable")
        return ranks * min(BINS, max(1, len(targets) // 4)) // len(targets)
    classes = _classes(examples)
    counts = Counter(name for names in classes for name in names)
    names = [
        min(own, key=lambda name: (counts[name], name), default="answered" if target else "")
        for own, target in zip(classes, targets, strict=True)
    ]
    number = {name: at for at, name in enumerate(sorted(set(names)))}
    return np.fromiter((number[name] for name in names), dtype=np.int64, count=len(names))


def _classes(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """Return the classes of each row, equal ones shared; a text that is to be written is none, though it is a string
    as classes are.
    """
    if len(examples) and isinstance(examples[0], DialogueExample | WritingExample):
        return [()] * len(examples)
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    return [shared.setdefault(names, names) for names in map(classes_of, targets_of(examples))]


class _Units:
    """The groups of a set of rows: what is dealt out.

    Args:
        groups: a number per row.
        strata: a stratum per row, 0..S-1.
    """

    def __init__(self, groups: Sequence[int] | Array, strata: Array) -> None:
        _, inverse = np.unique(np.asarray(groups), return_inverse=True)
        inverse = inverse.reshape(-1)
        self._order = np.argsort(inverse, kind="stable")
        self.sizes = np.bincount(inverse) if len(inverse) else np.zeros(0, dtype=np.int64)
        self._ends = np.cumsum(self.sizes)
        self.strata = strata
        self.totals = np.bincount(strata, minlength=1)
        starts = self._ends - self.sizes
        self.firsts = self._order[starts]
        self.stratum = strata[self.firsts]
        own = strata[self._order]
        lowest, highest = (edge.reduceat(own, starts) if len(own) else own for edge in (np.minimum, np.maximum))
        self.mixed: list[int] = np.flatnonzero(lowest != highest).tolist()

    def __len__(self) -> int:
        return len(self.sizes)

    def rows(self, unit: int) -> Array:
        """Return the rows of a unit, in order."""
        end = self._ends[unit]
        return self._order[end - self.sizes[unit] : end]

    def earliest(self, times: Array) -> Array:
        """Return the earliest time of each unit."""
        found: Array = np.minimum.reduceat(times[self._order], self._ends - self.sizes)
        return found

    def counts(self, unit: int) -> Array:
        """Return how many rows of each stratum a unit has."""
        return np.bincount(self.strata[self.rows(unit)], minlength=len(self.totals))

    def pure(self) -> list[Array]:
        """Return the units of one stratum only, by stratum."""
        alone = np.ones(len(self), dtype=bool)
        alone[self.mixed] = False
        units = np.flatnonzero(alone)
        strata = self.stratum[units]
        sizes = np.bincount(strata, minlength=len(self.totals))
        return np.split(units[np.argsort(strata, kind="stable")], np.cumsum(sizes)[:-1])


def _quotas(totals: Array, share: float) -> Array:
    """Return how many rows of each stratum to hold out: in proportion, all together `share`, and never the last one.

    What is left over after rounding down goes to the largest remainders; a stratum of four or more gives at least one.
    """
    exact = totals * share
    quotas = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(quotas.sum())
    for stratum in np.argsort(-(exact - quotas), kind="stable")[: max(0, missing)]:
        quotas[stratum] += 1
    quotas = np.where(totals >= 4, np.maximum(quotas, 1), quotas)
    capped: Array = np.minimum(quotas, np.maximum(totals - 1, 0))
    return capped


def _stratified(units: _Units, share: float, rng: np.random.Generator) -> list[int]:
    quotas = _quotas(units.totals, share)
    held: list[int] = []
    got = np.zeros(len(quotas), dtype=np.int64)
    sizes = units.sizes
    for unit in sorted(rng.permutation(units.mixed).tolist(), key=lambda unit: -sizes[unit]):
        counts = units.counts(unit)
        if (got + counts - quotas <= counts // 2).all():  # at most half of a group too many, in any stratum
            held.append(unit)
            got += counts
    room = int(quotas.sum() - got.sum())
    for stratum, members in enumerate(units.pure()):
        lack = int(quotas[stratum] - got[stratum])
        for unit in map(int, rng.permutation(members)):
            if min(lack, room) <= 0:
                break
            if (size := int(sizes[unit])) <= 2 * min(lack, room):
                held.append(unit)
                lack -= size
                room -= size
    if not held and len(units) > 1 and quotas.sum():
        held.append(int(np.argmin(sizes)))
    return held


def _latest(units: _Units, times: Array, share: float) -> list[int]:
    """Return the units all of whose rows are among the latest `share` of them."""
    wanted = round(len(times) * share)
    held: list[int] = []
    size = 0
    for unit in map(int, np.argsort(-units.earliest(times), kind="stable")):
        if size + units.sizes[unit] > wanted:
            break
        held.append(unit)
        size += int(units.sizes[unit])
    return held


def _return_lost(units: _Units, held: list[int], examples: Sequence[Example]) -> list[int]:
    """Give back the smallest unit of every class of which nothing would be kept."""
    classes = _classes(examples)
    kept = Counter(name for names in classes for name in names)
    kept.subtract(name for unit in held for row in units.rows(unit) for name in classes[row])
    owners: dict[str, list[int]] = {name: [] for name, count in kept.items() if count == 0}
    for unit in held if owners else ():
        for row in units.rows(unit):
            for name in owners.keys() & set(classes[row]):
                owners[name].append(unit)
    back: set[int] = set()
    for name in sorted(owners):
        if not back & set(owners[name]):
            back.add(min(owners[name], key=lambda unit: (units.sizes[unit], unit)))
    return [unit for unit in held if unit not in back]


def _deal(units: _Units, folds: int, rng: np.random.Generator) -> Array:
    """Return the fold of every row: each unit goes to the fold that has least of its strata, large units first."""
    fold_of = np.zeros(len(units.strata), dtype=np.int64)
    got = np.zeros((folds, len(units.totals)), dtype=np.int64)
    sizes = units.sizes.tolist()
    for unit in sorted(rng.permutation(units.mixed).tolist(), key=lambda unit: -sizes[unit]):
        counts = units.counts(unit)
        spread = [float(((got[fold] + counts) ** 2).sum() - (got[fold] ** 2).sum()) for fold in range(folds)]
        fold = int(np.argmin(spread))
        fold_of[units.rows(unit)] = fold
        got[fold] += counts
    loads = got.sum(axis=1).tolist()
    for stratum, members in enumerate(units.pure()):
        filled = got[:, stratum].tolist()
        for unit in sorted(rng.permutation(members).tolist(), key=lambda unit: -sizes[unit]):
            fold = min(range(folds), key=lambda fold: (filled[fold], loads[fold], fold))
            fold_of[units.rows(unit)] = fold
            filled[fold] += sizes[unit]
            loads[fold] += sizes[unit]
    return fold_of

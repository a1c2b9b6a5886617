"""Splits without leaks: stratified, by groups, by time, in folds; the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.core.example import DialogueExample, Example, WritingExample
from tunesmith.data.labels import classes_of

Array = np.ndarray[Any, Any]

BINS = 10
"""Numbers are stratified by tenths of their ranks."""


def split_examples(
    examples: Sequence[Example], groups: Sequence[int], share: float, *, seed: int, times: Sequence[float] | None = None
) -> tuple[list[int], list[int]]:
    """Return the places of the rows to keep and of those to hold out.

    Every class is held out in the same share (numbers: every tenth of the ranks; several labels or spans: by the
    rarest one), rows of one group stay together, and every class keeps a row. With `times` the latest rows are held out
    instead, and a group that spans the border is kept.

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
    strata = strata_of(examples)
    units = _Units(groups, strata)
    if times is not None:
        held = _latest(units, np.asarray(times, dtype=np.float64), share)
    else:
        held = _stratified(units, share, np.random.default_rng(seed))
    held = _return_lost(units, held, examples)
    if not held and len(units.rows) < 2:
        raise ValueError("all rows are in one group")
    taken = np.zeros(len(examples), dtype=bool)
    for unit in held:
        taken[units.rows[unit]] = True
    return np.flatnonzero(~taken).tolist(), np.flatnonzero(taken).tolist()


def fold_examples(
    examples: Sequence[Example], groups: Sequence[int], folds: int, repeats: int, seed: int
) -> list[tuple[list[int], list[int]]]:
    """Return (train places, test places) of every fold of every repeat, stratified and by groups like `split_examples`.

    Every row is tested once a repeat; a class that is in one group only is missing from the train part of its fold.
    There are as many folds as groups at most.

    Raises:
        ValueError: there is only one group.
    """
    strata = strata_of(examples)
    units = _Units(groups, strata)
    folds = min(folds, len(units.rows))
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
    targets = [example.target for example in examples]
    if targets and isinstance(targets[0], int | float):
        ranks = np.argsort(np.argsort(np.asarray(targets, dtype=np.float64), kind="stable"), kind="stable")
        return ranks * min(BINS, max(1, len(targets) // 4)) // len(targets)
    classes = [_classes(example) for example in examples]
    counts = Counter(name for names in classes for name in names)
    names = [
        min(own, key=lambda name: (counts[name], name), default="answered" if target else "")
        for own, target in zip(classes, targets, strict=True)
    ]
    return np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)[1].reshape(-1)


def _classes(example: Example) -> tuple[str, ...]:
    """Return the classes of a row; a text that is to be written is none, though it is a string as classes are."""
    return () if isinstance(example, DialogueExample | WritingExample) else classes_of(example.target)


class _Units:
    """The groups of a set of rows: what is dealt out.

    Args:
        groups: a number per row.
        strata: a stratum per row, 0..S-1.
    """

    def __init__(self, groups: Sequence[int], strata: Array) -> None:
        _, inverse = np.unique(np.asarray(groups), return_inverse=True)
        inverse = inverse.reshape(-1)
        order = np.argsort(inverse, kind="stable")
        borders = np.flatnonzero(np.diff(inverse[order])) + 1
        self.rows: list[Array] = np.split(order, borders) if len(order) else []
        self.strata = strata
        self.totals = np.bincount(strata, minlength=1)
        firsts = np.asarray([rows[0] for rows in self.rows], dtype=np.int64)
        self.stratum = strata[firsts] if len(firsts) else strata
        self.mixed = [
            unit for unit, rows in enumerate(self.rows) if len(rows) > 1 and (strata[rows] != strata[rows[0]]).any()
        ]

    def counts(self, unit: int) -> Array:
        """Return how many rows of each stratum a unit has."""
        return np.bincount(self.strata[self.rows[unit]], minlength=len(self.totals))

    def pure(self) -> list[list[int]]:
        """Return the units of one stratum only, by stratum."""
        result: list[list[int]] = [[] for _ in self.totals]
        mixed = set(self.mixed)
        for unit, stratum in enumerate(self.stratum):
            if unit not in mixed:
                result[stratum].append(unit)
        return result


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
    sizes = [len(rows) for rows in units.rows]
    for unit in sorted(rng.permutation(units.mixed).tolist(), key=lambda unit: -sizes[unit]):
        counts = units.counts(unit)
        if (got + counts - quotas <= counts // 2).all():  # at most half of a group too many, in any stratum
            held.append(unit)
            got += counts
    room = int(quotas.sum() - got.sum())
    for stratum, members in enumerate(units.pure()):
        lack = int(quotas[stratum] - got[stratum])
        for unit in rng.permutation(members).tolist():
            if sizes[unit] <= 2 * min(lack, room):
                held.append(unit)
                lack -= sizes[unit]
                room -= sizes[unit]
    if not held and len(units.rows) > 1 and quotas.sum():
        held.append(min(range(len(sizes)), key=lambda unit: (sizes[unit], unit)))
    return held


def _latest(units: _Units, times: Array, share: float) -> list[int]:
    """Return the units all of whose rows are among the latest `share` of them."""
    wanted = round(len(times) * share)
    starts = np.asarray([times[rows].min() for rows in units.rows])
    held: list[int] = []
    size = 0
    for unit in np.argsort(-starts, kind="stable").tolist():
        if size + len(units.rows[unit]) > wanted:
            break
        held.append(unit)
        size += len(units.rows[unit])
    return held


def _return_lost(units: _Units, held: list[int], examples: Sequence[Example]) -> list[int]:
    """Give back the smallest unit of every class of which nothing would be kept."""
    totals = Counter(name for example in examples for name in _classes(example))
    kept, owners = Counter(totals), dict[str, list[int]]()
    for unit in held:
        for row in units.rows[unit].tolist():
            for name in _classes(examples[row]):
                kept[name] -= 1
                owners.setdefault(name, []).append(unit)
    back: set[int] = set()
    for name in sorted(name for name, count in kept.items() if count == 0):
        if not back & set(owners[name]):
            back.add(min(owners[name], key=lambda unit: (len(units.rows[unit]), unit)))
    return [unit for unit in held if unit not in back]


def _deal(units: _Units, folds: int, rng: np.random.Generator) -> Array:
    """Return the fold of every row: each unit goes to the fold that has least of its strata, large units first."""
    fold_of = np.zeros(len(units.strata), dtype=np.int64)
    got = np.zeros((folds, len(units.totals)), dtype=np.int64)
    sizes = [len(rows) for rows in units.rows]
    for unit in sorted(rng.permutation(units.mixed).tolist(), key=lambda unit: -sizes[unit]):
        counts = units.counts(unit)
        spread = [float(((got[fold] + counts) ** 2).sum() - (got[fold] ** 2).sum()) for fold in range(folds)]
        fold = int(np.argmin(spread))
        fold_of[units.rows[unit]] = fold
        got[fold] += counts
    loads = got.sum(axis=1).tolist()
    for stratum, members in enumerate(units.pure()):
        filled = got[:, stratum].tolist()
        for unit in sorted(rng.permutation(members).tolist(), key=lambda unit: -sizes[unit]):
            fold = min(range(folds), key=lambda fold: (filled[fold], loads[fold], fold))
            fold_of[units.rows[unit]] = fold
            filled[fold] += sizes[unit]
            loads[fold] += sizes[unit]
    return fold_of

"""How well the marked spans of texts were found: strict, by overlap and by bounds, and which errors were made.

Targets and outputs are object arrays [N]; an element holds the spans of one text, `core.example.Span` in targets and
`core.prediction.Mention` in outputs. Whatever the figure, a span is matched at most once, so a model that says the same
thing twice is wrong once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tunesmith.core.example import Span
from tunesmith.core.prediction import Mention
from tunesmith.core.task import Metric
from tunesmith.evaluation.figure import Array, Figure, as_objects, divide

__all__ = ["NONE", "SPANS", "error_kinds", "kind_confusion", "outcomes", "per_kind"]

NONE = "(none)"
"""The row and column of `kind_confusion` for what has no partner on the other side."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """The spans of all texts on one line: a text begins where the longest text before it could not reach.

    row [M], start [M], end [M], kind [M] (an index into the kinds of both sides).
    """

    row: Array
    start: Array
    end: Array
    kind: Array


@dataclass(frozen=True, slots=True)
class _Sides:
    """What was marked and what was given, and every pair (one of each) that shares a character."""

    marked: _Marks
    given: _Marks
    kinds: list[str]
    left: Array
    right: Array

    def same_bounds(self) -> Array:
        """Return of each pair whether it starts and ends at the same characters."""
        starts = self.marked.start[self.left] == self.given.start[self.right]
        same: Array = starts & (self.marked.end[self.left] == self.given.end[self.right])
        return same

    def same_kind(self) -> Array:
        """Return of each pair whether it has the same label."""
        same: Array = self.marked.kind[self.left] == self.given.kind[self.right]
        return same

    def strict(self) -> Array:
        """Return of each pair whether bounds and label are the same."""
        same: Array = self.same_bounds() & self.same_kind()
        return same

    def matched(self, wanted: Array) -> tuple[Array, Array]:
        """Return as many of the `wanted` pairs as can be had if a span takes part in one at most."""
        from scipy import sparse
        from scipy.sparse.csgraph import maximum_bipartite_matching

        left, right = self.left[wanted], self.right[wanted]
        shape = (len(self.marked.row), len(self.given.row))
        if not len(left):
            return left, right
        table = sparse.csr_matrix((np.ones(len(left)), (left, right)), shape=shape)
        partner = maximum_bipartite_matching(table, perm_type="column")
        taken = np.flatnonzero(partner >= 0)
        return taken, partner[taken]


def _sides(targets: Array, outputs: Array) -> _Sides:
    """Lay both sides on one line and find the pairs that share a character."""
    spans = [span for rows in (targets, outputs) for row in rows for span in row]
    kinds = sorted({span.label for span in spans})
    width = 1 + max((span.end for span in spans), default=0)
    marked, given = (_marks(rows, width, {kind: at for at, kind in enumerate(kinds)}) for rows in (targets, outputs))
    return _Sides(marked, given, kinds, *_touching(marked, given))


def _marks(rows: Iterable[Iterable[Any]], width: int, kinds: Mapping[str, int]) -> _Marks:
    """Return the spans of one side, the spans of row i moved by i · `width`."""
    found = [(at, span.start, span.end, kinds[span.label]) for at, row in enumerate(rows) for span in row]
    row, start, end, kind = np.array(found, dtype=np.int64).reshape(-1, 4).T
    return _Marks(row, start + row * width, end + row * width, kind)


def _touching(marked: _Marks, given: _Marks) -> tuple[Array, Array]:
    """Return all pairs that share a character; spans of one side may overlap or lie in each other."""
    order = np.argsort(marked.start, kind="stable")
    # Of the spans in order of their start, those that begin before a given span ends are a beginning of the list, and
    # the furthest end so far never falls: between the two bounds lies all that can touch.
    first = np.searchsorted(np.maximum.accumulate(marked.end[order]), given.start, side="right")
    last = np.searchsorted(marked.start[order], given.end, side="left")
    many = np.maximum(last - first, 0)
    right = np.repeat(np.arange(len(many)), many)
    left = order[np.arange(len(right)) - np.repeat(np.cumsum(many) - many - first, many)]
    real = (marked.end[left] > given.start[right]) & (given.end[right] > marked.start[left])
    return left[real], right[real]


def _ratios(hits: Array, given: Array, marked: Array) -> dict[str, Array]:
    """Return precision, recall and F1 of tallies of any shape: 0 where one side is empty, nan where both are."""
    nothing = given + marked == 0
    found = {
        "precision": divide(hits, given, 0.0),
        "recall": divide(hits, marked, 0.0),
        "f1": divide(2 * hits, given + marked, 0.0),
    }
    return {name: np.where(nothing, np.nan, ratio) for name, ratio in found.items()}


def _tallies(sides: _Sides, wanted: Array, rows: int) -> tuple[Array, Array, Array]:
    """Return matched, given and marked spans of each row, each [N]."""
    left, _ = sides.matched(wanted)
    each = (sides.marked.row[left], sides.given.row, sides.marked.row)
    hits, given, marked = (np.bincount(found, minlength=rows).astype(np.float64) for found in each)
    return hits, given, marked


def _strict(targets: Array, outputs: Array, counts: Array) -> dict[str, Array]:
    sides = _sides(targets, outputs)
    hits, given, marked = (tally @ counts for tally in _tallies(sides, sides.strict(), len(targets)))
    return _ratios(hits, given, marked)


def _span_f1(targets: Array, outputs: Array, counts: Array) -> Array:
    """F1 = 2·hits / (given + marked) over all spans; a hit has the same start, end and label."""
    return _strict(targets, outputs, counts)["f1"]


def _span_precision(targets: Array, outputs: Array, counts: Array) -> Array:
    return _strict(targets, outputs, counts)["precision"]


def _span_recall(targets: Array, outputs: Array, counts: Array) -> Array:
    return _strict(targets, outputs, counts)["recall"]


def _overlap_f1(targets: Array, outputs: Array, counts: Array) -> Array:
    """F1 where a hit has the same label and shares a character."""
    sides = _sides(targets, outputs)
    hits, given, marked = (tally @ counts for tally in _tallies(sides, sides.same_kind(), len(targets)))
    return _ratios(hits, given, marked)["f1"]


def _boundary_f1(targets: Array, outputs: Array, counts: Array) -> Array:
    """F1 where a hit has the same start and end, whatever its label."""
    sides = _sides(targets, outputs)
    hits, given, marked = (tally @ counts for tally in _tallies(sides, sides.same_bounds(), len(targets)))
    return _ratios(hits, given, marked)["f1"]


def _kind_tallies(sides: _Sides, counts: Array) -> tuple[Array, Array, Array]:
    """Return strictly matched, given and marked spans of each kind in every resample, each [K, R]."""
    from scipy import sparse

    def sums(marks: _Marks, some: Array | slice) -> Array:
        rows, kinds = marks.row[some], marks.kind[some]
        table = sparse.csr_array((np.ones(len(rows)), (kinds, rows)), shape=(len(sides.kinds), len(counts)))
        found: Array = table @ counts
        return found

    left, _ = sides.matched(sides.strict())
    return sums(sides.marked, left), sums(sides.given, slice(None)), sums(sides.marked, slice(None))


def _macro_span_f1(targets: Array, outputs: Array, counts: Array) -> Array:
    """The strict F1 of each kind, averaged over the kinds that occur in targets or outputs."""
    f1 = _ratios(*_kind_tallies(_sides(targets, outputs), counts))["f1"]
    known = ~np.isnan(f1)
    return divide(np.where(known, f1, 0.0).sum(axis=0), known.sum(axis=0), np.nan)


SPANS: Mapping[str, Metric] = MappingProxyType(
    {
        "span_f1": Figure(_span_f1),
        "span_precision": Figure(_span_precision),
        "span_recall": Figure(_span_recall),
        "macro_span_f1": Figure(_macro_span_f1),
        "overlap_f1": Figure(_overlap_f1),
        "boundary_f1": Figure(_boundary_f1),
    }
)
"""Figures of marked spans. The first three are those of seqeval's strict mode; where there is nothing to find and
nothing was given they are nan."""


def per_kind(targets: Array, outputs: Array, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return `{label, precision, recall, f1, support}` of every kind, strictly; 0 where undefined.

    Args:
        targets: [N] of the spans of each text.
        outputs: [N] of what was given for each text.
        labels: the kinds in the order wanted; any other that occurs follows by name.
    """
    sides = _sides(targets, outputs)
    hits, given, marked = (tally[:, 0] for tally in _kind_tallies(sides, np.ones((len(targets), 1))))
    ratios = {name: np.nan_to_num(ratio) for name, ratio in _ratios(hits, given, marked).items()}
    at = {kind: index for index, kind in enumerate(sides.kinds)}
    empty = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    return [
        {"label": label, **{name: float(ratio[at[label]]) for name, ratio in ratios.items()}}
        | {"support": int(marked[at[label]])}
        if label in at
        else {"label": label, **empty}
        for label in _ordered(labels, sides)
    ]


def error_kinds(targets: Array, outputs: Array) -> dict[str, int]:
    """Return how many spans are right and in which way the others are wrong.

    Marked and given spans are paired one to one, the best pairs first: `right` (same bounds and label), `boundary`
    (they overlap and have the same label), `kind` (same bounds, other label), `both` (they overlap, and both differ).
    What is left is `missed` (marked) or `invented` (given), also where its only partners are taken: one given span that
    covers two marked ones finds one. The first four and `missed` add up to the marked spans, the first four and
    `invented` to the given ones.
    """
    sides = _sides(targets, outputs)
    pairs = _paired(sides)
    found = {name: len(left) for name, (left, _) in pairs.items()}
    paired = sum(found.values())
    return {**found, "missed": len(sides.marked.row) - paired, "invented": len(sides.given.row) - paired}


def outcomes(marked: Sequence[Span], given: Sequence[Span | Mention]) -> tuple[list[str], list[str]]:
    """Return what became of each span of one text, on either side: a key of `error_kinds`, which counts them."""
    sides = _sides(as_objects([marked]), as_objects([given]))
    found = ["missed"] * len(marked), ["invented"] * len(given)
    for name, (left, right) in _paired(sides).items():
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            found[0][one] = found[1][other] = name
    return found


def kind_confusion(targets: Array, outputs: Array, labels: Sequence[str]) -> dict[str, Any]:
    """Return `{labels, counts}`: `counts[i][j]` spans of kind i were given as kind j, whatever their bounds.

    Spans are paired as in `error_kinds`. The last row and column, `NONE`, hold what was invented and what was missed.

    Args:
        targets: [N] of the spans of each text.
        outputs: [N] of what was given for each text.
        labels: the kinds in the order wanted; any other that occurs follows by name.
    """
    sides = _sides(targets, outputs)
    names = [*_ordered(labels, sides), NONE]
    place = np.array([names.index(kind) for kind in sides.kinds], dtype=np.int64)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    free_marked, free_given = place[sides.marked.kind], place[sides.given.kind]
    for left, right in _paired(sides).values():
        np.add.at(counts, (free_marked[left], free_given[right]), 1)
        free_marked[left], free_given[right] = -1, -1
    np.add.at(counts[:, -1], free_marked[free_marked >= 0], 1)
    np.add.at(counts[-1], free_given[free_given >= 0], 1)
    return {"labels": names, "counts": counts.tolist()}


def _paired(sides: _Sides) -> dict[str, tuple[Array, Array]]:
    """Return the pairs of each kind of error, the best first; no span is in two pairs."""
    wanted = {
        "right": sides.strict(),
        "boundary": sides.same_kind(),
        "kind": sides.same_bounds(),
        "both": np.ones(len(sides.left), dtype=bool),
    }
    free_marked, free_given = np.ones(len(sides.marked.row), dtype=bool), np.ones(len(sides.given.row), dtype=bool)
    pairs = {}
    for name, fits in wanted.items():
        left, right = pairs[name] = sides.matched(fits & free_marked[sides.left] & free_given[sides.right])
        free_marked[left], free_given[right] = False, False
    return pairs


def _ordered(labels: Sequence[str], sides: _Sides) -> list[str]:
    """Return `labels`, then the kinds that they lack."""
    return [*labels, *(kind for kind in sides.kinds if kind not in labels)]

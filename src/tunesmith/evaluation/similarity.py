"""How well the vectors of texts tell which texts belong together.

Outputs are vectors of length 1: [N, 2, H] for pairs, [N, 3, H] where each row also has a text that does not belong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tunesmith.core.task import Metric
from tunesmith.evaluation.figure import Array, Figure, Over, correlation, ranks, row_mean

__all__ = ["RANKED", "SCORED", "cosines", "ranks_of_right"]

SAME = 1e-5
"""Distance up to which two vectors are taken to be of the same text: padding moves a float32 vector by about 1e-6."""
TIE = 1e-6
"""Difference of two cosines that float32 cannot vouch for."""
CELLS = 4_000_000
"""Cosines in memory at once: 16 MB in float32."""
_KEPT = 8
_known: dict[bytes, Array] = {}


def cosines(vectors: Array) -> Array:
    """Return the cosine of the two texts of each row, [N], from vectors of length 1."""
    both = np.asarray(vectors[:, :2], dtype=np.float64)
    found: Array = np.einsum("nh,nh->n", both[:, 0], both[:, 1])
    return found


def _spearman(targets: Array, outputs: Array, counts: Array) -> Array:
    """Pearson's correlation of the ranks, taken anew in every resample."""
    return correlation(ranks(_numbers(targets), counts), ranks(cosines(outputs), counts), counts)


def _pearson(targets: Array, outputs: Array, counts: Array) -> Array:
    return correlation(_numbers(targets), cosines(outputs), counts)


def _numbers(targets: Array) -> Array:
    return np.asarray(targets, dtype=np.float64)


SCORED: Mapping[str, Metric] = MappingProxyType({"spearman": Figure(_spearman), "pearson": Figure(_pearson)})
"""Figures of pairs whose likeness was scored: targets are numbers [N], the model's answer is the cosine."""


def ranks_of_right(vectors: Array) -> Array:
    """Return for every row the place of its second text among all second and third texts, by cosine to the first; [N].

    1 is the best. Candidates of equal cosine share their mean place. Texts are not seen here: candidates whose vectors
    are the same are one text and take one place. All nan where fewer than two candidates are left, since nothing can be
    ranked there (a model that gives every text one vector must not come out first).

    Args:
        vectors: [N, S, H] of length 1 (or 0, for a text of which nothing is known: never the same as another).

    Cost: N · C · H multiplications for C candidates, in blocks of 16 MB. The last results are kept by the content of
    `vectors`, so the resamples of several figures rank once.
    """
    key = hashlib.blake2b(f"{vectors.shape} {vectors.dtype}".encode(), digest_size=16)
    key.update(np.ascontiguousarray(vectors).reshape(-1).data)
    name = key.digest()
    if name not in _known:
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)))
        _known[name] = _ranks_of_right(vectors)
    return _known[name]


def _ranks_of_right(vectors: Array) -> Array:
    rows = len(vectors)
    queries, sides = vectors[:, 0], np.concatenate(list(np.moveaxis(vectors[:, 1:], 1, 0)))
    first, names = distinct(sides)
    if len(first) < 2:
        return np.full(rows, np.nan)
    candidates, right, found = sides[first].T, names[:rows], np.empty(rows)
    size = max(1, CELLS // len(first))
    for start in range(0, rows, size):
        block = slice(start, start + size)
        likeness = queries[block] @ candidates
        own = likeness[np.arange(len(likeness)), right[block]][:, None]
        above, level = (likeness > own + TIE).sum(axis=1), (np.abs(likeness - own) <= TIE).sum(axis=1)
        found[block] = above + (level + 1) / 2
    return found


def distinct(vectors: Array) -> tuple[Array, Array]:
    """Return the first of all vectors that are the same, [C], and for each vector to which of those it belongs, [M].

    Vectors nearer than `SAME` are the same; rounding would part some of them at its edges. Two vectors are never nearer
    than their places along any axis, so along one drawn at random only neighbours have to be compared.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    axis = np.random.default_rng(0).normal(size=vectors.shape[1])
    place = vectors @ (axis / np.linalg.norm(axis))
    known = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0)
    order = known[np.argsort(place[known], kind="stable")]
    sorted_place = place[order]
    pairs = [np.empty((0, 2), dtype=np.int64)]
    near, step = np.arange(len(order) - 1), 1
    while len(near):
        near = near[sorted_place[near + step] - sorted_place[near] <= SAME]
        left, right = order[near], order[near + step]
        same = np.linalg.norm(vectors[left] - vectors[right], axis=1) <= SAME
        pairs.append(np.stack([left[same], right[same]], axis=1))
        # What is the same as its next neighbour needs no other: the chain holds them together.
        near = near[~same]
        step += 1
        near = near[near + step < len(order)]
    left, right = np.concatenate(pairs).T
    table = sparse.coo_array((np.ones(len(left)), (left, right)), shape=(len(vectors), len(vectors)))
    _, names = connected_components(table, directed=False)
    _, first, names = np.unique(names, return_index=True, return_inverse=True)
    return first, names


def _mrr(targets: Array, outputs: Array, counts: Array) -> Array:
    """Mean over queries of 1 / place of the right answer."""
    return row_mean(1 / ranks_of_right(outputs), counts)


def _recall(most: int) -> Over:
    def share(targets: Array, outputs: Array, counts: Array) -> Array:
        """Share of queries whose right answer is among the first."""
        places = ranks_of_right(outputs)
        return row_mean(np.where(np.isnan(places), np.nan, places <= most), counts)

    return share


RANKED: Mapping[str, Metric] = MappingProxyType(
    {
        "mrr": Figure(_mrr),
        "recall_at_1": Figure(_recall(1)),
        "recall_at_5": Figure(_recall(5)),
        "recall_at_10": Figure(_recall(10)),
    }
)
"""Figures of search: each row's second text is the right answer to its first, among the second and third texts of all
rows. Targets are not looked at; resamples draw queries, the candidates stay."""

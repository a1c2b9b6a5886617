"""chrF: how many stretches of one to six characters a written text shares with its reference, in any script.

For each length of a stretch, precision is the share of the written ones that the reference has, recall the share of the
reference's that were written, each counted over all texts; means over the lengths make the F-score in which recall
weighs twice as much. White space does not count. The figure is that of sacrebleu (`corpus_chrf`) divided by 100.

Source: Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tunesmith.evaluation.figure import Array, divide
from tunesmith.evaluation.runs import shared_runs

__all__ = ["chrf", "chrf_of", "chrf_statistics"]

_LONGEST = 6
_WEIGHT = 4  # of recall against precision: the square of 2


@lru_cache(maxsize=8)
def chrf_statistics(references: tuple[str, ...], written: tuple[str, ...]) -> Array:
    """Return of each row, for stretches of 1 to 6 characters, how many were written, asked for and shared, [N, 6, 3].

    Stretches longer than the whole reference are not counted as written, as in sacrebleu. The statistics of the last
    few texts are kept: every figure, interval and comparison asks for them again.
    """
    return _counted(references, written)


def chrf_of(reference: str, written: str) -> float:
    """Return the chrF of one text, 0..1.

    Example:
        >>> round(chrf_of("abc", "abd"), 3)  # (2/3 + 1/2 + 0/1) / 3
        0.389
    """
    return float(chrf(_counted([reference], [written]))[0])


def _counted(references: Sequence[str], written: Sequence[str]) -> Array:
    asked, said = (["".join(text.split()) for text in texts] for texts in (references, written))
    found = shared_runs(asked, said, _LONGEST)
    found[..., 0] *= found[..., 1] > 0
    return found


def chrf(statistics: Array) -> Array:
    """Return the F-score, 0..1, of summed statistics [..., 6, 3]; 0 where the two sides share nothing."""
    said, asked, shared = np.moveaxis(statistics, -1, 0)
    lengths = ((said > 0) & (asked > 0)).sum(axis=-1)
    precision, recall = (divide(divide(shared, side, 0.0).sum(axis=-1), lengths, 0.0) for side in (said, asked))
    return divide((1 + _WEIGHT) * precision * recall, _WEIGHT * precision + recall, 0.0)

"""How good written texts are: perplexity of the references, likeness to them, and how much was written.

Targets are an object array [N] of the references, outputs one of `core.prediction.Written`. Where a text was not asked
for (`text` is None), every figure that needs texts is nan; so is the perplexity of what gives no probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from tunesmith.core.task import Metric
from tunesmith.evaluation.answers import answer_tokens
from tunesmith.evaluation.bleu import bleu, bleu_statistics
from tunesmith.evaluation.chrf import chrf, chrf_statistics
from tunesmith.evaluation.figure import Array, Figure, divide, row_mean
from tunesmith.evaluation.rouge import rouge_rows

__all__ = ["WRITING", "lengths", "row_chrf"]

Texts: TypeAlias = tuple[str, ...]

_MOST_NATS = 700.0
"""A mean loss beyond it has no perplexity that a float could hold."""
_BINS = 14
"""Of the histogram of lengths, about."""
_ROUND = (1, 2, 5)


def texts_of(outputs: Array) -> Texts | None:
    """Return what was written; None where some text was not asked for."""
    found = tuple(written.text for written in outputs)
    return None if any(text is None for text in found) else found


def row_chrf(targets: Array, outputs: Array) -> Array:
    """Return the chrF of every row, 0..1, [N]; nan where no texts were asked for."""
    texts = texts_of(outputs)
    return np.full(len(targets), np.nan) if texts is None else chrf(chrf_statistics(tuple(targets), texts))


def _perplexity(targets: Array, outputs: Array, counts: Array) -> Array:
    """exp(Σ loss / Σ tokens) over all rows: a long reference weighs more than a short one."""
    loss, tokens = (np.array([getattr(written, name) for written in outputs]) for name in ("loss", "tokens"))
    mean = divide(loss @ counts, tokens @ counts, np.nan)
    perplexity: Array = np.exp(np.minimum(mean, _MOST_NATS))
    return perplexity


def _of_texts(formula: Callable[[Texts, Texts, Array], Array]) -> Figure:
    """Return the figure of a formula of references, written texts and counts [N, R]."""

    def over(targets: Array, outputs: Array, counts: Array) -> Array:
        written = texts_of(outputs)
        if written is None:
            return np.full(counts.shape[1], np.nan)
        return formula(tuple(targets), written, counts)

    return Figure(over)


def _chrf(references: Texts, written: Texts, counts: Array) -> Array:
    return chrf(np.tensordot(counts, chrf_statistics(references, written), axes=(0, 0)))


def _bleu(references: Texts, written: Texts, counts: Array) -> Array:
    return bleu(np.tensordot(counts, bleu_statistics(references, written), axes=(0, 0)))


def _rouge(at: int) -> Callable[[Texts, Texts, Array], Array]:
    def mean(references: Texts, written: Texts, counts: Array) -> Array:
        """Mean over rows of the F1."""
        return row_mean(rouge_rows(references, written)[:, at], counts)

    return mean


def _exact_match(references: Texts, written: Texts, counts: Array) -> Array:
    """Share of rows whose text has the tokens of the reference, in their order, as `evaluation.answers` sees them."""
    same = [answer_tokens(one) == answer_tokens(other) for one, other in zip(references, written, strict=True)]
    return row_mean(np.array(same), counts)


def _length_ratio(references: Texts, written: Texts, counts: Array) -> Array:
    """Characters written over those of the references."""
    said, asked = (np.array([len(text) for text in side], dtype=np.float64) for side in (written, references))
    return divide(said @ counts, asked @ counts, np.nan)


def _empty_share(references: Texts, written: Texts, counts: Array) -> Array:
    """Share of rows for which nothing but white space was written."""
    return row_mean(np.array([not text.strip() for text in written]), counts)


WRITING: Mapping[str, Metric] = MappingProxyType(
    {
        "chrf": _of_texts(_chrf),
        "bleu": _of_texts(_bleu),
        "rouge_1": _of_texts(_rouge(0)),
        "rouge_2": _of_texts(_rouge(1)),
        "rouge_l": _of_texts(_rouge(2)),
        "exact_match": _of_texts(_exact_match),
        "perplexity": Figure(_perplexity),
        "length_ratio": _of_texts(_length_ratio),
        "empty_share": _of_texts(_empty_share),
    }
)
"""Figures of written texts. chrF, BLEU and ROUGE run from 0 to 1; the length ratio is right at 1."""


def lengths(targets: Array, outputs: Array) -> dict[str, Any]:
    """Return how long references and written texts are, in characters, as `core.report_schema.Lengths`.

    The last bin of the histogram has no upper end: it holds what is longer than 98 % of the texts of either side.
    Empty where no texts were asked for.
    """
    written = texts_of(outputs)
    if not written:
        return {}
    sides = {"reference": np.array([len(text) for text in targets]), "written": np.array([len(t) for t in written])}
    edges = _edges(max(float(np.quantile(side, 0.98)) for side in sides.values()))
    counted = {name: np.histogram(side, [*edges, np.inf])[0] for name, side in sides.items()}
    ends = [*edges[1:], None]
    return {
        **{name: _summary(side) for name, side in sides.items()},
        "empty": sum(not text.strip() for text in written),
        "bins": [
            {"low": low, "high": high, **{name: int(counts[at]) for name, counts in counted.items()}}
            for at, (low, high) in enumerate(zip(edges, ends, strict=True))
        ],
    }


def _summary(side: Array) -> dict[str, float]:
    low, middle, high = np.quantile(side, [0.05, 0.5, 0.95])
    return {"p5": float(low), "median": float(middle), "p95": float(high), "longest": int(side.max())}


def _edges(top: float) -> list[int]:
    """Return lower ends of bins of a round width, from 0 to `top`."""
    widths = (factor * 10**power for power in range(12) for factor in _ROUND)
    width = next(width for width in widths if width * _BINS >= top)
    return list(range(0, max(1, int(top)) + 1, width))

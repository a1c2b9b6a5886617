"""The figures of a report, by name: what each of them is, exactly.

Every entry of `CLASSIFY`, `MULTILABEL` and `REGRESS` is called with (targets, outputs) and returns a float:

| problem | targets | outputs |
|---|---|---|
| classify | class indices [N] | probabilities [N, C] |
| multilabel | 0/1 [N, C] | probabilities [N, C] |
| regress | numbers [N] | numbers [N] |

Those of the tasks whose answer lies in the input are in `spans`, `answers` and `similarity`, those of the tasks that
write in `writing`.

A figure that is not defined on the rows (a correlation with a constant, an area with one class) is nan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from tunesmith.core.task import Metric
from tunesmith.evaluation.answers import ANSWERS
from tunesmith.evaluation.figure import Array, Figure, area, correlation, divide, group_sums, ranks, row_mean
from tunesmith.evaluation.selective import SELECTIVE
from tunesmith.evaluation.similarity import RANKED, SCORED
from tunesmith.evaluation.spans import SPANS
from tunesmith.evaluation.writing import WRITING

__all__ = [
    "CLASSIFY", "DISPLAY", "HIGHER_IS_BETTER", "JUDGED_BY", "MULTILABEL", "REGRESS", "confusion", "decide",
    "multilabel", "per_class",
]  # fmt: skip


def decide(probs: Array, thresholds: Array | None = None) -> Array:
    """Return which labels are given, bool [N, C]: those whose probability reaches the label's threshold.

    Args:
        probs: [N, C].
        thresholds: [C]; 0.5 for every label where not given.
    """
    given: Array = np.asarray(probs) >= (0.5 if thresholds is None else np.asarray(thresholds))
    return given


# One label a row


def _tallies(targets: Array, probs: Array, counts: Array) -> tuple[Array, Array, Array]:
    """Return true positives, rows predicted and rows labelled, each [C, R]."""
    size, predicted = probs.shape[1], probs.argmax(axis=1)
    hits = group_sums(targets, size, counts, keep=predicted == targets)
    return hits, group_sums(predicted, size, counts), group_sums(targets, size, counts)


def _accuracy(targets: Array, probs: Array, counts: Array) -> Array:
    return row_mean(probs.argmax(axis=1) == targets, counts)


def _macro_f1(targets: Array, probs: Array, counts: Array) -> Array:
    """F1 = 2·tp / (predicted + labelled), averaged over the classes that occur in targets or predictions.

    A class of the task that neither occurs nor is predicted takes no part, as in scikit-learn's default.
    """
    hits, predicted, labelled = _tallies(targets, probs, counts)
    occurs = predicted + labelled
    return divide(divide(2 * hits, occurs, 0.0).sum(axis=0), (occurs > 0).sum(axis=0), np.nan)


def _weighted_f1(targets: Array, probs: Array, counts: Array) -> Array:
    """F1 of every class, averaged with the number of its rows as weight."""
    hits, predicted, labelled = _tallies(targets, probs, counts)
    f1 = divide(2 * hits, predicted + labelled, 0.0)
    return divide((f1 * labelled).sum(axis=0), labelled.sum(axis=0), np.nan)


def _mcc(targets: Array, probs: Array, counts: Array) -> Array:
    """Matthews' correlation for any number of classes (Gorodkin 2004); 0 where one side has a single class."""
    hits, predicted, labelled = _tallies(targets, probs, counts)
    rows = counts.sum(axis=0)
    shared = hits.sum(axis=0) * rows - (predicted * labelled).sum(axis=0)
    spread = (rows**2 - (predicted**2).sum(axis=0)) * (rows**2 - (labelled**2).sum(axis=0))
    return divide(shared, np.sqrt(spread), 0.0)


def _roc_auc(targets: Array, probs: Array, counts: Array) -> Array:
    """One class against the rest, averaged over the classes that have rows on both sides; two classes: the second."""
    columns = [1] if probs.shape[1] == 2 else range(probs.shape[1])
    return _mean_area([targets == column for column in columns], [probs[:, column] for column in columns], counts)


def _log_loss(targets: Array, probs: Array, counts: Array) -> Array:
    """Mean of −log of the probability of the right class, clipped at the precision of the numbers."""
    return row_mean(-np.log(_clipped(probs)[np.arange(len(targets)), targets]), counts)


# Several labels a row


def _label_tallies(targets: Array, given: Array, counts: Array) -> tuple[Array, Array]:
    """Return true positives and (given + labelled), each [C, R]."""
    truth = targets.astype(bool)
    hits, both = (truth & given).astype(np.float64), truth.astype(np.float64) + given
    return hits.T @ counts, both.T @ counts


def _label_areas(targets: Array, probs: Array, counts: Array) -> Array:
    """Area of every label, averaged over those that have rows on both sides."""
    return _mean_area(list(targets.astype(bool).T), list(probs.T), counts)


def _label_log_loss(targets: Array, probs: Array, counts: Array) -> Array:
    """Binary cross-entropy, the mean over rows and labels."""
    right = np.where(targets.astype(bool), probs, 1 - probs)
    return row_mean(-np.log(_clipped(right)).mean(axis=1), counts)


def multilabel(thresholds: Array | None = None) -> Mapping[str, Metric]:
    """Return the figures of a multilabel task whose decisions use `thresholds`.

    Log loss and ROC-AUC look at the probabilities themselves, the others at the decisions. `macro_f1` averages over all
    labels (0 for one that neither occurs nor is given, as in scikit-learn); `samples_f1` is 1 for a row that has no
    label and gets none; `subset_accuracy` asks for all labels of a row at once.

    Args:
        thresholds: [C], as `thresholds.choose` returns them; 0.5 for every label where not given.
    """

    def micro_f1(targets: Array, probs: Array, counts: Array) -> Array:
        hits, both = _label_tallies(targets, decide(probs, thresholds), counts)
        return divide(2 * hits.sum(axis=0), both.sum(axis=0), 0.0)

    def macro_f1(targets: Array, probs: Array, counts: Array) -> Array:
        hits, both = _label_tallies(targets, decide(probs, thresholds), counts)
        mean: Array = divide(2 * hits, both, 0.0).mean(axis=0)
        return mean

    def samples_f1(targets: Array, probs: Array, counts: Array) -> Array:
        truth, given = targets.astype(bool), decide(probs, thresholds)
        return row_mean(divide(2.0 * (truth & given).sum(axis=1), truth.sum(axis=1) + given.sum(axis=1), 1.0), counts)

    def subset_accuracy(targets: Array, probs: Array, counts: Array) -> Array:
        return row_mean((targets.astype(bool) == decide(probs, thresholds)).all(axis=1), counts)

    return MappingProxyType(
        {
            "micro_f1": Figure(micro_f1, per_class=True),
            "macro_f1": Figure(macro_f1, per_class=True),
            "samples_f1": Figure(samples_f1),
            "subset_accuracy": Figure(subset_accuracy),
            "roc_auc": Figure(_label_areas, per_class=True),
            "log_loss": Figure(_label_log_loss),
        }
    )


# Numbers


def _pearson(targets: Array, outputs: Array, counts: Array) -> Array:
    return correlation(_numbers(targets), _numbers(outputs), counts)


def _spearman(targets: Array, outputs: Array, counts: Array) -> Array:
    """Pearson's correlation of the ranks, taken anew in every resample."""
    return correlation(ranks(_numbers(targets), counts), ranks(_numbers(outputs), counts), counts)


def _mae(targets: Array, outputs: Array, counts: Array) -> Array:
    return row_mean(np.abs(_numbers(targets) - _numbers(outputs)), counts)


def _rmse(targets: Array, outputs: Array, counts: Array) -> Array:
    root: Array = np.sqrt(row_mean((_numbers(targets) - _numbers(outputs)) ** 2, counts))
    return root


CLASSIFY: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": Figure(_accuracy),
        "macro_f1": Figure(_macro_f1),
        "weighted_f1": Figure(_weighted_f1),
        "mcc": Figure(_mcc),
        "roc_auc": Figure(_roc_auc, per_class=True),
        "log_loss": Figure(_log_loss),
    }
)
"""Figures of one class a row; the class with the highest probability is the answer."""

MULTILABEL: Mapping[str, Metric] = multilabel()
"""Figures of several labels a row at thresholds of 0.5; `multilabel(thresholds)` for others."""

REGRESS: Mapping[str, Metric] = MappingProxyType(
    {"pearson": Figure(_pearson), "spearman": Figure(_spearman), "mae": Figure(_mae), "rmse": Figure(_rmse)}
)
"""Figures of a number a row."""

JUDGED_BY: Mapping[str, str] = MappingProxyType({"perplexity": "chrf"})
"""What is watched while training → what the verdict is about: to write texts after every epoch would take too long, and
what copies has no perplexity to compare."""

HIGHER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {
        name: name not in ("log_loss", "mae", "rmse", "perplexity", "empty_share", "selective_error")
        for table in (CLASSIFY, MULTILABEL, REGRESS, SPANS, ANSWERS, SCORED, RANKED, WRITING, SELECTIVE)
        for name in table
    }
)
"""Whether more is better, for every figure of every task; the length ratio, right at 1, is nothing to go by alone."""

DISPLAY: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": "accuracy", "macro_f1": "macro-F1", "weighted_f1": "weighted F1", "mcc": "MCC",
        "roc_auc": "ROC-AUC", "log_loss": "log loss", "micro_f1": "micro-F1", "samples_f1": "samples F1",
        "subset_accuracy": "subset accuracy", "pearson": "Pearson correlation", "spearman": "Spearman correlation",
        "mae": "MAE", "rmse": "RMSE", "span_f1": "span F1", "span_precision": "span precision",
        "span_recall": "span recall", "macro_span_f1": "macro span F1", "overlap_f1": "overlap F1",
        "boundary_f1": "boundary F1", "exact_match": "exact match", "answer_f1": "answer F1",
        "answered_accuracy": "accuracy of answering at all", "mrr": "MRR", "recall_at_1": "recall@1",
        "recall_at_5": "recall@5", "recall_at_10": "recall@10", "chrf": "chrF", "bleu": "BLEU", "rouge_1": "ROUGE-1",
        "rouge_2": "ROUGE-2", "rouge_l": "ROUGE-L", "perplexity": "perplexity", "length_ratio": "length ratio",
        "empty_share": "share of empty texts", "coverage": "share answered",
        "selective_error": "error of what is answered",
    }
)  # fmt: skip
"""How a sentence or a table writes the name of a figure."""


def per_class(
    targets: Array, probs: Array, labels: Sequence[str], thresholds: Array | None = None
) -> list[dict[str, Any]]:
    """Return `{label, precision, recall, f1, support}` for every class, in class order; 0 where undefined.

    Args:
        targets: class indices [N], or 0/1 [N, C] for several labels a row.
        probs: [N, C].
        labels: the C names.
        thresholds: [C], for several labels a row.
    """
    once = np.ones((len(targets), 1))
    if targets.ndim == 2:
        hits, both = (tally[:, 0] for tally in _label_tallies(targets, decide(probs, thresholds), once))
        support = targets.astype(bool).sum(axis=0).astype(np.float64)
        predicted = both - support
    else:
        hits, predicted, support = (tally[:, 0] for tally in _tallies(targets, probs, once))
    precision, recall = divide(hits, predicted, 0.0), divide(hits, support, 0.0)
    f1 = divide(2 * hits, predicted + support, 0.0)
    return [
        {"label": label, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for label, p, r, f, n in zip(labels, precision, recall, f1, support, strict=True)
    ]


def confusion(targets: Array, probs: Array, labels: Sequence[str]) -> dict[str, Any]:
    """Return `{labels, counts}`: `counts[i][j]` rows of class i were given class j."""
    size = len(labels)
    cells = np.bincount(targets * size + probs.argmax(axis=1), minlength=size * size)
    return {"labels": list(labels), "counts": cells.reshape(size, size).tolist()}


def _mean_area(truths: list[Array], scores: list[Array], counts: Array) -> Array:
    """Return the mean of the areas that are defined, in every resample; nan where none is."""
    areas = np.stack([area(truth, score, counts) for truth, score in zip(truths, scores, strict=True)])
    known = ~np.isnan(areas)
    return divide(np.where(known, areas, 0.0).sum(axis=0), known.sum(axis=0), np.nan)


def _clipped(probs: Array) -> Array:
    """Return probabilities that a logarithm can take."""
    tiny = np.finfo(probs.dtype).eps
    clipped: Array = np.clip(probs, tiny, 1 - tiny)
    return clipped


def _numbers(values: Array) -> Array:
    """Return [N] in double precision."""
    return np.asarray(values, dtype=np.float64).reshape(len(values))

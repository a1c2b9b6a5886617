"""Whether one model is better than another on the same rows or by chance, and the sentence that says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tunesmith.core.report import Score
from tunesmith.core.task import Metric
from tunesmith.evaluation.answers import ANSWERS
from tunesmith.evaluation.baseline import TITLES
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.interval import percentiles, resampled
from tunesmith.evaluation.metrics import DISPLAY, HIGHER_IS_BETTER
from tunesmith.evaluation.spans import SPANS

__all__ = ["compare", "mcnemar", "pair"]

FEWEST_ROWS = 10
"""Below this nothing is called better: on five rows that all point one way every resample does, too."""
CORRELATIONS = ("pearson", "spearman")
"""Undefined for a constant answer, which a comparison takes as 0: it says nothing of the targets."""
POINTS = frozenset(
    {
        "accuracy", "macro_f1", "micro_f1", "roc_auc", "samples_f1", "subset_accuracy", "weighted_f1", *SPANS, *ANSWERS,
        "recall_at_1", "recall_at_5", "recall_at_10", "chrf", "bleu", "rouge_1", "rouge_2", "rouge_l", "empty_share",
    }
)  # fmt: skip
"""Figures between 0 and 1 whose differences are said in hundredths."""


def compare(
    metric_name: str,
    metrics: Mapping[str, Metric],
    targets: Array,
    tuned_outputs: Array,
    baselines: Mapping[str, Array],
    *,
    resamples: int = 1000,
    seed: int = 0,
    titles: Mapping[str, str] = TITLES,
) -> dict[str, Any]:
    """Compare a tuned model with baselines on the same rows by a paired bootstrap, and say what came out.

    A difference is tuned − baseline in the unit of the figure; it is called better or worse when its 95 % interval
    leaves out 0 and there are at least 10 rows. The tuned model is better than every baseline only if it is better than
    each, so testing several needs no correction. A baseline for which the figure is undefined is left out.

    Args:
        metric_name: a key of `metrics` and of `metrics.HIGHER_IS_BETTER`.
        metrics: the figures of the task.
        targets: [N] or [N, C].
        tuned_outputs: probabilities [N, C] or numbers [N].
        baselines: the same of each baseline, by name.
        resamples: of the rows.
        seed: of the resamples.
        titles: how the verdict calls each baseline, and `tuned`; `baseline.titles` knows them.

    Returns:
        Plain data: `{metric, verdict, against: {name: {difference: {value, low, high, n}, p_bootstrap, p_mcnemar,
        outcome}}}`. `p_mcnemar` is None unless a row has one class; `outcome` is "tuned better", "baseline better" or
        "not distinguishable".
    """
    words = {"first": "tuned better", "second": "baseline better"}
    outputs = [tuned_outputs, *baselines.values()]
    values, against = _against(metric_name, metrics, targets, outputs, list(baselines), resamples, seed)
    for found in against.values():
        found["outcome"] = words.get(found["outcome"], found["outcome"])
    if baselines and not against and not math.isnan(values["tuned"]):
        verdict = f"Nothing to compare with: {DISPLAY.get(metric_name, metric_name)} is not defined for any baseline."
    else:
        verdict = _verdict(metric_name, values, against, len(targets), {**TITLES, **titles})
    return {"metric": metric_name, "verdict": verdict, "against": against}


def pair(
    metric_name: str,
    metrics: Mapping[str, Metric],
    targets: Array,
    first: Array,
    second: Array,
    *,
    resamples: int = 1000,
    seed: int = 0,
    titles: tuple[str, str] = ("the first", "the second"),
) -> dict[str, Any]:
    """Compare two models on the same rows, as `compare` does; neither is the baseline of the other.

    Returns:
        `{metric, verdict, difference, p_bootstrap, p_mcnemar, outcome}`: the difference is first − second, the outcome
        "first better", "second better" or "not distinguishable". Where the figure is undefined only metric and verdict.
    """
    names = ["second"]
    values, against = _against(metric_name, metrics, targets, [first, second], names, resamples, seed)
    if not against:
        return {"metric": metric_name, "verdict": _undefined(metric_name, len(targets))}
    found = against["second"]
    figures = _figures(metric_name, values["tuned"], values["second"])
    chance = _chance(metric_name, found["difference"])
    if found["outcome"] == "not distinguishable":
        verdict = f"{_start(titles[0])} and {titles[1]} are not distinguishable: {figures} ({chance})."
    else:
        winner = titles[0] if found["outcome"] == "first" else titles[1]
        verdict = f"{_start(winner)} is better: {figures}, {titles[0]} against {titles[1]} ({chance})."
        found["outcome"] += " better"
    return {"metric": metric_name, "verdict": verdict, **found}


def mcnemar(targets: Array, first: Array, second: Array) -> float:
    """Return the two-sided mid-p of McNemar's exact test on the answers of two models, class probabilities [N, C].

    Of the rows that exactly one of them gets right, how unlikely is so uneven a share if both were equally good? Mid-p
    counts the observed share by half; the plain exact test is too careful on few rows.

    Source: Fagerland, Lydersen, Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
    than exact conditional", 2013.
    """
    from scipy.special import bdtr

    right = [outputs.argmax(axis=1) == targets for outputs in (first, second)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    few, all_uneven = min(only_first, only_second), only_first + only_second
    if only_first == only_second:
        return 1.0
    below = float(bdtr(few - 1, all_uneven, 0.5)) if few else 0.0
    return min(1.0, below + float(bdtr(few, all_uneven, 0.5)))


def _against(
    metric_name: str,
    metrics: Mapping[str, Metric],
    targets: Array,
    outputs: Sequence[Array],
    names: Sequence[str],
    resamples: int,
    seed: int,
) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """Return the figure of each model (`tuned` for the first) and what sets the first apart from every other."""
    metric = metrics[metric_name]
    drawn = resampled({metric_name: metric}, targets, list(outputs), resamples=resamples, seed=seed)[metric_name]
    known = [_defined(metric_name, samples) for samples in drawn]
    figures = [float(_defined(metric_name, np.array([metric(targets, output)]))[0]) for output in outputs]
    values, against = {"tuned": figures[0]}, {}
    for position, name in enumerate(names, start=1):
        value, spread = figures[0] - figures[position], known[0] - known[position]
        low, high = percentiles(spread)
        if not math.isnan(value + low + high):
            values[name] = figures[position]
            single = targets.ndim == 1 and outputs[0].ndim == 2
            against[name] = {
                "difference": asdict(Score(value, low, high, len(targets))),
                "p_bootstrap": _p_value(spread[~np.isnan(spread)]),
                "p_mcnemar": mcnemar(targets, outputs[0], outputs[position]) if single else None,
                "outcome": _outcome(low, high, len(targets), HIGHER_IS_BETTER[metric_name]),
            }
    return values, against


def _defined(metric_name: str, figures: Array) -> Array:
    """Return the figures, with a correlation that is undefined taken as 0."""
    return np.where(np.isnan(figures), 0.0, figures) if metric_name in CORRELATIONS else figures


def _p_value(spread: Array) -> float:
    """Return twice the smaller share of resamples on either side of 0; never 0, which no sample can show."""
    tail = min(int((spread <= 0).sum()), int((spread >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(spread) + 1))


def _outcome(low: float, high: float, rows: int, higher: bool) -> str:
    """Return which of the two is better, if that can be said."""
    if rows < FEWEST_ROWS or low <= 0 <= high:
        return "not distinguishable"
    return "first" if (low > 0) == higher else "second"


def _verdict(
    metric_name: str, values: Mapping[str, float], against: Mapping[str, Any], rows: int, titles: Mapping[str, str]
) -> str:
    """Return the sentence: against the best baseline that won, else that is not distinguishable, else that is."""
    if not against:
        return _undefined(metric_name, rows) if math.isnan(values["tuned"]) else "No baseline was measured."
    sign = 1 if HIGHER_IS_BETTER[metric_name] else -1
    for outcome in ("baseline better", "not distinguishable", "tuned better"):
        names = [name for name, found in against.items() if found["outcome"] == outcome]
        if names:
            best = max(names, key=lambda name: sign * values[name])
            break
    title, chance = _the(titles.get(best, best)), _chance(metric_name, against[best]["difference"])
    if outcome == "baseline better":
        figures = _figures(metric_name, values[best], values["tuned"])
        difference = against[best]["difference"]
        turned = {"value": -difference["value"], "low": -difference["high"], "high": -difference["low"], "n": rows}
        chance = _chance(metric_name, turned)
        return f"{_start(title)} wins: {figures} for {_the(titles['tuned'])} ({chance}). Use it, or gather more rows."
    figures = _figures(metric_name, values["tuned"], values[best])
    if outcome == "not distinguishable":
        shorter = chance.replace(f", {_rows(rows)}", "")
        return f"Not distinguishable from {title} on {_rows(rows)}: {figures} ({shorter})."
    every = "every baseline" if len(against) > 1 else "the baseline"
    return f"Better than {every}: {figures} for {title} ({chance})."


def _undefined(metric_name: str, rows: int) -> str:
    return f"Nothing to compare: {DISPLAY.get(metric_name, metric_name)} is not defined on these {_rows(rows)}."


def _figures(metric_name: str, one: float, other: float) -> str:
    return f"{DISPLAY.get(metric_name, metric_name)} {_number(one)} against {_number(other)}"


def _chance(metric_name: str, difference: Mapping[str, float]) -> str:
    """Return the difference with its interval and rows, such as `+1.0 points, 95 % interval -2.0 to +4.0, 189 rows`."""
    low, high = difference["low"], difference["high"]
    lower = "" if HIGHER_IS_BETTER[metric_name] else "; lower is better"
    if metric_name in POINTS:
        size, interval = f"{100 * difference['value']:+.1f} points", f"{100 * low:+.1f} to {100 * high:+.1f}"
    else:
        size, interval = _number(difference["value"], "+"), f"{_number(low, '+')} to {_number(high, '+')}"
    return f"{size}, 95 % interval {interval}, {_rows(int(difference['n']))}{lower}"


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign},.1f}" if abs(value) >= 100 else f"{value:{sign}.3f}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _the(title: str) -> str:
    """Return the title as it stands in a sentence: ours are descriptions in small letters, names stay as they are."""
    return f"the {title}" if " " in title and title[0].islower() and not title.startswith("the ") else title


def _start(title: str) -> str:
    """Return the title as a sentence begins with it; a name of one word keeps its case."""
    return title[0].upper() + title[1:] if " " in title else title

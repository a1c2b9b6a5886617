"""Figures and names in the words a reader knows: percent, points, minutes, metric titles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tunesmith.core.report_schema import ReportData, ScoreData, Scores
from tunesmith.core.report_shown import Label
from tunesmith.evaluation.compare import POINTS
from tunesmith.evaluation.metrics import DISPLAY, HIGHER_IS_BETTER


class MetricName(NamedTuple):
    """How a metric is written: its title, whether it is a share of 1, and which way is better."""

    title: str
    is_share: bool
    lower_is_better: bool


SHARES = POINTS | {"precision", "recall", "ece", "coverage", "selective_error"}
"""Figures between 0 and 1 that are read in percent."""

PERCENT = "\u202f%"
"""With the narrow space that keeps sign and figure together."""

TASKS = {
    "classify": "Text classification",
    "multilabel": "Multi-label classification",
    "regress": "Regression on text",
    "pair": "Text-pair classification",
    "tag": "Tagging",
    "answer": "Question answering",
    "embed": "Search and matching",
    "seq2seq": "Text to text",
    "chat": "Dialogue",
    "masked": "Adaptation to running text",
}


def metric_name(metric: str) -> MetricName:
    """Return how `metric` is written; a name we do not know keeps its words."""
    title = DISPLAY.get(metric, metric.replace("_", " "))
    return MetricName(
        title if title == "chrF" else title[:1].upper() + title[1:],
        metric in SHARES,
        not HIGHER_IS_BETTER.get(metric, True),
    )


def limits(metric: str) -> tuple[float, float]:
    """Return what a plot of `metric` cannot go beyond: 0 and 1 for a share."""
    return (0.0, 1.0) if metric_name(metric).is_share else (-math.inf, math.inf)


def signed(text: str) -> str:
    """Return `text` with a true minus sign, which is as wide as a plus."""
    return text.replace("-", "\u2212")


def figure(metric: str, value: float) -> str:
    """Return a value of `metric`: `91.4 %` for a share, else three decimals or fewer."""
    return percent(value) if metric_name(metric).is_share else plain(value)


def percent(share: float) -> str:
    """Return a share of 1 as a percentage with one decimal."""
    return signed(f"{100 * share:.1f}{PERCENT}")


def whole_percent(share: float) -> str:
    """Return a share of 1 as a percentage without decimals, for where there is little room: `98 %`."""
    return f"{100 * share:.0f}{PERCENT}"


def plain(value: float) -> str:
    """Return a number with about three digits that count."""
    size = abs(value)
    if size >= 1000:
        return signed(f"{value:,.0f}")
    return signed(f"{value:.{1 if size >= 100 else 2 if size >= 10 else 3}f}")


def number(value: float) -> str:
    """Return a value from the data with up to four digits, none of them a needless zero: `4.9`, `12,500`."""
    return plain(value) if abs(value) >= 1000 else signed(f"{value:.4g}")


def interval(metric: str, score: ScoreData) -> str:
    """Return `88.0–94.2 %` (words between the bounds where one is negative), or nothing without bounds."""
    low, high = score.get("low"), score.get("high")
    if low is None or high is None:
        return ""
    between = " to " if low < 0 else "–"
    left, right = figure(metric, low), figure(metric, high)
    return f"{left.removesuffix(PERCENT)}{between}{right}"


def difference(metric: str, score: ScoreData) -> str:
    """Return a difference with its sign: `+3.2 points` for shares."""
    value = score.get("value", 0.0)
    if metric_name(metric).is_share:
        return signed(f"{100 * value:+.1f} points")
    return ("+" if value > 0 else "") + plain(value)


def difference_interval(metric: str, score: ScoreData) -> str:
    """Return the bounds of a difference, in points for shares; nothing without bounds."""
    low, high = score.get("low"), score.get("high")
    if low is None or high is None:
        return ""
    if metric_name(metric).is_share:
        return signed(f"{100 * low:+.1f} to {100 * high:+.1f}")
    return f"{'+' if low > 0 else ''}{plain(low)} to {'+' if high > 0 else ''}{plain(high)}"


def count(number: float) -> str:
    """Return a whole number with thousands apart."""
    return f"{round(number):,}"


def rows(number: float, noun: str = "row") -> str:
    """Return `1 row` or `1,204 rows`, or as many of another noun."""
    return f"{count(number)} {noun}{'' if round(number) == 1 else 's'}"


def short_count(number: float) -> str:
    """Return a large number in a few letters: `22.7 M`."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}\u00a0{unit}"
    return count(number)


def duration(seconds: float) -> str:
    """Return seconds as `42 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def storage(size: float) -> str:
    """Return bytes as MB or GB."""
    return f"{size / 1e9:.2f}\u00a0GB" if size >= 1e9 else f"{size / 1e6:.0f}\u00a0MB"


def p_value(p: float) -> str:
    """Return a p-value as papers write it."""
    return "<\u202f0.001" if p < 0.001 else f"{p:.3f}"


def label_text(label: Label) -> str:
    """Return a class name, several joined by commas, or a number."""
    if isinstance(label, (list, tuple)):
        return ", ".join(map(str, label)) or "(none)"
    return number(label) if isinstance(label, float) else str(label)


def date_text(created: str) -> str:
    """Return the day and minute of an ISO date: `2025-03-04 10:20`."""
    return created[:16].replace("T", " ")


def main_score(scores: Scores | None, metric: str) -> ScoreData | None:
    """Return the score of `metric` if it has a value."""
    score = (scores or {}).get(metric)
    return score if score and "value" in score else None


def predicts_numbers(report: ReportData) -> bool:
    """Return whether the model gives numbers; a pair task does so where it has no labels."""
    task = report.get("task")
    return task in ("regress", "embed") or (task == "pair" and not report.get("labels"))


class Nouns(NamedTuple):
    """What a task calls one of its labels, several, and what is counted by them."""

    label: str
    labels: str
    thing: str


def nouns(report: ReportData) -> Nouns:
    """Return the nouns of the report's task: kinds of spans, labels of rows, classes of rows."""
    known = {"tag": Nouns("kind", "kinds", "span"), "multilabel": Nouns("label", "labels", "row")}
    return known.get(report.get("task", ""), Nouns("class", "classes", "row"))


def present(value: Any) -> Any:
    """Return plain data without what is None, NaN or infinite, so that a part is either there or missing.

    Recipe and lock are evidence and stay as they are.
    """
    if isinstance(value, Mapping):
        kept = {key: item if key in ("recipe", "lock") else present(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _is_nothing(item)}
    if isinstance(value, (list, tuple)):
        return [present(item) for item in value]
    return value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))

"""The verdict: what came out, in one sentence and a few figures."""

from __future__ import annotations

from typing import Literal

from tunesmith.core.report_schema import ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.sections.section import Section, outcome_tone
from tunesmith.report.strongest import strongest_baseline

_SPLITS: tuple[Literal["test", "dev"], ...] = ("test", "dev")
"""Where the score is taken from: the first that was measured."""


def verdict(report: ReportData) -> Section:
    """Return the verdict; every page has one, if only to say that there is none."""
    sentence = report.get("verdict") or (report.get("comparison") or {}).get("verdict")
    tiles = [tile for tile in (_score(report), _gain(report), _rows(report), _cost(report)) if tile is not None]
    protocol = (report.get("protocol") or {}).get("text")
    notes = report.get("notes") or []
    body = join(
        tag("p", sentence or "This run recorded no verdict.", class_="sentence"),
        tag("dl", *tiles, class_="tiles") if tiles else None,
        tag("p", protocol, class_="lead") if protocol else None,
        tag("ul", *(tag("li", note) for note in notes), class_="lead") if notes else None,
    )
    return Section("verdict", "Verdict", body)


def verdict_tone(report: ReportData) -> str:
    """Return the colour of the verdict: that of the worst outcome against any baseline, none where none was tested."""
    against = (report.get("comparison") or {}).get("against") or {}
    tones = {outcome_tone(test["outcome"]) for test in against.values() if "outcome" in test}
    return next((tone for tone in ("bad", "even", "good") if tone in tones), "")


def _tile(title: str, big: Child, under: Child) -> Markup:
    return tag(
        "div",
        tag("dt", title),
        tag("dd", tag("span", big, class_="big"), tag("span", under, class_="under")),
        class_="tile",
    )


def _score(report: ReportData) -> Markup | None:
    metric = report.get("metric", "")
    for split in _SPLITS:
        score = words.main_score(report.get(split), metric)
        if score is not None:
            bounds = words.interval(metric, score)
            under = f"95\u202f% interval {bounds}" if bounds else "no interval"
            title = f"{words.metric_name(metric).title} on {split} rows"
            return _tile(title, words.figure(metric, score["value"]), under)
    return None


def _gain(report: ReportData) -> Markup | None:
    """The difference to the strongest baseline: the paired one where it was tested."""
    metric, best = report.get("metric", ""), strongest_baseline(report)
    tuned = words.main_score(report.get("test"), metric)
    if best is None or tuned is None:
        return None
    name, title, score = best
    against = ((report.get("comparison") or {}).get("against") or {}).get(name) or {}
    paired = against.get("difference") or {}
    if "value" not in paired:
        paired = {"value": tuned["value"] - score["value"]}
    bounds = words.difference_interval(metric, paired)
    under = join(title, tag("span", f"95\u202f% interval {bounds}", class_="under") if bounds else None)
    return _tile("Against the best baseline", words.difference(metric, paired), under)


def _rows(report: ReportData) -> Markup | None:
    data = report.get("data") or {}
    sizes = [(name, data.get(name)) for name in ("train", "dev", "test")]
    told = [f"{words.count(size)}\u00a0{name}" for name, size in sizes if isinstance(size, int)]
    total = sum(size for _, size in sizes if isinstance(size, int))
    if weak := data.get("weak"):
        told.append(f"and {words.count(weak)}\u00a0weak")
    title = "Blocks of text" if report.get("task") == "masked" else "Labelled rows"
    return _tile(title, words.count(total), " · ".join(told)) if told else None


def _cost(report: ReportData) -> Markup | None:
    seconds = (report.get("speed") or {}).get("train_seconds")
    model = report.get("model") or {}
    size = f"{words.short_count(model['parameters'])} parameters" if "parameters" in model else ""
    under = ", ".join(part for part in (model.get("name", ""), size) if part)
    if seconds is None:
        return None
    return _tile("Training time", words.duration(seconds), under)

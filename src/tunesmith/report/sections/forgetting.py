"""What was gained on the domain and what was lost in general, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_schema import Before, Forgetting, LayerData, Moment, ReportData, ScoreData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.lines import Marks, Series, line_plot
from tunesmith.report.plots.points import Balance, balance_plot
from tunesmith.report.sections.section import Section, figure, table

_BEFORE = ("untuned", "frozen")
"""Baselines that stand for the model before, on test rows."""


def forgetting(report: ReportData) -> Section | None:
    """Return gains and losses with their intervals, what every layer kept, and the way that training took."""
    found = report.get("forgetting")
    if not found:
        return None
    rows = [*_gained(report), *_lost(found)]
    plots = [plot for plot in (_layers(found.get("layers") or []), _way(report)) if plot]
    caption = (
        f"General skill is measured on {words.rows(found['texts'], 'text')} of {found.get('text', 'general text')}, "
        "from which nothing was learnt."
        if found.get("texts")
        else None
    )
    body = join(
        tag("p", found.get("verdict", ""), class_="lead"),
        table(["", "Before", "After", "Change", "95\u202f% interval"], rows, (1, 2, 3), "Gained and lost")
        if rows
        else None,
        tag("p", caption) if caption else None,
        tag("div", *plots, class_="plots") if plots else None,
    )
    return Section("general", "What was forgotten", body)


def _gained(report: ReportData) -> list[list[Child]]:
    """The test figure beside that of the model before, where one of the baselines is that."""
    metric, baselines = report.get("metric", ""), report.get("baselines") or {}
    against = (report.get("comparison") or {}).get("against") or {}
    name = next((name for name in _BEFORE if name in against and name in baselines), None)
    after = words.main_score(report.get("test"), metric)
    if name is None or after is None:
        return []
    before, difference = words.main_score(baselines[name].get("scores"), metric), against[name].get("difference")
    if before is None or not difference or "value" not in difference:
        return []
    title = f"{words.metric_name(metric).title} on test rows (before: {baselines[name].get('title', name)})"
    return [[title, *_figures(metric, before["value"], after["value"]), *_change(metric, difference)]]


def _lost(found: Forgetting) -> list[list[Child]]:
    rows: list[list[Child]] = []
    score = found.get("agreement")
    if score and {"value", "low", "high"} <= score.keys():
        change, low, high = (
            words.signed(f"{number - 1:+.2f}") for number in (score["value"], score["low"], score["high"])
        )
        title = "Agreement on which general texts are alike"
        rows.append([title, "1", f"{score['value']:.2f}", change, f"{low} to {high}"])
    for title, part in (("topics of general texts", found.get("probe")), ("general text", found.get("language"))):
        rows += _compared(title, part) if part else []
    return rows


def _compared(title: str, part: Before) -> list[list[Child]]:
    before, after, difference = part.get("before"), part.get("after"), part.get("difference")
    if before is None or after is None or difference is None:
        return []
    if not all("value" in known for known in (before, after, difference)):
        return []
    metric = part.get("metric", "")
    name = f"{words.metric_name(metric).title} on {title}"
    return [[name, *_figures(metric, before["value"], after["value"]), *_change(metric, difference)]]


def _figures(metric: str, *values: float) -> list[Child]:
    return [words.figure(metric, value) for value in values]


def _change(metric: str, difference: ScoreData) -> list[Child]:
    return [words.difference(metric, difference), words.difference_interval(metric, difference)]


def _layers(layers: Sequence[LayerData]) -> Markup | None:
    points = [(float(item["layer"]), item["cka"]) for item in layers if {"layer", "cka"} <= item.keys()]
    if len(points) < 2:
        return None
    label = "Linear CKA by layer: " + "; ".join(f"{at:g}: {value:.2f}" for at, value in points)
    plot = line_plot(label, "layer", "linear CKA", [Series("CKA", "tuned", points)], Marks(), False)
    return figure(plot, "How alike each layer is to what it was, on general texts: 1 is the same up to a turn; "
                        "layer 0 are the embeddings.")  # fmt: skip


def _way(report: ReportData) -> Markup | None:
    """Every evaluation of the training that chose the weights: the dev score against what is left in general."""
    history: list[Moment] = [m for m in report.get("history") or [] if {"general", "dev_score", "step"} <= m.keys()]
    if len({moment["general"] for moment in history}) < 2:
        return None
    stage, kept = history[0].get("stage"), report.get("kept_step")
    points = [
        Balance(m["general"], m["dev_score"], m["step"], m["step"] == kept) for m in history if m.get("stage") == stage
    ]
    plot = balance_plot(points, report.get("watched") or report.get("metric", ""))
    return figure(plot, "One dot per evaluation, joined in their order: what dev gained and what general texts kept. "
                        "The ring is what was kept; stop.balance weighs the two.")  # fmt: skip

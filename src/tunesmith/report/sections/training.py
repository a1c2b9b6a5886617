"""How the training went: curves, what more rows would give, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.core.report_schema import CurvePoint, Moment, ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.lines import Marks, Point, Series, learning_plot, line_plot
from tunesmith.report.sections.section import Section, figure, table


def training(report: ReportData) -> Section | None:
    """Return training and dev curves and the cost."""
    plots, told = _curves(report), _told(report)
    cost = _cost(report)
    if not plots and cost is None and told is None:
        return None
    body = join(tag("div", *plots, class_="plots") if plots else None, told, cost)
    return Section("training", "Training", body)


def learning_curve(report: ReportData) -> Section | None:
    """Return what more rows would give, where that was measured."""
    curve = [point for point in report.get("curve") or [] if "rows" in point and "value" in (point.get("score") or {})]
    said = report.get("curve_text")
    if not curve and not said:
        return None
    plot = _learning(curve, report.get("metric", "")) if curve else None
    return Section("curve", "Would more rows help?", join(tag("p", said) if said else None, plot))


def _learning(curve: Sequence[CurvePoint], metric: str) -> Markup:
    caption = "Each dot is a model tuned on that many train rows; whiskers are 95\u202f% intervals on the test rows."
    body: list[list[Child]] = [
        [
            words.count(point["rows"]),
            words.figure(metric, point["score"]["value"]),
            words.interval(metric, point["score"]),
        ]
        for point in curve
    ]
    head = ["Train rows", words.metric_name(metric).title, "95\u202f% interval"]
    shown = table(head, body, (1, 2), "Score by train rows")
    return tag("div", figure(learning_plot(curve, metric), caption), shown, class_="plots")


def _curves(report: ReportData) -> list[Markup]:
    history = [moment for moment in report.get("history") or [] if "step" in moment]
    moments, stages = _laid_out(history)
    x_title = "optimiser step"
    kept = _at(moments, report.get("kept_step"))
    plots = []
    losses = [
        Series(title, colour, points)
        for title, colour, points in (
            ("train loss", "other", _points(moments, lambda moment: moment.get("train_loss"))),
            ("dev loss", "tuned", _points(moments, lambda moment: moment.get("dev_loss"))),
        )
        if points
    ]
    if losses:
        title = "loss" if len(losses) > 1 else losses[0].title
        turn = ((report.get("overfitting") or {}).get("turn") or {}).get("step")
        marks = Marks(stages, kept if len(losses) > 1 else None, _at(moments, turn))
        plots.append(figure(line_plot(_said(title, losses), x_title, title, losses, marks, False)))
    scores = _points(moments, lambda moment: moment.get("dev_score"))
    if scores:
        name = words.metric_name(report.get("watched") or report.get("metric", ""))
        lines = [Series("dev score", "tuned", scores)]
        title = f"{name.title} on dev rows" if report.get("metric") else "dev score"
        plots.append(figure(line_plot(_said(title, lines), x_title, title, lines, Marks(stages, kept), name.is_share)))
    return plots


def _laid_out(history: Sequence[Moment]) -> tuple[list[tuple[float, Moment]], list[tuple[float, str]]]:
    """Return the moments with their place on one x axis, and where each later stage begins.

    Steps count from 1 in every stage, so that a stage is shifted by the steps of those before it.
    """
    laid: list[tuple[float, Moment]] = []
    stages: list[tuple[float, str]] = []
    shift, last, stage = 0.0, 0.0, None
    for moment in history:
        name = moment.get("stage", "")
        if stage is not None and name != stage:
            if moment["step"] <= last - shift:
                shift = last
            stages.append((last, name))
        stage, last = name, moment["step"] + shift
        laid.append((last, moment))
    return laid, stages


def _points(moments: Sequence[tuple[float, Moment]], value: Callable[[Moment], float | None]) -> list[Point]:
    pairs = [(at, value(moment)) for at, moment in moments]
    return [(at, number) for at, number in pairs if number is not None]


def _at(moments: Sequence[tuple[float, Moment]], step: int | None) -> float | None:
    """The place of a step of the choice: the first with that number that has a dev score, for refits have none."""
    return next((at for at, moment in moments if moment["step"] == step and "dev_score" in moment), None)


def _said(title: str, series: Sequence[Series]) -> str:
    ends = (
        f"{line.title} from {words.plain(line.points[0][1])} to {words.plain(line.points[-1][1])}" for line in series
    )
    return f"{title} over optimiser steps: {'; '.join(ends)}"


def _told(report: ReportData) -> Markup | None:
    """What the curves show of overfitting, each with its remedy, and how often the kept weights saw each row."""
    found = report.get("overfitting") or {}
    lines = [
        tag("li", f"{finding.get('message', '')} {finding.get('remedy', '')}".strip())
        for finding in found.get("findings") or []
    ]
    times = f"{found.get('kept_epochs') or 0:.3g}"
    if times != "0":
        lines.append(tag("li", f"The kept weights saw each train row {'once' if times == '1' else f'{times} times'}."))
    return tag("ul", *lines) if lines else None


def _cost(report: ReportData) -> Markup | None:
    speed, model = report.get("speed") or {}, report.get("model") or {}
    facts: list[tuple[str, str]] = []
    if "name" in model:
        facts.append(("model", model["name"]))
    if "parameters" in model:
        trained = model.get("trained_parameters")
        part = f", {words.short_count(trained)} trained" if trained is not None else ""
        facts.append(("parameters", words.short_count(model["parameters"]) + part))
    facts += [(key, str(model[key])) for key in ("head", "pattern", "precision") if key in model]
    if "max_tokens" in model:
        facts.append(("tokens per text", f"at most {model['max_tokens']}"))
    if "train_seconds" in speed:
        facts.append(("time", words.duration(speed["train_seconds"])))
    if "tokens_per_second" in speed:
        facts.append(("speed", f"{words.count(speed['tokens_per_second'])} tokens/s"))
    if "peak_memory_bytes" in speed:
        facts.append(("peak memory", words.storage(speed["peak_memory_bytes"])))
    if "padding_share" in speed:
        facts.append(("padding", words.percent(speed["padding_share"])))
    if not facts:
        return None
    return tag("p", *(tag("span", f"{name} ", tag("b", value)) for name, value in facts), class_="facts")

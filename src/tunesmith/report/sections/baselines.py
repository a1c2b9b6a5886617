"""The tuned model beside the simple ones, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_schema import Against, ReportData, ScoreData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.scores import ScoreRow, score_plot
from tunesmith.report.sections.section import Section, details, figure, outcome_tone, table
from tunesmith.report.strongest import baseline_title

_WIDE, _NARROW = 860, 340


def baselines(report: ReportData) -> Section | None:
    """Return the comparison with the baselines, and every figure behind it."""
    metric = report.get("metric", "")
    rows = _score_rows(report, metric)
    measured = [row for row in rows if not row.is_tuned]
    body = join(
        _plot(rows, metric) if measured else None,
        _paired(report) if measured else None,
        _every_figure(report, is_open=not measured),
    )
    if not body:
        return None
    return Section("baselines", "Against the baselines" if measured else "Scores", body)


def _score_rows(report: ReportData, metric: str) -> list[ScoreRow]:
    """Best first."""
    rows = []
    tuned = words.main_score(report.get("test"), metric)
    if tuned is not None:
        rows.append(ScoreRow("Tuned model", tuned, is_tuned=True))
    for name, baseline in (report.get("baselines") or {}).items():
        score = words.main_score(baseline.get("scores"), metric)
        if score is not None:
            rows.append(ScoreRow(baseline_title(report, name), score))
    sign = 1 if words.metric_name(metric).lower_is_better else -1
    return sorted(rows, key=lambda row: sign * row.score["value"])


def _plot(rows: Sequence[ScoreRow], metric: str) -> Markup:
    sizes = sorted({row.score["n"] for row in rows if "n" in row.score})
    on = f" on {' to '.join(words.count(size) for size in sizes[:: max(1, len(sizes) - 1)])} test rows" if sizes else ""
    whiskers = any("low" in row.score for row in rows)
    caption = f"Dots are the scores{on}."
    if whiskers:
        caption += (
            " Whiskers are 95\u202f% bootstrap intervals: how far a score could move with other rows of the same kind."
        )
        caption += " The shaded band is the tuned model's." if any(row.is_tuned for row in rows) else ""
    return figure(join(score_plot(rows, metric, _WIDE), score_plot(rows, metric, _NARROW)), caption)


def _paired(report: ReportData) -> Markup | None:
    comparison = report.get("comparison") or {}
    against = comparison.get("against") or {}
    if not against:
        return None
    metric = comparison.get("metric") or report.get("metric", "")
    body = [_paired_row(baseline_title(report, name), metric, test) for name, test in against.items()]
    mcnemar = any("p_mcnemar" in test for test in against.values())
    head = ["Against", "Difference", "Outcome", "p (bootstrap)", *(["p (McNemar)"] if mcnemar else [])]
    kept = [row[: len(head)] for row in body]
    return join(
        tag("h3", "Is the difference more than chance?"),
        tag(
            "p",
            f"{words.metric_name(metric).title} of the tuned model minus that of the baseline, paired by row, with its "
            "95\u202f% interval. An interval that holds zero means the rows cannot tell the two apart.",
            class_="lead",
        ),
        table(head, kept, (1, 3, 4), "Paired tests against the baselines"),
    )


def _paired_row(title: str, metric: str, test: Against) -> list[Child]:
    difference, outcome = test.get("difference") or {}, test.get("outcome", "")
    return [
        title,
        join(words.difference(metric, difference), _range(words.difference_interval(metric, difference)))
        if "value" in difference
        else "–",
        tag("span", outcome.replace("_", " "), class_=f"badge {outcome_tone(outcome)}") if outcome else "–",
        words.p_value(test["p_bootstrap"]) if "p_bootstrap" in test else "–",
        words.p_value(test["p_mcnemar"]) if "p_mcnemar" in test else "–",
    ]


def _every_figure(report: ReportData, is_open: bool) -> Markup | None:
    """All metrics of all models in one table, behind a line that opens it where there is a plot."""
    models = [("Tuned model, test", report.get("test") or {}), ("Tuned model, dev", report.get("dev") or {})]
    models += [
        (baseline_title(report, name), baseline.get("scores") or {})
        for name, baseline in (report.get("baselines") or {}).items()
    ]
    models = [(title, scores) for title, scores in models if any("value" in score for score in scores.values())]
    metrics = list(dict.fromkeys(metric for _, scores in models for metric in scores))
    if not metrics:
        return None
    body = [[title, *(_value(metric, scores.get(metric)) for metric in metrics)] for title, scores in models]
    head = ["Model", *(words.metric_name(metric).title for metric in metrics)]
    shown = table(head, body, range(1, len(head)), "Every figure")
    dev = "Dev rows also chose the step that was kept, so their figures flatter." if report.get("dev") else None
    return details(
        "Every figure, with intervals", shown, tag("p", dev, class_="small") if dev else None, is_open=is_open
    )


def _value(metric: str, score: ScoreData | None) -> Child:
    if not score or "value" not in score:
        return "–"
    return join(words.figure(metric, score["value"]), _range(words.interval(metric, score)))


def _range(bounds: str) -> Markup | None:
    return tag("span", bounds, class_="range") if bounds else None

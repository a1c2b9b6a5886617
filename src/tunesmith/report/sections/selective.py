"""How often the model is wrong if it answers only what it is sure of."""

from __future__ import annotations

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_use import Selective, Wish
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.lines import Marks, Series, line_plot
from tunesmith.report.sections.section import Section, figure, table


def selective(report: ReportData) -> Section | None:
    """Return the risk-coverage curve, and what the threshold gives."""
    found = report.get("selective")
    if not found or not found.get("curve"):
        return None
    wish = found.get("wish") or {}
    body = join(
        tag("p", wish.get("verdict"), class_="lead") if wish.get("verdict") else None,
        tag("p", _how(wish)) if "threshold" in wish else None,
        tag("div", figure(_plot(found), _caption(found)), _table(found), class_="plots"),
    )
    return Section("selective", "What if it answers only what it is sure of?", body)


def _plot(found: Selective) -> Markup:
    points = [(100 * share, error) for share, error in found["curve"]]
    last = points[-1][1]
    best = [(share, max(0.0, (share - 100 * (1 - last)) / share)) for share, _ in points]
    series = [Series("in the best order", "other", best), Series("by confidence", "tuned", points)]
    coverage = ((found.get("wish") or {}).get("coverage") or {}).get("value")
    marks = Marks(best=100 * coverage if coverage and "threshold" in (found.get("wish") or {}) else None)
    label = "Error of the answers that are given, by the share of test rows that is answered"
    return line_plot(label, "test rows that are answered, the surest first, in %", "wrong", series, marks, share=True)


def _caption(found: Selective) -> str:
    parts = []
    if {"aurc", "best", "random"} <= found.keys():
        parts.append(
            f"Area under the curve (AURC) {words.percent(found['aurc'])}; {words.percent(found['best'])} if all errors "
            f"came last, {words.percent(found['random'])} if confidence said nothing."
        )
    if "threshold" in (found.get("wish") or {}):
        parts.append("The dashed line is where the threshold lies.")
    return " ".join(parts)


def _how(wish: Wish) -> str:
    if wish.get("crossed"):
        how = (
            f"It answers from a confidence of {words.percent(wish['threshold'])}, chosen by what the models of the "
            f"folds say of all {words.rows(wish.get('rows', 0))}; the figures are those of each fifth of them with the "
            "threshold that the others give."
        )
    else:
        how = (
            f"It answers from a confidence of {words.percent(wish['threshold'])}, chosen on "
            f"{words.rows(wish.get('rows', 0), 'dev row')}."
        )
    return f"{how} Below it answers are marked as unsure; figures elsewhere are those of all answers."


def _table(found: Selective) -> Markup | None:
    body: list[list[Child]] = []
    for row in found.get("at") or []:
        error = row.get("error") or {}
        if "share" in row and "value" in error:
            bounds = words.interval("selective_error", error)
            cell = join(words.percent(error["value"]), tag("span", bounds, class_="range") if bounds else None)
            body.append([words.whole_percent(row["share"]), words.count(error["n"]) if "n" in error else "–", cell])
    return table(["Answered", "Rows", "Wrong"], body, (1, 2), "Error of the surest test rows") if body else None

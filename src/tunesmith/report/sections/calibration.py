"""Whether a stated confidence can be believed."""

from __future__ import annotations

from tunesmith.core.report_schema import Calibration, ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.plots.points import MOMENTS, reliability_plot
from tunesmith.report.sections.section import Section, figure, table


def calibration(report: ReportData) -> Section | None:
    """Return the reliability plot and what it says."""
    found = report.get("calibration") or {}
    has_bins = any((found.get(key) or {}).get("bins") for key, _ in MOMENTS)
    sentence = _sentence(found)
    if not has_bins and not sentence:
        return None
    n = _rows(found)
    decided = "decisions (one for each row and label)" if report.get("task") == "multilabel" else "rows"
    caption = (
        "On the dashed diagonal a stated 80\u202f% is right in 80\u202f% of the rows; "
        "below it the model is too sure of itself. "
        f"The larger a dot, the more of the {words.count(n)} {decided} lie there."
    )
    plot = figure(reliability_plot(found), caption) if has_bins and n else None
    if plot is not None:
        plot = tag("div", plot, _bins(found), class_="plots")
    explained = tag("p", sentence) if sentence else None
    return Section("reliability", "Can its confidence be believed?", join(explained, plot))


def _bins(found: Calibration) -> Markup:
    """The plot as figures, of the confidence that the model states in the end."""
    bins = (found.get("after") or found.get("before") or {}).get("bins") or []
    body: list[list[Child]] = [
        [
            f"{100 * item['low']:.0f}–{100 * item['high']:.0f}%",
            words.percent(item["confidence"]),
            words.percent(item["accuracy"]),
            words.count(item["n"]),
        ]
        for item in bins
        if item.get("n") and {"low", "high", "confidence", "accuracy"} <= item.keys()
    ]
    head = ["Confidence", "Stated", "Right", "Rows"]
    return table(head, body, (1, 2, 3), "Stated confidence and share that was right")


def _sentence(found: Calibration) -> str:
    before, after = (found.get("before") or {}).get("ece"), (found.get("after") or {}).get("ece")
    temperature = found.get("temperature")
    parts = []
    if before is not None:
        parts.append(f"As trained, stated confidence and truth lie {words.percent(before)} apart on average (ECE)")
    if after is not None and temperature is not None:
        scaled = (
            f"with the temperature {temperature:.2f}, fitted on dev rows and kept in the model, {words.percent(after)}"
        )
        parts.append(scaled if parts else scaled[0].upper() + scaled[1:])
    return "; ".join(parts) + "." if parts else ""


def _rows(found: Calibration) -> int:
    bins = (found.get("after") or found.get("before") or {}).get("bins") or []
    return sum(item.get("n", 0) for item in bins)

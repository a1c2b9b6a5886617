"""Which baseline is the one to beat."""

from __future__ import annotations

from tunesmith.core.report_schema import ReportData, ScoreData
from tunesmith.evaluation.baseline import TITLES
from tunesmith.report import words


def strongest_baseline(report: ReportData) -> tuple[str, str, ScoreData] | None:
    """Return name, title and score of the best baseline in the run's own metric; None where none was measured."""
    metric = report.get("metric", "")
    found = []
    for name, baseline in (report.get("baselines") or {}).items():
        score = words.main_score(baseline.get("scores"), metric)
        if score is not None:
            found.append((name, baseline_title(report, name), score))
    sign = -1 if words.metric_name(metric).lower_is_better else 1
    return max(found, key=lambda item: sign * item[2]["value"], default=None)


def baseline_title(report: ReportData, name: str) -> str:
    """Return the title of a baseline, or the one we know it by, as a line of a table begins."""
    baseline = (report.get("baselines") or {}).get(name) or {}
    title = baseline.get("title") or TITLES.get(name) or name
    return title[:1].upper() + title[1:]

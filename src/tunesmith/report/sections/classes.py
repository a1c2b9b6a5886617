"""Every class or label by itself."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_schema import ClassData, ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.sections.section import Section, bar, details, table

_FEW = 20
_WEAKEST = 10


def classes(report: ReportData) -> Section | None:
    """Return the table of classes, weakest first; of many, the weakest ten and the rest behind a line."""
    found = [item for item in report.get("per_class") or [] if "label" in item]
    if not found:
        return None
    ordered = sorted(found, key=lambda item: (item.get("f1", -1.0), item["label"]))
    word = "label" if report.get("task") == "multilabel" else "class"
    lead = tag("p", f"On test rows, weakest first. Few rows make a figure shaky: see the {word}'s rows.", class_="lead")
    if len(ordered) <= _FEW:
        body = join(lead, _table(ordered, word))
    else:
        plural = "labels" if word == "label" else "classes"
        rest = details(f"All {len(ordered)} {plural}", _table(ordered, word))
        body = join(lead, tag("h3", f"The {_WEAKEST} weakest"), _table(ordered[:_WEAKEST], word), rest)
    return Section("classes", f"Each {word}", body)


def _table(items: Sequence[ClassData], word: str) -> Markup:
    body: list[list[Child]] = [
        [
            breakable(item["label"]),
            bar(item.get("f1", 0.0)),
            _share(item.get("f1")),
            _share(item.get("precision")),
            _share(item.get("recall")),
            words.count(item["support"]) if "support" in item else "–",
        ]
        for item in items
    ]
    head = [word.capitalize(), "", "F1", "Precision", "Recall", "Rows"]
    return table(head, body, (2, 3, 4, 5), f"Figures of each {word}", bars=1)


def _share(value: float | None) -> str:
    return "–" if value is None else words.percent(value)

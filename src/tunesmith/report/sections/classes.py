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
    nouns = words.nouns(report)
    right = " A span is right only with the right bounds and the right kind." if nouns.thing == "span" else ""
    shaky = f"Few {nouns.thing}s make a figure shaky: see the {nouns.label}'s {nouns.thing}s."
    lead = tag("p", f"On test rows, weakest first.{right} {shaky}", class_="lead")
    if len(ordered) <= _FEW:
        body = join(lead, _table(ordered, nouns))
    else:
        rest = details(f"All {len(ordered)} {nouns.labels}", _table(ordered, nouns))
        body = join(lead, tag("h3", f"The {_WEAKEST} weakest"), _table(ordered[:_WEAKEST], nouns), rest)
    return Section("classes", f"Each {nouns.label}", body)


def _table(items: Sequence[ClassData], nouns: words.Nouns) -> Markup:
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
    head = [nouns.label.capitalize(), "", "F1", "Precision", "Recall", f"{nouns.thing.capitalize()}s"]
    return table(head, body, (2, 3, 4, 5), f"Figures of each {nouns.label}", bars=1)


def _share(value: float | None) -> str:
    return "–" if value is None else words.percent(value)

"""What was noticed in the data, and what the data are."""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.report_schema import DataSummary, FindingData, ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.sections.section import Section, details, table

_TONES = {"error": "bad", "warning": "even", "note": "calm"}
_MOST_ROWS = 12
_OPEN_LABELS = 12


def findings(report: ReportData) -> Section | None:
    """Return what was noticed before training, gravest first."""
    found = (report.get("data") or {}).get("findings")
    if found is None:
        return None
    if not found:
        return Section("findings", "Findings in the data", tag("p", "The checks found nothing to report."))
    order = list(_TONES)
    ranked = sorted(found, key=lambda item: order.index(item["severity"]) if item.get("severity") in order else 9)
    return Section("findings", "Findings in the data", tag("ul", *map(_finding, ranked), class_="cards"))


def _finding(item: FindingData) -> Markup:
    severity = item.get("severity", "note")
    rows = ", ".join(map(str, (item.get("rows") or [])[:_MOST_ROWS]))
    more = "" if len(item.get("rows") or []) <= _MOST_ROWS and item.get("count", 0) <= _MOST_ROWS else " …"
    facts = [
        tag("span", tag("b", item["code"])) if "code" in item else None,
        tag("span", breakable(item["source"])) if item.get("source") else None,
        tag("span", words.rows(item["count"])) if item.get("count") else None,
        tag("span", f"row{'' if ',' not in rows and not more else 's'} {rows}{more}") if rows else None,
    ]
    said = tag(
        "div",
        tag("p", item.get("message", "")),
        tag("p", item["remedy"], class_="lead") if item.get("remedy") else None,
        tag("p", *facts, class_="facts"),
    )
    badge = tag("span", severity, class_=f"badge {_TONES.get(severity, 'calm')}")
    return tag("li", tag("div", badge), said, class_="finding")


def rows(report: ReportData) -> Section | None:
    """Return splits, columns, files and guesses."""
    data = report.get("data") or {}
    body = join(_columns(data), _labels(data, words.nouns(report)), _files(data), _guesses(data))
    return Section("data", "The data", body) if body else None


def _columns(data: DataSummary) -> Markup | None:
    columns = [(role, column) for role, column in (data.get("columns") or {}).items() if column not in (None, "", [])]
    if not columns:
        return None
    told = [tag("span", f"{role} ", tag("b", breakable(words.label_text(column)))) for role, column in columns]
    return tag("p", tag("span", "Columns:"), *told, class_="facts")


def _labels(data: DataSummary, nouns: words.Nouns) -> Markup | None:
    """Rows of each label in each split, most frequent first."""
    title = "Rows with each kind of span" if nouns.thing == "span" else "Rows of each label"
    counted = {split: labels for split, labels in (data.get("labels") or {}).items() if labels}
    if not counted:
        return None
    totals: dict[str, int] = {}
    for labels in counted.values():
        for label, n in labels.items():
            totals[label] = totals.get(label, 0) + n
    body: list[list[Child]] = [
        [breakable(label), *(words.count(labels.get(label, 0)) for labels in counted.values())]
        for label in sorted(totals, key=lambda label: (-totals[label], label))
    ]
    head = ["Kind" if nouns.thing == "span" else "Label", *counted]
    shown = table(head, body, range(1, len(head)), title)
    return details(title, shown, is_open=len(totals) <= _OPEN_LABELS)


def _files(data: DataSummary) -> Markup | None:
    body: list[list[Child]] = [
        [
            breakable(split),
            breakable(Path(file["path"]).name) if "path" in file else "–",
            words.count(file["rows_read"]) if "rows_read" in file else "–",
            words.count(file["rows_kept"]) if "rows_kept" in file else "–",
            tag("code", file["sha256"][:12], title=file["sha256"]) if file.get("sha256") else "–",
        ]
        for split, file in (data.get("files") or {}).items()
    ]
    if not body:
        return None
    return details("Files", table(["Given as", "File", "Rows read", "Rows kept", "SHA-256"], body, (2, 3), "Files"))


def _guesses(data: DataSummary) -> Markup | None:
    guesses = data.get("guesses") or []
    if not guesses:
        return None
    return details("What was guessed", tag("ul", *(tag("li", guess) for guess in guesses)))

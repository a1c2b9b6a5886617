"""The report as one HTML file: nothing is loaded from outside it, and nothing in it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from tunesmith.core.report_schema import ReportData
from tunesmith.report import words
from tunesmith.report.markup import Markup, join, tag
from tunesmith.report.sections import (
    answers,
    baselines,
    calibration,
    classes,
    confusion,
    data,
    errors,
    forgetting,
    knowledge,
    lengths,
    priors,
    provenance,
    selective,
    sides,
    spans,
    training,
    verdict,
)
from tunesmith.report.sections.section import Section
from tunesmith.report.style import STYLE
from tunesmith.runs.files import replace_file

_SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    verdict.verdict,
    baselines.baselines,
    knowledge.knowledge,
    priors.priors,
    forgetting.forgetting,
    training.training,
    training.learning_curve,
    spans.span_errors,
    answers.answers,
    confusion.confusion,
    confusion.predicted_against_true,
    calibration.calibration,
    selective.selective,
    classes.classes,
    lengths.lengths,
    sides.sides,
    errors.errors,
    errors.samples,
    data.findings,
    data.rows,
    provenance.recipe,
    provenance.lock,
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Texts from the data are escaped; should one ever not be, this keeps it from running or calling home."""


def write_page(report: Mapping[str, Any], path: str | Path) -> None:
    """Write `report` (`core.report_schema.ReportData`) as a page that can be sent to anybody.

    Args:
        report: the content of `report.json`; whatever is missing or None is left out of the page.
        path: of the file to write, such as `RUN/report.html`.

    Raises:
        RunError: The disk is full or refuses.
    """
    replace_file(Path(path), render_page(report).encode())


def render_page(report: Mapping[str, Any]) -> str:
    """Return the page as text."""
    known = cast(ReportData, words.present(report))
    sections = [section for section in (make(known) for make in _SECTIONS) if section is not None]
    title = f"{known.get('run', 'Run')}: tunesmith report"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the verdict", href="#verdict", class_="skip"),
        _header(known, sections),
        tag("main", *(_section(known, section) for section in sections)),
        _footer(known),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _header(report: ReportData, sections: list[Section]) -> Markup:
    model = report.get("model") or {}
    is_tag = report.get("task") == "tag"
    facts = [
        words.TASKS.get(report.get("task", ""), report.get("task")),
        words.rows(len(report["labels"]), "kind" if is_tag else "label") if report.get("labels") else None,
        f"model {model['name']}" if "name" in model else None,
        words.date_text(report["created"]) if report.get("created") else None,
    ]
    links = [tag("li", tag("a", section.title, href=f"#{section.anchor}")) for section in sections[1:]]
    return tag(
        "header",
        tag("div", "Fine-tuning report", class_="kicker"),
        tag("h1", report.get("run", "Run")),
        tag("div", *(tag("span", fact) for fact in facts if fact), class_="meta"),
        tag("nav", tag("ul", *links), aria_label="Sections") if links else None,
    )


def _section(report: ReportData, section: Section) -> Markup:
    is_verdict = section.anchor == "verdict"
    heading = tag("h2", section.title, id=f"{section.anchor}-title", class_="kicker" if is_verdict else None)
    return tag(
        "section",
        join(heading, section.body),
        id=section.anchor,
        aria_labelledby=f"{section.anchor}-title",
        class_=f"verdict {verdict.verdict_tone(report)}".strip() if is_verdict else None,
    )


def _footer(report: ReportData) -> Markup:
    digest = f" Recipe {report['recipe_digest']}." if report.get("recipe_digest") else ""
    return tag(
        "footer",
        tag(
            "p",
            "Written by tunesmith. Every figure is in ",
            tag("code", "report.json"),
            " beside this file, with its bounds and its rows; ",
            tag("code", "tunesmith reproduce"),
            f" runs it again.{digest}",
        ),
    )

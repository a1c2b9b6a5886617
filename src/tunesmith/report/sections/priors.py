"""What is to be expected where classes are as common as somebody says."""

from __future__ import annotations

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_use import PriorsData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.sections.section import Section, table


def priors(report: ReportData) -> Section | None:
    """Return the shares, and the accuracy under them with the correction and without."""
    found = report.get("priors")
    if not found or not found.get("shares"):
        return None
    body = join(tag("p", _expected(found), class_="lead"), tag("p", _how(found)), _shares(found))
    return Section("priors", "Other shares than in the data", body)


def _expected(found: PriorsData) -> str:
    corrected, plain = found.get("expected") or {}, found.get("uncorrected") or {}
    if "value" not in corrected or "value" not in plain:
        return "What is to be expected under these shares is not known: a class has too few test rows."
    said = [f"{words.percent(one['value'])} ({words.interval('accuracy', one)})" for one in (corrected, plain)]
    gain = found.get("difference")
    between = (
        f" The difference is {words.difference('accuracy', gain)} ({words.difference_interval('accuracy', gain)})."
        if gain
        else ""
    )
    wrong = f"{words.percent(1 - corrected['value'])} wrong"
    return (
        f"Where classes have these shares, an accuracy of {said[0]} is to be expected, that is {wrong}; without the "
        f"correction it is {said[1]}.{between}"
    )


def _how(found: PriorsData) -> str:
    changed = f" They change the answer to {words.rows(found['changed'], 'test row')}." if "changed" in found else ""
    return (
        "The probabilities are multiplied by the share of their class here over that among the rows that the loss saw."
        f"{changed} Figures elsewhere in this report are of the test rows as they are, with the shares of the data; "
        "for those above they are weighed."
    )


def _shares(found: PriorsData) -> Markup:
    body: list[list[Child]] = [
        [
            row.get("label", ""),
            *(words.percent(row[key]) if key in row else "–" for key in ("prior", "trained", "test")),
        ]
        for row in found["shares"]
    ]
    return table(["Class", "Where it is used", "In the loss", "Test rows"], body, (1, 2, 3), "Shares of the classes")

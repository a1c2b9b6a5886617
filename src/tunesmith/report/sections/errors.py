"""The worst errors: where the model was surest and wrong."""

from __future__ import annotations

from tunesmith.core.report_schema import ReportData, Shown
from tunesmith.report import words
from tunesmith.report.markup import Markup, breakable, join, tag
from tunesmith.report.sections.section import Section, details

_SHOWN = 12
_MOST_LETTERS = 600


def errors(report: ReportData) -> Section | None:
    """Return the errors as the report lists them, worst first."""
    if report.get("errors") is None:
        return None
    found = report["errors"]
    if not found:
        return Section("errors", "Worst errors", tag("p", "No test row was predicted wrongly."))
    is_number = words.predicts_numbers(report)
    lead = (
        "Test rows with the largest distance between prediction and truth."
        if is_number
        else "Test rows on which the model was surest and wrong. Read them: some will be labelling errors."
    )
    cards = [_card(mistake, is_number) for mistake in found]
    first, rest = cards[:_SHOWN], cards[_SHOWN:]
    more = details(f"{len(rest)} more", tag("ul", *rest, class_="cards")) if rest else None
    body = join(tag("p", lead, class_="lead"), tag("ul", *first, class_="cards"), more)
    return Section("errors", "Worst errors", body)


def _card(mistake: Shown, is_number: bool) -> Markup:
    texts = [mistake[key] for key in ("text", "text_b") if mistake.get(key)]
    quotes = [tag("p", _cut(text), class_="quote", dir="auto") for text in texts]
    place = mistake.get("source") or mistake.get("id")
    facts = [
        ("predicted", words.label_text(mistake["label"])) if "label" in mistake else None,
        ("labelled", words.label_text(mistake["target"])) if "target" in mistake else None,
        ("confidence", words.percent(mistake["score"])) if "score" in mistake and not is_number else None,
    ]
    told = [tag("span", f"{fact[0]} ", tag("b", breakable(fact[1]))) for fact in facts if fact]
    return tag("li", *quotes, tag("p", *told, tag("span", place) if place else None, class_="facts"))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS].rstrip() + " …"

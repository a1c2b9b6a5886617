"""Test rows with what was said of them: the worst errors, and some drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import Shown
from tunesmith.report import words
from tunesmith.report.kinds import colours
from tunesmith.report.marks import named_line
from tunesmith.report.markup import Markup, breakable, join, tag
from tunesmith.report.sections import spans
from tunesmith.report.sections.answers import answer_card
from tunesmith.report.sections.section import Section, details
from tunesmith.report.sections.written import written_card

_SHOWN, _DRAWN = 12, 6
_MOST_LETTERS = 600

_LEADS = {
    "tag": "Test rows with the most wrong spans, the surest first among equals. Read them: some will be labelling "
    "errors.",
    "answer": "Test questions whose answer shares least with a right one, the surest first among equals. Read them: "
    "some answers will be as good as the one that counts.",
}
_LEADS |= dict.fromkeys(
    ("seq2seq", "chat"),
    "Test rows whose text is least like the reference. Read them: a good text in other words looks as bad as a wrong "
    "one.",
)
_SURE = "Test rows on which the model was surest and wrong. Read them: some will be labelling errors."
_FAR = "Test rows with the largest distance between prediction and truth."
_MISPLACED = "Test pairs whose place in the order of cosines is furthest from their place in the order of scores."
_RANKED = "Test rows whose right text came furthest behind others, with the text that came nearest instead."


def errors(report: ReportData) -> Section | None:
    """Return the errors as the report lists them, worst first."""
    if report.get("errors") is None:
        return None
    found = report["errors"]
    if not found:
        return Section("errors", "Worst errors", tag("p", "No test row was predicted wrongly."))
    body = join(tag("p", _lead(report), class_="lead"), _cards(report, found, _SHOWN))
    return Section("errors", "Worst errors", body)


def samples(report: ReportData) -> Section | None:
    """Return the rows that were drawn at random: what the model does on an ordinary row.

    None where some stand beside what the base model wrote already.
    """
    found = report.get("samples") or []
    if not found or (report.get("sides") or {}).get("drawn"):
        return None
    lead = "Test rows drawn at random, right or wrong: what the model does on an ordinary day."
    return Section("samples", "A random sample", join(tag("p", lead, class_="lead"), _cards(report, found, _DRAWN)))


def _lead(report: ReportData) -> str:
    task = report.get("task", "")
    if task == "embed":
        return _RANKED if any("nearest" in row for row in report["errors"]) else _MISPLACED
    return _LEADS.get(task, _FAR if words.predicts_numbers(report) else _SURE)


def _cards(report: ReportData, rows: Sequence[Shown], most: int) -> Markup:
    task = report.get("task")
    kinds = colours(report) if task == "tag" else {}
    is_number = words.predicts_numbers(report)

    def card(row: Shown) -> Markup:
        if task == "tag":
            return spans.span_card(row, kinds)
        if task == "answer":
            return answer_card(row)
        if task in ("seq2seq", "chat"):
            return written_card(row)
        return _pair_card(row) if task == "embed" else _card(row, is_number)

    cards = [card(row) for row in rows]
    rest = cards[most:]
    more = details(f"{len(rest)} more", tag("ul", *rest, class_="cards")) if rest else None
    return join(spans.key(report) if task == "tag" else None, tag("ul", *cards[:most], class_="cards"), more)


def _card(row: Shown, is_number: bool) -> Markup:
    texts = [row[key] for key in ("text", "text_b") if row.get(key)]
    quotes = [tag("p", _cut(text), class_="quote", dir="auto") for text in texts]
    facts = [
        ("predicted", words.label_text(row["label"])) if "label" in row else None,
        ("labelled", words.label_text(row["target"])) if "target" in row else None,
        ("confidence", words.percent(row["score"])) if "score" in row and not is_number else None,
    ]
    return tag("li", *quotes, _facts(row, [fact for fact in facts if fact]))


def _pair_card(row: Shown) -> Markup:
    """A pair with its score and its cosine; for rankings the text that came nearest, below the one that should have."""
    is_ranked = "nearest" in row
    is_right = is_ranked and row["nearest"] == row.get("text_b")
    sides = [
        ("text", row.get("text")),
        ("right, nearest" if is_right else "right" if is_ranked else "text", row.get("text_b")),
        ("nearest", row.get("nearest") if not is_right else None),
    ]
    quotes = [(name, tag("p", _cut(text), class_="quote", dir="auto")) for name, text in sides if text]
    target = row.get("target")
    facts = [
        ("score", words.label_text(target)) if target is not None and not is_ranked else None,
        ("cosine", words.signed(f"{row['score']:.3f}")) if "score" in row else None,
    ]
    lines = [named_line(name, quote) if is_ranked else quote for name, quote in quotes]
    return tag("li", *lines, _facts(row, [fact for fact in facts if fact]))


def _facts(row: Shown, facts: Sequence[tuple[str, str]]) -> Markup:
    place = row.get("source") or row.get("id")
    told = [tag("span", f"{name} ", tag("b", breakable(value))) for name, value in facts]
    return tag("p", *told, tag("span", place) if place else None, class_="facts")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS].rstrip() + " …"

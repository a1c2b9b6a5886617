"""A test row of a task that writes: what was read, and what was asked for and written, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_shown import Shown, TurnData
from tunesmith.report import words
from tunesmith.report.excerpt import excerpt
from tunesmith.report.marks import gap, named_line
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.sections.section import details

_MOST_READ, _MOST_WRITTEN, _MOST_WHOLE = 600, 600, 20_000
"""Characters up to which a text stands whole; of a longer one the first half of them is shown, the rest opens."""
_LAST_TURNS = 3


def written_card(row: Shown) -> Markup:
    """Return a row as a card; a side that is missing is left out."""
    return tag("li", _read(row), _sides(row), _facts(row))


def _read(row: Shown) -> Markup | None:
    """Return the turns of a dialogue, or the text that was read."""
    if row.get("messages"):
        return _turns(row["messages"])
    return named_line("source", _text(row["text"], _MOST_READ)) if row.get("text") else None


def _turns(turns: Sequence[TurnData]) -> Markup:
    """Return the system prompt and the last turns; what lies between opens."""
    start = 1 if turns[0].get("role") == "system" else 0
    late = max(start, len(turns) - _LAST_TURNS)
    hidden = turns[start:late]
    if len(hidden) == 1:  # a line that opens one turn takes as much room as the turn
        hidden, late = [], start
    return join(
        *(_turn(turn) for turn in turns[:start]),
        details(f"{len(hidden)} earlier turns", *(_turn(turn) for turn in hidden)) if hidden else None,
        *(_turn(turn) for turn in turns[late:]),
    )


def _turn(turn: TurnData) -> Markup:
    return named_line(turn.get("role", ""), _text(turn.get("content", ""), _MOST_READ))


def _sides(row: Shown) -> Markup | None:
    """Return the reference and what each model wrote, in columns where there is room."""
    sides = [
        ("reference", "", row.get("reference"), None),
        ("tuned model", "tuned", row.get("written"), row.get("chrf")),
        ("base model", "", row.get("base"), row.get("base_chrf")),
    ]
    drawn = [_side(name, look, text, score) for name, look, text, score in sides if text is not None]
    return tag("div", *drawn, class_="sides") if drawn else None


def _side(name: str, look: str, text: str, score: float | None) -> Markup:
    told: list[Child] = [name]
    if score is not None:
        told.append(tag("span", "chrF ", tag("b", words.percent(score)), class_="side-score"))
    return tag("div", tag("p", *told, class_="line-name"), _text(text, _MOST_WRITTEN), class_=f"side {look}".strip())


def _text(text: str, most: int) -> Markup:
    """Return a text whole, or its beginning with the whole behind a line that opens it."""
    if not text.strip():
        return tag("p", "(nothing)", class_="quote soft")
    first, rest = _cut(text, most)
    if not rest:
        return tag("p", first, class_="quote", dir="auto")
    whole, more = _cut(text, _MOST_WHOLE)
    summary = f"All {words.count(len(text))} characters"
    if more:
        summary = f"{words.count(len(whole))} of {words.count(len(text))} characters"
    opened = details(summary, tag("p", whole, gap(" …") if more else None, class_="quote", dir="auto"))
    return tag("div", tag("p", first, gap(" …"), class_="quote", dir="auto"), opened)


def _cut(text: str, most: int) -> tuple[str, str]:
    """Return the beginning of a text, and what is left of it."""
    end = excerpt(text, [], most)[0][1]
    return text[:end], text[end:]


def _facts(row: Shown) -> Markup:
    facts: list[Child] = []
    if "chrf" in row and "base_chrf" in row:
        gain = row["chrf"] - row["base_chrf"]
        tone = "even" if gain == 0 else "good" if gain > 0 else "bad"
        facts.append(tag("span", words.difference("chrf", {"value": gain}), class_=f"badge {tone}"))
    place = row.get("source") or row.get("id")
    if place:
        facts.append(tag("span", place))
    return tag("p", *facts, class_="facts")

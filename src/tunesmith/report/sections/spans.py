"""Spans of a text: what kinds of errors there are, and each text with what was marked and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import Shown
from tunesmith.report import words
from tunesmith.report.excerpt import Part, excerpt
from tunesmith.report.kinds import OUTCOMES, Sided, colours, paired, spans_in
from tunesmith.report.marks import Mark, lanes, marked_text, named_line
from tunesmith.report.markup import Child, Markup, join, tag
from tunesmith.report.sections.section import Section, bar, table

_MOST_LETTERS = 500
_PLACES = 3
_MOST_KINDS = 36

_MEANING = {
    "right": "right bounds, right kind",
    "boundary": "right kind, but too long, too short or moved",
    "kind": "right bounds, another kind",
    "both": "overlaps with a marked span, and neither bounds nor kind are right",
    "missed": "marked, and nothing found there",
    "invented": "found, and nothing marked there",
}


def span_errors(report: ReportData) -> Section | None:
    """Return in which ways spans were right and wrong."""
    found = report.get("span_errors") or {}
    counts = {name: n for name in OUTCOMES if isinstance(n := found.get(name), int)}
    if not counts:
        return None
    marked = sum(n for name, n in counts.items() if name != "invented")
    given = sum(n for name, n in counts.items() if name != "missed")
    body: list[list[Child]] = [
        [OUTCOMES[name], tag("span", _MEANING[name], class_="soft"), bar(n / most), words.count(n)]
        for most in [max([1, *counts.values()])]
        for name, n in counts.items()
    ]
    said = (
        f"Of {words.rows(marked, 'marked span')} in the test rows {_share(counts.get('right', 0), marked)} found "
        f"exactly; of {words.rows(given, 'span')} that the model gave {_share(counts.get('invented', 0), given)} "
        "invented."
    )
    head = ["Outcome", "", "", "Spans"]
    return Section("spans", "How spans go wrong", join(tag("p", said), table(head, body, (3,), "Outcomes", bars=2)))


def _share(n: int, of: int) -> str:
    verb = "was" if n == 1 else "were"
    return f"{words.count(n)} ({words.percent(n / of)}) {verb}" if of else f"{words.count(n)} {verb}"


def key(report: ReportData) -> Markup | None:
    """Return what colours and borders mean: the kinds, and the ways to be wrong; None where no span is shown."""
    kinds = colours(report)
    if not kinds:
        return None
    named = [tag("mark", kind or "(no kind)", class_=f"k{at}") for kind, at in list(kinds.items())[:_MOST_KINDS]]
    more = tag("span", f"and {len(kinds) - _MOST_KINDS} more") if len(kinds) > _MOST_KINDS else None
    borders = [
        tag("mark", OUTCOMES[name], class_=f"plain {look}")
        for name, look in (("right", "right"), ("both", "off"), ("missed", "missed"), ("invented", "invented"))
    ]
    borders[1] = tag("mark", "wrong bounds or kind", class_="plain off")
    return tag("div", tag("p", *named, more, class_="key"), tag("p", *borders, class_="key"))


def span_card(row: Shown, kinds: Mapping[str, int]) -> Markup:
    """Return a text with its spans: in one line where what was found is what was marked, else one above the other."""
    text = row.get("text", "")
    marked, found = paired(*spans_in(row))
    wrong = [side for side in (*marked, *found) if side.outcome != "right"]
    parts = excerpt(text, _places(wrong or found), _MOST_LETTERS)
    if not wrong:
        name = "marked and found" if found else "nothing marked or found"
        return tag("li", _lines(name, text, found, parts, kinds), _facts(row, marked, found))
    above = _lines("marked", text, marked, parts, kinds)
    return tag("li", above, _lines("found", text, found, parts, kinds), _facts(row, marked, found))


def _places(sides: Sequence[Sided]) -> list[Part]:
    return sorted({(side.span["start"], side.span["end"]) for side in sides})[:_PLACES]


def _lines(name: str, text: str, sides: Sequence[Sided], parts: Sequence[Part], kinds: Mapping[str, int]) -> Markup:
    """Return the text with one side's spans; once more for those that overlap others of the same side."""
    marks = [_mark(side, kinds) for side in sides]
    drawn = [marked_text(text, lane, parts) for lane in lanes(marks)]
    return join(*(named_line(f"also {name}" if at else name, line) for at, line in enumerate(drawn)))


def _mark(side: Sided, kinds: Mapping[str, int]) -> Mark:
    span, outcome = side
    kind = str(span.get("label", ""))
    is_found = "score" in span
    told = [kind, words.whole_percent(span["score"]) if is_found else ""]
    wrong = OUTCOMES[outcome] if outcome == "missed" or (is_found and outcome != "right") else ""
    note = " ".join(part for part in told if part) + (f" · {wrong}" if wrong else "")
    look = outcome if outcome in ("right", "missed", "invented") else "off" if is_found else "right"
    return Mark(span["start"], span["end"], note, f"k{kinds.get(kind, 0)} {look}")


def _facts(row: Shown, marked: Sequence[Sided], found: Sequence[Sided]) -> Markup:
    counts = Counter(side.outcome for side in marked) + Counter(
        side.outcome for side in found if side.outcome == "invented"
    )
    told = [tag("span", f"{OUTCOMES[name]} ", tag("b", counts[name])) for name in OUTCOMES if counts[name]]
    place = row.get("source") or row.get("id")
    return tag("p", *told, tag("span", place) if place else None, class_="facts")

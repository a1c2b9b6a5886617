"""Spans as the data give them → spans that can be learnt, with a word about every one that had to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tunesmith.core.example import Span
from tunesmith.core.report import Finding, Severity
from tunesmith.core.words import words_of
from tunesmith.data.findings import count_of, have, note_rows, shorten
from tunesmith.data.spanlist import Marked
from tunesmith.data.table import Table

BAD = ("lengths", "unreadable", "outside", "no_text")
"""What makes a row bad: `data.on_bad_row` decides what becomes of it."""

_SAID: dict[str, tuple[str, Severity, str, str]] = {
    "no_text": ("K108", "warning", "{rows} no text{fate}.", "Fill or remove the rows. {how}"),
    "no_spans": ("K109", "warning", "{rows} not been marked{fate}.",
                 "Mark or remove the rows; an empty list says that there is nothing to mark."),
    "lengths": ("K140", "warning", "{rows} not as many tags as tokens{such}{fate}.", "Mend the rows. {how}"),
    "unreadable": ("K141", "warning", "{rows} spans that cannot be read{such}{fate}.", "Mend the rows. {how}"),
    "outside": ("K141", "warning", "{rows} a span that is empty or not within the text{such}{fate}.",
                "Mend the rows; start counts from 0, and end is behind the last character. {how}"),
    "overlap": ("K142", "warning", "{rows} spans that overlap{such}; the longest was kept, of equals the first.",
                "Mark every stretch once, or train one model for each layer of spans."),
    "text": ("K143", "warning", "{rows} a span whose text is not what stands there{such}; the offsets were believed.",
             "Look at the rows: the text may have been changed after it was marked."),
    "units": ("K143", "note", "{rows} offsets that count UTF-16 units and not characters; they were converted.", ""),
    "cut": ("K144", "warning", "{rows} a span that begins or ends within a word{such}.",
            "Mark whole words: the model learns and answers those, and is scored against the spans as they are."),
    "trimmed": ("K145", "note", "{rows} a span with white space at its ends, which was taken off.", ""),
    "broken": ("K146", "warning", "{rows} a broken sequence of tags, {times} in all{such}; what breaks begins anew.",
               "Mend the tags."),
    "empty": ("K148", "note", "{rows} an empty token, which was left out.", ""),
    "unclosed": ("K149", "warning", "{rows} marks that do not open or close; they were read as text.",
                 "Mend the marks; write a bracket that is text as \\[ or \\<. Marks do not nest."),
    "several": ("K120", "note", "{rows} been marked by several people; the first of them was believed.",
                "Decide which is right, and export that."),
}  # fmt: skip


@dataclass(slots=True)
class Repairs:
    """What was wrong in which rows of a file: kind of fault → places in the table, each as often as it occurs."""

    places: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, place: int, example: str = "") -> None:
        """Remember that the row at `place` has this fault; the first example is shown."""
        self.places.setdefault(what, []).append(place)
        self.examples.setdefault(what, example)

    def findings(self, table: Table, on_bad_row: str) -> Iterator[Finding]:
        """Yield a finding for every kind of fault."""
        how = "data.on_bad_row: error, skip or keep."
        for what, (code, severity, message, remedy) in _SAID.items():
            if what not in self.places:
                continue
            places = list(dict.fromkeys(self.places[what]))
            bad = what in BAD or what == "no_spans"
            stops = bad and on_bad_row == "error"
            kept = "; kept" if on_bad_row == "keep" and what in BAD else "; left out"
            text = message.format(
                rows=have(len(places), "row"),
                times=count_of(len(self.places[what]), "break"),
                such=f" (such as {self.examples[what]})" if self.examples[what] else "",
                fate="" if stops else kept if bad else "",
            )
            rows = table.rows[places].tolist()
            yield note_rows(code, "error" if stops else severity, table.name, text, remedy.format(how=how), rows)


def repaired(
    place: int, text: str, marked: Sequence[Marked], words: Sequence[tuple[int, int]], repairs: Repairs
) -> tuple[tuple[Span, ...], bool]:
    """Return the spans of a row in order, without overlaps and white space at their ends, and whether all are in it.

    Args:
        place: of the row, for `repairs`.
        text: that the offsets count in.
        marked: the spans as given.
        words: start and end of each word; empty where the text is to be parted here.
        repairs: gets a note of everything that was mended.
    """
    fitting = _in_characters(place, text, marked, repairs)
    inside = [
        span for span in fitting if 0 <= span.start < span.end <= len(text) and text[span.start : span.end].strip()
    ]
    if len(inside) < len(fitting):
        wrong = next(span for span in fitting if span not in inside)
        repairs.note("outside", place, f"{wrong.start} to {wrong.end} in {count_of(len(text), 'character')}")
    spans = [_trimmed(place, text, span, repairs) for span in inside]
    spans = _apart(place, text, spans, repairs)
    if spans:
        borders = words or words_of(text)
        starts, ends = {start for start, _ in borders}, {end for _, end in borders}
        for span in spans:
            if span.start not in starts or span.end not in ends:
                repairs.note("cut", place, _around(text, span))
    return tuple(spans), len(inside) == len(fitting)


def _in_characters(place: int, text: str, marked: Sequence[Marked], repairs: Repairs) -> list[Marked]:
    """Return the spans with offsets in characters: what was written by JavaScript counts an emoji as two.

    It shows where the data say what a span covers, and it is that only if counted so.
    """
    wrong = [span for span in marked if span.text is not None and text[span.start : span.end] != span.text]
    if not wrong:
        return list(marked)
    units = [at for at, character in enumerate(text) for _ in range(1 + (ord(character) > 0xFFFF))]
    units.append(len(text))
    if len(units) > len(text) + 1 and all(0 <= span.start < span.end < len(units) for span in marked):
        converted = [Marked(units[span.start], units[span.end], span.label, span.text) for span in marked]
        if all(span.text is None or text[span.start : span.end] == span.text for span in converted):
            repairs.note("units", place)
            return converted
    for span in wrong:
        if span.text is not None and text[span.start : span.end].split() != span.text.split():
            there = f'"{shorten(text[span.start : span.end], 30)}" for "{shorten(span.text, 30)}"'
            repairs.note("text", place, there)
    return list(marked)


def _trimmed(place: int, text: str, span: Marked, repairs: Repairs) -> Span:
    inner = text[span.start : span.end]
    start = span.start + len(inner) - len(inner.lstrip())
    end = span.end - len(inner) + len(inner.rstrip())
    if (start, end) != (span.start, span.end):
        repairs.note("trimmed", place)
    return Span(start, end, span.label)


def _apart(place: int, text: str, spans: Sequence[Span], repairs: Repairs) -> list[Span]:
    """Return the spans in order, of overlapping ones the longest, of equally long ones the first; twins once."""
    ordered = sorted(set(spans))
    if all(one.end <= two.start for one, two in pairwise(ordered)):
        return ordered
    kept: list[Span] = []
    for span in sorted(dict.fromkeys(spans), key=lambda span: (span.start - span.end, span.start)):
        rival = next((other for other in kept if span.start < other.end and other.start < span.end), None)
        if rival is None:
            kept.append(span)
        else:
            repairs.note("overlap", place, f"{_quoted(text, rival)} and {_quoted(text, span)}")
    return sorted(kept)


def _quoted(text: str, span: Span) -> str:
    return f'"{shorten(text[span.start : span.end], 30)}" ({span.label})'


def _around(text: str, span: Span) -> str:
    """Return a span with brackets in the letters around it."""
    before, after = text[max(0, span.start - 12) : span.start], text[span.end : span.end + 12]
    return f'"{shorten(before, 12)}[{shorten(text[span.start : span.end], 30)}]{shorten(after, 12)}"'

"""Where rules mark spans in a text: the places of what they look for, in whole words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tunesmith.core.example import Example, Span
from tunesmith.errors import Fault
from tunesmith.knowledge.rules import Row, Rules
from tunesmith.text.windows import units_of


class Mark(NamedTuple):
    """A stretch of words of which a rule says that it is a span.

    Args:
        first: word.
        end: the word behind the last.
        span: what it would be.
        rule: the place of the rule.
    """

    first: int
    end: int
    span: Span
    rule: int


def marks_of(rules: Rules, example: Example) -> list[Mark]:
    """Return what each rule marks in a text, once each, in order; marks may overlap.

    A stretch takes every word that it shares a character with, as spans of the data do. Of the terms of a rule that
    lie inside each other only the longest is marked.
    """
    words = units_of(example)
    starts, ends = [start for start, _ in words], [end for _, end in words]
    row, found = Row.of(example), []
    for at, rule in enumerate(rules.rules):
        bounds = {(bisect_right(ends, start), bisect_left(starts, end)) for start, end in rule.places(row)}
        for first, end in bounds:
            if first < end:
                found.append(Mark(first, end, Span(starts[first], ends[end - 1], rule.label), at))
    return sorted(found)


def longest_first(marks: Iterable[Mark]) -> list[Mark]:
    """Return marks that do not overlap: the longest, of equal ones the first, and of the others what is left."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.first - mark.end, mark)):
        if all(mark.end <= other.first or other.end <= mark.first for other in kept):
            kept.append(mark)
    return sorted(kept)


def spans_of(example: Example) -> Sequence[Span]:
    """Return the spans that are marked in a labelled row."""
    assert isinstance(example.target, tuple), f"{example.source} has no spans"
    return [part for part in example.target if isinstance(part, Span)]


def counted(rules: Rules, rows: Sequence[Example]) -> list[tuple[int, int]]:
    """Return of each rule how many of its marks are spans of the data, kind and bounds, and how many there are."""
    right, total = [0] * len(rules.rules), [0] * len(rules.rules)
    for row in rows:
        spans = set(spans_of(row))
        for mark in marks_of(rules, row):
            total[mark.rule] += 1
            right[mark.rule] += mark.span in spans
    return list(zip(right, total, strict=True))


def unmarkable(rules: Rules) -> list[Fault]:
    """Return a fault for each rule that names no kind of spans (K812), or no place in a text (K813)."""
    faults = []
    for rule in rules.rules:
        if rule.against or not rule.label:
            said = "votes against one" if rule.against else "leaves open what it votes for"
            message = f"the rule {said}, and in `tag` a rule marks spans of a kind."
            faults.append(Fault("K812", rule.where, message, "Name the kind under `label`; `unless` narrows a rule."))
        elif rule.terms is None and rule.pattern is None:
            message = "the rule looks for nothing that stands at a place in the text."
            faults.append(Fault("K813", rule.where, message, "Give `list`, `words` or `pattern`."))
    return faults

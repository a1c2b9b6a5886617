"""Labelled rows with other terms in the place of their spans: what a list holds, learnt where it could stand."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from tunesmith.core.example import Example, Span, TextExample, TokenExample
from tunesmith.core.words import words_of
from tunesmith.knowledge.places import counted, spans_of
from tunesmith.knowledge.rules import Rules


def swapped(rules: Rules, rows: Sequence[Example], copies: int, seed: int) -> list[Example]:
    """Return copies of rows in which every span is another term of its kind; of rows without such a span none.

    Terms are those of rules that look for nothing else, and that are not wrong more often than not on these rows. They
    are drawn with a seed, as they are written in the list, from those with letters and without wildcards. Spans of
    kinds without terms stay.

    Args:
        rules: each for a kind of spans.
        rows: labelled.
        copies: of each row.
        seed: of the draw.

    Source: Dai and Adel 2020, An Analysis of Simple Data Augmentation for Named Entity Recognition, who replace
        mentions by others of the training rows; a list holds more of them.
    """
    terms = _terms(rules, rows)
    draws = random.Random(seed)
    some = [row for row in rows if any(span.label in terms for span in spans_of(row))]
    return [_swapped(row, terms, draws) for _ in range(copies) for row in some]


def _terms(rules: Rules, rows: Sequence[Example]) -> dict[str, list[str]]:
    """Return the terms of each kind, in order."""
    found: dict[str, set[str]] = defaultdict(set)
    for rule, (right, total) in zip(rules.rules, counted(rules, rows), strict=True):
        if rule.teaches and rule.terms is not None and 2 * right >= total:
            said = rule.terms.written
            found[rule.label].update(term for term in said if "*" not in term and regex.search(r"\p{L}", term))
    return {kind: sorted(some) for kind, some in found.items() if some}


def _swapped(row: Example, terms: Mapping[str, Sequence[str]], draws: random.Random) -> Example:
    assert isinstance(row, TextExample), f"{row.source} is no text"
    pieces: list[str] = []
    spans: list[Span] = []
    words: list[tuple[int, int]] = []
    known = row.words if isinstance(row, TokenExample) else ()
    length = behind = 0
    for span in [*sorted(spans_of(row)), None]:
        before = row.text[behind : span.start if span else len(row.text)]
        words += [
            (start - behind + length, end - behind + length) for start, end in known
            if behind <= start and end <= behind + len(before)
        ]  # fmt: skip
        pieces.append(before)
        length += len(before)
        if span is None:
            break
        term = draws.choice(terms[span.label]) if span.label in terms else row.text[span.start : span.end]
        spans.append(Span(length, length + len(term), span.label))
        words += [(start + length, end + length) for start, end in words_of(term)]
        pieces.append(term)
        length, behind = length + len(term), span.end
    made = replace(row, id=f"{row.id}+", text="".join(pieces), target=tuple(spans))
    return replace(made, words=tuple(words)) if isinstance(made, TokenExample) and known else made

"""Try rules on rows with marked spans: how much they mark, how much of it is right, and what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import shorten
from typing import Any

from tunesmith.core.example import Example, texts_of
from tunesmith.data.examples import examples_of
from tunesmith.data.rows import Prepared
from tunesmith.errors import raise_faults
from tunesmith.evaluation.interval import proportion
from tunesmith.jobs.marking import mark_records, mark_shortcomings
from tunesmith.knowledge.places import Mark, longest_first, marks_of, spans_of, unmarkable
from tunesmith.knowledge.rules import Rules

SHOWN, CUT = 3, 100
"""Rows that are shown of a rule, and characters of their texts."""


def short(text: str) -> str:
    """Return a text on one line, cut, without signs that a terminal would obey."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 20 * CUT])
    return shorten(plain, CUT, placeholder=" …")


def try_marks(rules: Rules, prepared: Prepared) -> dict[str, Any]:
    """Return what rules mark in the rows of a file, as `rules.try_rules` says it.

    Raises:
        InputError: a rule can mark nothing (K801, K812, K813), contradicts another (K804), or looks at a column that
            is not there (K106) or holds the spans (K810).
    """
    file = prepared.files["train"]
    known = [prepared.columns[role] for role in ("tags", "spans") if role in prepared.columns]
    missing = rules.missing_columns(file.table.columns)
    raise_faults([*missing, *(fault for column in known for fault in rules.at_label(column))])
    rows = list(examples_of(file, prepared, [], rules.columns))
    kinds = Counter(span.label for row in rows for span in spans_of(row))
    raise_faults([*unmarkable(rules), *rules.unknown(sorted(kinds)), *rules.contradictions(several=False)])
    told = mark_records(rules, rows)
    marks = [marks_of(rules, row) for row in rows]
    numbers = file.numbers.tolist()
    return {
        "rows": len(rows), "left_out": file.table.rows_read - len(rows), "labels": dict(sorted(kinds.items())),
        "rules": [
            {**one, "examples": _examples(at, rows, marks, numbers)} for at, one in enumerate(told)
        ],
        "vote": _together(rows, marks),
        "findings": [finding.as_dict() for finding in mark_shortcomings(rules, told, file.name)],
    }  # fmt: skip


def _together(rows: Sequence[Example], marks: Sequence[Sequence[Mark]]) -> dict[str, Any]:
    """Return what all rules say together."""
    kept = [[mark.span for mark in longest_first(some)] for some in marks]
    spans = [set(spans_of(row)) for row in rows]
    right = sum(span in known for some, known in zip(kept, spans, strict=True) for span in some)
    given, total = sum(map(len, kept)), sum(map(len, spans))
    places = [{mark.span for mark in some} for some in marks]
    return {
        "decided": given, "conflicts": sum(map(len, places)) - given,
        "accuracy": asdict(proportion(right, given)) if given else None,
        "found": asdict(proportion(right, total)) if total else None, "chance": None,
    }  # fmt: skip


def _examples(
    at: int, rows: Sequence[Example], marks: Sequence[Sequence[Mark]], numbers: Sequence[int]
) -> list[dict[str, Any]]:  # fmt: skip
    """Return rows in which a rule marks what is no span."""
    shown: list[dict[str, Any]] = []
    for row, some, number in zip(rows, marks, numbers, strict=True):
        known, text = set(spans_of(row)), texts_of(row)[0]
        wrong = [mark.span for mark in some if mark.rule == at and mark.span not in known]
        if wrong and len(shown) < SHOWN:
            shown.append({
                "row": number, "text": short(text),
                "found": [short(text[span.start : span.end]) for span in wrong[:SHOWN]],
                "labels": [short(text[span.start : span.end]) for span in sorted(known)[:SHOWN]],
            })  # fmt: skip
    return shown

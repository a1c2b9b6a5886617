"""What rules are worth that mark spans: how often they are right, and what they do where they know nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tunesmith.core.example import Example, Span
from tunesmith.core.report import Finding
from tunesmith.core.task import Array
from tunesmith.data.findings import note_rows
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.interval import bootstrap, proportion
from tunesmith.evaluation.spans import SPANS
from tunesmith.knowledge.places import marks_of, spans_of
from tunesmith.knowledge.rules import Rules

SPLIT = ("span_f1", "span_precision", "span_recall")
"""Figures of spans that rules hold, and of those that they do not."""
COMPARED = ("span_f1", "span_recall")
"""Those in which model and rules are compared there."""


def mark_records(rules: Rules, examples: Sequence[Example], *, labelled: bool = True) -> list[dict[str, Any]]:
    """Return of every rule how many stretches it marks, how many of them are spans of the data, and how many it finds.

    Returns:
        as `knowledge.record.record`, in marks: `fires` of them, on a `share` of the rows, with `accuracy` the share of
        the marks that are spans of the kind, with just these bounds; and `found`, the share of the spans of the kind
        that are marked. None where there is nothing to count.
    """
    marks = [marks_of(rules, row) for row in examples]
    spans = [set(spans_of(row)) if labelled else set() for row in examples]
    told = []
    for at, rule in enumerate(rules.rules):
        own = [{mark.span for mark in some if mark.rule == at} for some in marks]
        fires, rows = sum(map(len, own)), sum(map(bool, own))
        right = sum(len(some & known) for some, known in zip(own, spans, strict=True))
        total = sum(span.label == rule.label for known in spans for span in known)
        told.append({
            "name": rule.name, "where": rule.where, "label": rule.label, "against": False, "fires": fires,
            "share": rows / max(1, len(examples)),
            "accuracy": asdict(proportion(right, fires)) if labelled and fires else None, "chance": None,
            "found": asdict(proportion(right, total)) if labelled and total else None,
        })  # fmt: skip
    return told


def mark_shortcomings(rules: Rules, records: Sequence[dict[str, Any]], name: str) -> list[Finding]:
    """Return a finding for each rule that marks nothing (K803), or is wrong more often than not (K814)."""
    found: list[Finding] = []
    for rule, one in zip(rules.rules, records, strict=True):
        accuracy = one["accuracy"]
        if not one["fires"]:
            message = f'"{rule.name}" marks nothing in {name}.'
            found.append(note_rows("K803", "warning", rule.where, message, "Widen it, or leave it out."))
        elif accuracy and accuracy["value"] < 0.5:
            message = (
                f'of the {accuracy["n"]:,} stretches that "{rule.name}" marks, {100 * accuracy["value"]:.0f} % are '
                f"spans of the kind {rule.label}, with just these bounds; it will not be heard."
            )
            found.append(note_rows("K814", "warning", rule.where, message, "Narrow it, or leave it out."))
    return found


def held_of(rules: Rules, examples: Sequence[Example]) -> list[set[Span]]:
    """Return what the rules mark in each text, heard or not."""
    return [{mark.span for mark in marks_of(rules, row)} for row in examples]


def by_holding(
    rules: Rules, examples: Sequence[Example], truth: Array, fused: Array, without: Array, *, resamples: int, seed: int
) -> dict[str, Any]:  # fmt: skip
    """Return the figures of spans that the rules hold, and of those that they do not.

    A span, marked in the data or given, is held where a rule marks just these bounds as its kind. So both parts
    together are all spans, and a list that helps on what it holds must not hide what it does to the rest.

    Args:
        rules: that were set beside the model.
        examples: N rows.
        truth: their spans, [N].
        fused: what the model says with the rules, [N].
        without: what it says alone, [N].
        resamples: of the rows.
        seed: of the resamples.

    Returns:
        `held` and `not_held`, each `{spans, with, without, compared}`: how many spans of the data that are, scores by
        name, and by name what sets the two apart, as `evaluation.compare.pair` says it.
    """
    known = held_of(rules, examples)
    figures = {name: SPANS[name] for name in SPLIT}
    names = ("the model with its rules", "the model alone")
    told = {}
    for part, wanted in (("held", True), ("not_held", False)):
        kept, first, second = (_part(spans, known, wanted) for spans in (truth, fused, without))
        scores = {
            side: bootstrap(figures, kept, spans, resamples=resamples, seed=seed)
            for side, spans in (("with", first), ("without", second))
        }
        told[part] = {
            "spans": sum(map(len, kept)),
            **{side: {name: asdict(score) for name, score in some.items()} for side, some in scores.items()},
            "compared": {
                name: pair(name, figures, kept, first, second, resamples=resamples, seed=seed, titles=names)
                for name in COMPARED
            },
        }
    return told


def _part(spans: Array, known: Sequence[set[Span]], wanted: bool) -> Array:
    return as_objects(
        tuple(one for one in some if (Span(one.start, one.end, one.label) in held) == wanted)
        for some, held in zip(spans, known, strict=True)
    )

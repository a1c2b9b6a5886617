"""What a glossary did, and what a run is worth without each source of its knowledge."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_knowledge import AblatedData, GlossaryData
from tunesmith.core.report_schema import ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.sections.section import table

_SPLITS = ("train", "test")
_TOKENS = 12
"""New tokens that a sentence names."""


def glossary(found: GlossaryData | None) -> Markup | None:
    """Return how many rows have terms, what was done there, and the terms that most train rows have."""
    if not found:
        return None
    return join(
        tag("h3", "The glossary"),
        tag("p", f"{found.get('file', 'The glossary')} holds {words.count(found.get('terms', 0))} terms."),
        table(["Rows", "train", "test"], _done(found), (1, 2), "Rows that the glossary changed"),
        tag("p", _tokens(found)) if found.get("tokens") else None,
        _terms(found),
    )


def ablation(report: ReportData, found: Sequence[AblatedData]) -> Markup | None:
    """Return a table of what was left out, what the run is worth then, and what that says."""
    if not found:
        return None
    metric = report.get("metric", "")
    body: list[list[Child]] = [
        [
            one.get("left_out", ""), _score(metric, one), _difference(metric, one), one.get("sentence", "")
        ]
        for one in found
    ]  # fmt: skip
    side = "below" if words.metric_name(metric).lower_is_better else "above"
    said = (
        "Each line is a training on the same rows with the same seed, without one source of knowledge. The difference "
        f"is the run's score less this one's, paired by test row: {side} 0 the source helps. An interval that holds 0 "
        "means that these rows cannot tell."
    )
    head = ["Left out", words.metric_name(metric).title, "Difference", "Which says"]
    return join(tag("h3", "Without each source"), tag("p", said), table(head, body, (1, 2), "What each source gave"))


def _done(found: GlossaryData) -> list[list[Child]]:
    lines = {"looked at": found.get("looked"), "with a term or an alias": found.get("rows")}
    lines |= {"with an alias that is read as its term": found.get("aliases")}
    lines |= {f"with definitions behind them, {found.get('budget')} tokens at most": found.get("definitions")}
    return [[title, *(words.count(counts.get(s, 0)) for s in _SPLITS)] for title, counts in lines.items() if counts]


def _tokens(found: GlossaryData) -> str:
    tokens = found.get("tokens") or []
    named = ", ".join(f"{one.get('text')} ({one.get('pieces')} pieces)" for one in tokens[:_TOKENS])
    more = f" and {len(tokens) - _TOKENS} more" if len(tokens) > _TOKENS else ""
    count = "A term is a token now" if len(tokens) == 1 else f"{len(tokens)} terms are tokens now"
    still = "" if found.get("moved") else " The training left the embeddings as they are, so each is still that mean."
    return f"{count}, each having started from the mean of its pieces: {named}{more}.{still}"


def _terms(found: GlossaryData) -> Markup | None:
    body: list[list[Child]] = [
        [breakable(one.get("term", "")), words.count(one.get("train", 0)), words.count(one.get("test", 0))]
        for one in found.get("found") or []
    ]
    return (
        table(["Term", "Train rows", "Test rows"], body, (1, 2), "Terms and the rows that have them") if body else None
    )


def _score(metric: str, one: AblatedData) -> Child:
    score = one.get("score") or {}
    if "value" not in score:
        return "–"
    return join(words.figure(metric, score["value"]), _range(words.interval(metric, score)))


def _difference(metric: str, one: AblatedData) -> Child:
    difference = one.get("difference") or {}
    if "value" not in difference:
        return "–"
    return join(words.difference(metric, difference), _range(words.difference_interval(metric, difference)))


def _range(bounds: str) -> Markup | None:
    return tag("span", bounds, class_="range") if bounds else None

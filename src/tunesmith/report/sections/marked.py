"""What rules gave that mark spans: each rule, and the figures of what they hold beside those of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunesmith.core.report_knowledge import HeldData, KnowledgeData, RuleData
from tunesmith.core.report_schema import ScoreData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.sections.section import table

_PARTS = {"held": "Spans that the rules hold", "not_held": "Spans that they do not hold"}
_FIGURES = {"span_f1": "F1", "span_precision": "Precision", "span_recall": "Recall"}


def marked(found: KnowledgeData) -> Markup:
    """Return the tables of rules that mark spans."""
    return join(_mentions(found.get("mentions") or {}), _rules(found.get("rules") or [], found.get("misses") or {}))


def _mentions(parts: Mapping[str, HeldData]) -> Markup | None:
    if not parts:
        return None
    body: list[list[Child]] = []
    for key, title in _PARTS.items():
        part = parts.get(key, {})
        for said, scores in (("model with rules", part.get("with")), ("model alone", part.get("without"))):
            figures = [_score(name, (scores or {}).get(name)) for name in _FIGURES]
            body.append([title, said, words.count(part.get("spans", 0)), *figures])
    head = ["Spans", "Said by", "In test rows", *_FIGURES.values()]
    meaning = (
        "A span, marked in the data or given by a model, is held where a rule marks just these bounds as its kind. "
        "Rules should help with what they hold, and do no harm to what they do not."
    )
    verdicts = [
        tag("li", f"{_PARTS[key]}: {verdict}")
        for key, part in parts.items() if key in _PARTS
        for compared in (part.get("compared") or {}).values() if (verdict := compared.get("verdict"))
    ]  # fmt: skip
    return join(
        tag("h3", "What they hold, and what they do not"),
        tag("p", meaning),
        table(head, body, (2, 3, 4, 5), "Figures of spans that the rules hold and of the rest"),
        tag("ul", *verdicts) if verdicts else None,
    )


def _rules(found: Sequence[RuleData], misses: Mapping[str, float]) -> Markup | None:
    if not found:
        return None
    body: list[list[Child]] = [
        [
            breakable(rule.get("name", "")), breakable(rule.get("label", "")), f"{rule.get('weight', 0.0):.2f}",
            words.count(rule.get("fires", 0)), _score("accuracy", rule.get("accuracy")),
            _score("accuracy", rule.get("found")),
        ]
        for rule in found
    ]  # fmt: skip
    costs = ", ".join(f"{cost:.2f} for {kind}" for kind, cost in misses.items())
    said = (
        "A span that a rule marks exactly adds weight × strength to the logarithm of what a reading of the text "
        f"weighs; one that no rule marks costs {costs or 'nothing'}. Labelled rows decide both: 0 is a rule that is "
        "wrong more often than not."
    )
    head = ["Rule", "Marks", "Weight", "Marks in test rows", "Right", "Finds of its kind"]
    return join(tag("h3", "Each rule"), tag("p", said), table(head, body, (2, 3, 4, 5), "Rules and their weights"))


def _score(name: str, score: ScoreData | None) -> Child:
    if not score or "value" not in score:
        return "–"
    bounds = words.interval(name, score)
    return join(words.percent(score["value"]), tag("span", bounds, class_="range") if bounds else None)

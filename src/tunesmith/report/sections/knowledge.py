"""What the rules of the team gave, beside the model and alone."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.report_knowledge import KnowledgeData, RuleData
from tunesmith.core.report_schema import ReportData
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.plots.scores import ScoreRow, score_plot
from tunesmith.report.sections.glossary import ablation, glossary
from tunesmith.report.sections.marked import marked
from tunesmith.report.sections.section import Section, figure, table

_WIDE, _NARROW = 860, 340
_ALONE = "rules"


def knowledge(report: ReportData) -> Section | None:
    """Return what the model is worth with its rules and without, what each rule does, and what a glossary did."""
    found = report.get("knowledge")
    if not found:
        return None
    verdict = (found.get("compared") or {}).get("verdict")
    body = join(
        tag("p", verdict, class_="lead") if verdict else None,
        _plot(report, found),
        _reach(report, found),
        marked(found) if "mentions" in found else _rules(found.get("rules") or []),
        glossary(found.get("glossary")),
        ablation(report, found.get("ablation") or []),
    )
    more = "glossary" in found or "ablation" in found
    return Section("knowledge", "What the team's knowledge gave" if more else "What the rules gave", body)


def _plot(report: ReportData, found: KnowledgeData) -> Markup | None:
    metric = report.get("metric", "")
    alone = (report.get("baselines") or {}).get(_ALONE) or {}
    scores = {
        "Model with rules": report.get("test"), "Model alone": found.get("without"), "Rules alone": alone.get("scores"),
    }  # fmt: skip
    known = {title: words.main_score(each, metric) for title, each in scores.items()}
    rows = [ScoreRow(title, score, title == "Model with rules") for title, score in known.items() if score is not None]
    if len(rows) < 2:
        return None
    return figure(join(score_plot(rows, metric, _WIDE), score_plot(rows, metric, _NARROW)))


def _reach(report: ReportData, found: KnowledgeData) -> Markup | None:
    total = (report.get("data") or {}).get("test")
    if "reached" not in found or "changed" not in found or not total:
        return None
    reached, changed = found["reached"], found["changed"]
    learnt = (
        " The model alone has learnt from terms of the rules, too: what that gave, only a training with "
        "knowledge.terms=false can say."
        if found.get("learnt")
        else ""
    )
    return tag(
        "p",
        f"Rules of {found.get('file', 'the team')} fire on {words.count(reached)} of {words.rows(total, 'test row')} "
        f"({words.percent(reached / total)}) and change the answer to {words.count(changed)}.{learnt}",
    )


def _rules(found: Sequence[RuleData]) -> Markup | None:
    if not found:
        return None
    body: list[list[Child]] = [
        [
            breakable(rule.get("name", "")),
            breakable(_votes(rule)),
            f"{rule.get('weight', 0.0):.2f}",
            words.count(rule.get("fires", 0)),
            _right(rule),
            words.percent(rule["chance"]) if "chance" in rule else "–",
        ]
        for rule in found
    ]
    head = ["Rule", "Votes", "Weight", "Test rows", "Right there", "By chance"]
    said = (
        "A rule begins with a weight of 0.5, or 0.2 where the model has learnt from its terms, and labelled "
        "rows move it: 0 is one that they contradict, or that tells the model nothing new. A hit adds weight × "
        "strength × log₂(1 + hits) to the log probability of its label."
    )
    return join(tag("h3", "Each rule"), tag("p", said), table(head, body, (2, 3, 4, 5), "Rules and their weights"))


def _right(rule: RuleData) -> Child:
    score = rule.get("accuracy")
    if not score or "value" not in score:
        return "–"
    bounds = words.interval("accuracy", score)
    return join(words.percent(score["value"]), tag("span", bounds, class_="range") if bounds else None)


def _votes(rule: RuleData) -> str:
    """Return what a rule votes for or against; of one that learns, what it learnt above all."""
    if rule.get("label"):
        return f"{'against' if rule.get('against') else 'for'} {rule['label']}"
    return f"learnt: {rule.get('votes', '')}"

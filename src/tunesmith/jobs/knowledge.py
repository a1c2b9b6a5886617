"""What a team knows beside its rows: read, checked on the rows, and set beside the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tunesmith.core.example import Example, targets_of
from tunesmith.core.fusion import Asked
from tunesmith.core.report import Finding
from tunesmith.core.task import Array, Task
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.limit import drawn
from tunesmith.jobs.marking import by_holding, held_of, mark_records, mark_shortcomings
from tunesmith.knowledge.marks import Marks, word_scores
from tunesmith.knowledge.places import unmarkable
from tunesmith.knowledge.record import record, rightness, shortcomings
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row, Rules
from tunesmith.knowledge.swapped import swapped
from tunesmith.knowledge.vote import Votes
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.jobs.summary import Tested
    from tunesmith.jobs.tune import Tuned
    from tunesmith.jobs.workshop import Workshop

VOTED_ON, MARKED_IN = ("classify", "pair"), ("tag",)
"""Tasks whose rows have one label, on which rules can vote beside a model, and those in whose texts they mark spans."""
Beside: TypeAlias = Votes | Marks
"""Rules beside a model, as votes or as marks."""
ALONE = "rules"
"""What the rules alone are called among the baselines."""
RULES = "rules"
"""The role of a file of rules in a lock; those of its lists stand below it."""
MOST = 10_000
"""Train rows at most by which rules are weighed: a share of them is then known to a point."""
COPIES, FEW = 1, 1_000
"""Copies of a row with other terms in the place of its spans, and rows up to which there are some."""


def open_rules(recipe: Recipe) -> Rules | None:
    """Return the rules that a recipe names; None where it names none.

    Raises:
        InputError: the file cannot be read, or rules are wrong, each with its line.
    """
    return None if recipe.knowledge.rules is None else read_rules(recipe.knowledge.rules)


def rule_files(rules: Rules) -> dict[str, Path]:
    """Return the files that rules were read from by their role in a lock."""
    return {f"{RULES}/{number}" if number else RULES: path for number, path in enumerate(rules.files)}


def check_rules(
    rules: Rules, task: Task, train: Sequence[Example], name: str, columns: Mapping[str, str]
) -> list[Finding]:  # fmt: skip
    """Return what is notable about rules on the train rows, of which 10,000 are looked at.

    Args:
        rules: as they were read.
        task: fitted.
        train: rows to learn from.
        name: of their file.
        columns: of the file, by their roles.

    Raises:
        InputError: rows of the task have neither a single label nor spans (K808), a rule votes on a label that no row
            has (K801), or two vote otherwise under the same conditions (K804); one looks at the label (K810). In `tag`,
            a rule names no kind (K812), or looks for nothing that stands at a place (K813).
    """
    if task.name not in (*VOTED_ON, *MARKED_IN):
        message = f"rules vote on the label of a row or mark spans in its text, and the task is {task.name}."
        raise InputError(Fault("K808", str(rules.files[0]), message, "Leave knowledge.rules out."))
    marks = task.name in MARKED_IN
    told = [columns.get(role) for role in task.gold if role != "tokens"]
    raise_faults(
        [
            *(unmarkable(rules) if marks else ()), *rules.unknown(task.labels), *rules.contradictions(several=False),
            *(fault for column in told if column for fault in rules.at_label(column)),
        ]
    )  # fmt: skip
    some = drawn(train, MOST, 0)
    if marks:
        return mark_shortcomings(rules, mark_records(rules, some), name)
    return shortcomings(rules, records(rules, fires_on(rules, some), some), name)


def fires_on(rules: Rules, examples: Sequence[Example]) -> Array:
    """Return whether each rule fires on each row, bool [N, R]."""
    return np.asarray(rules.counts(Row.of(example) for example in examples) > 0)


def records(rules: Rules, fires: Array, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return of every rule how many of the rows it reaches, and on how many it is right; `fires` is [N, R]."""
    targets = [(str(target),) for target in targets_of(examples)]
    return [record(rule, fires[:, at], rightness(rule, targets)) for at, rule in enumerate(rules.rules)]


def taught(shop: Workshop, train: Sequence[Example]) -> list[Example]:
    """Return rows that stand beside few train rows of `tag`: copies with terms of the rules in the place of spans."""
    asked = shop.recipe.knowledge.terms and shop.task.name in MARKED_IN and len(train) <= FEW
    return swapped(shop.rules, train, COPIES, shop.recipe.seed) if shop.rules and asked else []


def rules_beside(
    shop: Workshop, tuned: Tuned, train: Sequence[Example], answers: Array, asked: Asked
) -> Beside | None:  # fmt: skip
    """Return the rules with the weights that labelled rows give them; None where there are none, or they do not vote.

    Args:
        shop: what the run's trainings share.
        tuned: the training on `train`.
        train: rows that the model was trained on.
        answers: what it says of rows that it was not trained on, calibrated.
        asked: these rows, with what it says of their units.
    """
    if shop.rules is None or not shop.recipe.knowledge.vote:
        return None
    heard, seed = tuned.hinted.has_terms or bool(shop.weak), shop.recipe.seed
    return weigh_rules(shop.rules, shop.task, train, answers, asked, seed=seed, heard=heard)


def weigh_rules(
    rules: Rules, task: Task, train: Sequence[Example], answers: Array, asked: Asked, *, seed: int, heard: bool
) -> Beside:  # fmt: skip
    """Return rules with the weights that labelled rows give them; of train rows 10,000 are looked at.

    Args:
        rules: checked.
        task: fitted.
        train: rows that the model was trained on.
        answers: what it says of rows that it was not trained on, calibrated.
        asked: these rows, with what it says of their units.
        seed: of the draw.
        heard: whether it has learnt from terms of the rules.
    """
    dev = asked.examples
    seen = [*drawn(train, MOST, seed), *dev]
    if task.name in MARKED_IN:
        return Marks.fit(rules, task.labels, seen, dev, word_scores(asked))
    return Votes.fit(rules, task.labels, seen, task.truth(seen), dev, task.truth(dev), answers, heard=heard)


def vote_alone(votes: Beside, task: Task, train: Sequence[Example], test: Sequence[Example]) -> Array:
    """Return what the rules say of test rows without a model."""
    if isinstance(votes, Marks):
        return votes.alone(train, test)
    shares = np.bincount(task.truth(train), minlength=len(task.labels)) / len(train)
    return votes.alone(shares, test)


def knowledge_part(
    recipe: Recipe, task: Task, votes: Beside, metric: str, tested: Tested, *, learnt: bool
) -> dict[str, Any]:  # fmt: skip
    """Return `knowledge` of report.json: what the rules gave on the test rows.

    Args:
        recipe: complete.
        task: fitted.
        votes: that ship.
        metric: that decides.
        tested: the rows, what model and rules say of them, and what the model says alone.
        learnt: whether it has learnt from terms of the rules.
    """
    examples, fused, without = tested.examples, tested.answers, tested.without
    truth, measure = task.truth(examples), recipe.evaluate
    names = ("the model with its rules", "the model alone")
    compared = pair(
        metric, task.metrics(), truth, fused, without, resamples=measure.resamples, seed=recipe.seed, titles=names
    )  # fmt: skip
    scores = bootstrap(task.metrics(), truth, without, resamples=measure.resamples, seed=recipe.seed)
    part = _marks_part(recipe, votes, tested, truth) if isinstance(votes, Marks) else _votes_part(task, votes, tested)
    return {
        **part,
        "learnt": learnt,
        "file": " and ".join(Path(path).name for path in _sources(recipe, votes.rules)),
        "without": {name: asdict(score) for name, score in scores.items()},
        "compared": compared,
    }


def _votes_part(task: Task, votes: Votes, tested: Tested) -> dict[str, Any]:
    """Return what votes did on the test rows."""
    fires = fires_on(votes.rules, tested.examples)
    weighed = zip(records(votes.rules, fires, tested.examples), votes.weights, strict=True)
    return {
        "rules": [{**one, **_weight(task.labels, weights)} for one, weights in weighed],
        "reached": int(fires.any(axis=1).sum()),
        "changed": int((tested.answers.argmax(1) != tested.without.argmax(1)).sum()),
    }


def _marks_part(recipe: Recipe, marks: Marks, tested: Tested, truth: Array) -> dict[str, Any]:
    """Return what marks did on the test rows."""
    rules, rows, fused, without = marks.rules, tested.examples, tested.answers, tested.without
    weighed = zip(mark_records(rules, rows), marks.weights, strict=True)
    bounds = [[[(one.start, one.end, one.label) for one in some] for some in said] for said in (fused, without)]
    resamples, seed = recipe.evaluate.resamples, recipe.seed
    return {
        "rules": [{**one, "weight": float(weight), "votes": f"for {one['label']}"} for one, weight in weighed],
        "misses": dict(zip(marks.labels, marks.misses.tolist(), strict=True)),
        "reached": sum(map(bool, held_of(rules, rows))),
        "changed": sum(one != other for one, other in zip(*bounds, strict=True)),
        "mentions": by_holding(rules, rows, truth, fused, without, resamples=resamples, seed=seed),
    }


def _sources(recipe: Recipe, rules: Rules) -> list[str]:
    """Return the files that rules come from: those of rules, and a glossary whose classes are some."""
    own = recipe.knowledge.rules
    named = [] if own is None else [own]
    glossary = recipe.knowledge.glossary
    classed = glossary is not None and any(rule.where.startswith(str(Path(glossary))) for rule in rules.rules)
    return [*named, str(glossary)] if classed else named


def _weight(labels: Sequence[str], weights: Array) -> dict[str, Any]:
    """Return what a rule counts, and on which label it votes the loudest."""
    at = int(np.abs(weights).argmax())
    return {"weight": abs(float(weights[at])), "votes": f"{'against' if weights[at] < 0 else 'for'} {labels[at]}"}

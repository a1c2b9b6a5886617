"""What a team knows beside its rows: read, checked on the rows, and set beside the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.example import Example, targets_of
from tunesmith.core.report import Finding
from tunesmith.core.task import Array, Task
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.limit import drawn
from tunesmith.knowledge.record import record, rightness, shortcomings
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row, Rules
from tunesmith.knowledge.vote import Votes
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.jobs.summary import Tested
    from tunesmith.jobs.tune import Tuned
    from tunesmith.jobs.workshop import Workshop

VOTED_ON = ("classify", "pair")
"""Tasks whose rows have one label, on which rules can vote beside a model."""
ALONE = "rules"
"""What the rules alone are called among the baselines."""
RULES = "rules"
"""The role of a file of rules in a lock; those of its lists stand below it."""
SAID = "said"
"""Under what a run keeps the answers of its model and of the baselines."""
MOST = 10_000
"""Train rows at most by which rules are weighed: a share of them is then known to a point."""


def open_rules(recipe: Recipe) -> Rules | None:
    """Return the rules that a recipe names; None where it names none.

    Raises:
        InputError: the file cannot be read, or rules are wrong, each with its line.
    """
    return None if recipe.knowledge.rules is None else read_rules(recipe.knowledge.rules)


def rule_files(rules: Rules) -> dict[str, Path]:
    """Return the files that rules were read from by their role in a lock."""
    return {f"{RULES}/{number}" if number else RULES: path for number, path in enumerate(rules.files)}


def check_rules(rules: Rules, task: Task, train: Sequence[Example], name: str, label: str | None) -> list[Finding]:
    """Return what is notable about rules on the train rows, of which 10,000 are looked at.

    Args:
        rules: as they were read.
        task: fitted.
        train: rows to learn from.
        name: of their file.
        label: the column of the label.

    Raises:
        InputError: rows of the task have no single label (K808), a rule votes on a label that no row has (K801), or two
            vote otherwise under the same conditions (K804); one looks at the label (K810).
    """
    if task.name not in VOTED_ON:
        message = f"rules vote on the label of a row, and the task is {task.name}."
        raise InputError(Fault("K808", str(rules.files[0]), message, "Leave knowledge.rules out."))
    raise_faults([*rules.unknown(task.labels), *rules.contradictions(several=False), *rules.at_label(label)])
    some = drawn(train, MOST, 0)
    return shortcomings(rules, records(rules, fires_on(rules, some), some), name)


def fires_on(rules: Rules, examples: Sequence[Example]) -> Array:
    """Return whether each rule fires on each row, bool [N, R]."""
    return np.asarray(rules.counts(Row.of(example) for example in examples) > 0)


def records(rules: Rules, fires: Array, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return of every rule how many of the rows it reaches, and on how many it is right; `fires` is [N, R]."""
    targets = [(str(target),) for target in targets_of(examples)]
    return [record(rule, fires[:, at], rightness(rule, targets)) for at, rule in enumerate(rules.rules)]


def rules_beside(
    shop: Workshop, tuned: Tuned, train: Sequence[Example], dev: Sequence[Example], answers: Array
) -> Votes | None:  # fmt: skip
    """Return the rules with the weights that labelled rows give them; None where there are none, or they do not vote.

    Args:
        shop: what the run's trainings share.
        tuned: the training on `train`.
        train: rows that the model was trained on.
        dev: rows that it was not trained on.
        answers: what it says of these, calibrated, [M, C].
    """
    if shop.rules is None or not shop.recipe.knowledge.vote:
        return None
    heard, seed = tuned.hinted.has_terms, shop.recipe.seed
    return weigh_rules(shop.rules, shop.task, train, dev, answers, seed=seed, heard=heard)


def weigh_rules(
    rules: Rules, task: Task, train: Sequence[Example], dev: Sequence[Example], answers: Array, *, seed: int,
    heard: bool,
) -> Votes:  # fmt: skip
    """Return rules with the weights that labelled rows give them; of train rows 10,000 are looked at.

    Args:
        rules: checked.
        task: fitted.
        train: rows that the model was trained on.
        dev: rows that it was not trained on.
        answers: what it says of these, calibrated, [M, C].
        seed: of the draw.
        heard: whether it has learnt from terms of the rules.
    """
    seen = [*drawn(train, MOST, seed), *dev]
    return Votes.fit(rules, task.labels, seen, task.truth(seen), dev, task.truth(dev), answers, heard=heard)


def vote_alone(votes: Votes, task: Task, train: Sequence[Example], test: Sequence[Example]) -> Array:
    """Return what the rules say of test rows without a model."""
    shares = np.bincount(task.truth(train), minlength=len(task.labels)) / len(train)
    return votes.alone(shares, test)


def knowledge_part(
    recipe: Recipe, task: Task, votes: Votes, metric: str, tested: Tested, *, learnt: bool
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
    fires = fires_on(votes.rules, examples)
    weighed = zip(records(votes.rules, fires, examples), votes.weights, strict=True)
    return {
        "rules": [{**one, **_weight(task.labels, weights)} for one, weights in weighed],
        "learnt": learnt,
        "file": " and ".join(Path(path).name for path in _sources(recipe, votes.rules)),
        "reached": int(fires.any(axis=1).sum()),
        "changed": int((fused.argmax(1) != without.argmax(1)).sum()),
        "without": {name: asdict(score) for name, score in scores.items()},
        "compared": compared,
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

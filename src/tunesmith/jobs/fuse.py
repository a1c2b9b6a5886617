"""Other rules beside a finished model: weighed and measured anew, in a run of their own, without a training."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunesmith.bundle.knowledge import load_fusions, save_fusions
from tunesmith.bundle.load import load_task
from tunesmith.bundle.reading import load_reading
from tunesmith.bundle.save import set_threshold
from tunesmith.core.example import Splits
from tunesmith.core.task import Task
from tunesmith.evaluation.baseline import titles
from tunesmith.jobs.glossary import rules_with
from tunesmith.jobs.knowledge import (
    ALONE,
    RULES,
    Beside,
    check_rules,
    knowledge_part,
    rule_files,
    vote_alone,
    weigh_rules,
)
from tunesmith.jobs.priors import beside, priors_part, shifted
from tunesmith.jobs.retest import ROLES, check_rows, finished, rows_of
from tunesmith.jobs.said import Said, keep_again, kept_said, refuse_silent
from tunesmith.jobs.selective import choose_threshold, selective_part
from tunesmith.jobs.summary import Tested, on_test
from tunesmith.knowledge.glossary import Glossary
from tunesmith.knowledge.priors import Priors
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Rules
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Recipe
from tunesmith.report.card import write_card
from tunesmith.report.page import write_page
from tunesmith.runs.files import disk_faults
from tunesmith.runs.store import Run, open_run

PARENT = "parent"
"""Under what a run keeps which run its model is of."""


def fuse(
    run: str | Path, rules: str | Path, *, folder: Path | str | None = None, command: str = "tunesmith.fuse"
) -> Run:
    """Set other rules beside the model of a finished run; return a new run with the same model.

    Nothing is trained: the rules are weighed and measured on the answers that the run kept. What was added to its
    memory is not taken over.

    Args:
        run: the folder of a finished run of `classify`, `pair` or `tag` with dev and test rows of its own, whose data
            is where it was.
        rules: a YAML file.
        folder: of the new run; one under `runs/` where not given.
        command: for the lock.

    Raises:
        InputError: there is no such run, or it cannot be given rules (K811); its data is gone or has changed (K404); or
            rules are wrong, each with its line.
        RunError: the disk is full, or another process works on the folder.

    Example:
        >>> tunesmith.fuse("runs/first", "rules.yaml").report()["knowledge"]["reached"]  # doctest: +SKIP
        212
    """
    parent = finished(run)
    refuse_silent(parent)
    check_rows(parent)
    asked = parse(parent.folder)
    knowledge = asked.knowledge.model_copy(update={"rules": str(rules), "vote": True, "ablation": False})
    recipe = asked.model_copy(update={"knowledge": knowledge})
    own, before = read_rules(rules), parent.report()
    loaded = rows_of(recipe, own.columns)
    task, splits = load_task(parent.folder), loaded.splits
    read = _with_classes(own, parent, task)
    name = Path(recipe.data.train).name
    findings = check_rules(read, task, splits.train, name, loaded.columns)
    learnt = bool((before.get("knowledge") or {}).get("learnt"))
    said = kept_said(parent, task, splits, [name for name in before["baselines"] if name != ALONE])
    votes = weigh_rules(read, task, splits.train, *said.dev, seed=recipe.seed, heard=learnt or bool(loaded.weak))
    priors = next((one for one in load_fusions(parent.folder / "model") if isinstance(one, Priors)), None)
    tested = _tested(votes, priors, task, splits, said)
    threshold = None
    if recipe.knowledge.error is not None:
        threshold = choose_threshold(recipe, task, said.dev[1].examples, votes.adjust(*said.dev))
    findings += threshold.findings if threshold else []
    with open_run(None if folder is None else Path(folder), recipe, resume=False, command=command) as new:
        new.write_lock(_files(parent, recipe, read))
        with disk_faults(new.folder):
            shutil.copytree(parent.folder / "model", new.folder / "model", ignore=shutil.ignore_patterns("knowledge*"))
        save_fusions(new.folder / "model", [one for one in (votes, priors) if one])
        set_threshold(new.folder / "model", threshold.value if threshold else None)
        keep_again(parent, new)
        new.keep(PARENT, {"folder": str(parent.folder)})
        told = beside(tested, priors)
        part = {
            **{key: value for key, value in (before.get("knowledge") or {}).items() if key == "glossary"},
            **knowledge_part(recipe, task, votes, str(before["metric"]), told, learnt=learnt),
        }
        report = {**_report(before, new, recipe, task, tested), "knowledge": part}
        report |= selective_part(recipe, task, tested, threshold) | priors_part(recipe, task, priors, tested)
        kept = [found for found in before["data"]["findings"] if found["code"] == "K819" or found["code"][:2] != "K8"]
        report["data"] = {**before["data"], "findings": [*(found.as_dict() for found in findings), *kept]}
        report["notes"] = [f"The model is that of {parent.folder}; nothing was trained.", *before["notes"]]
        new.write_report(report)
        write_page(report, new.folder / "report.html")
        write_card(report, new.folder / "README.md")
        new.finish()
    return new


def parent_of(run: Run) -> str | None:
    """Return the folder of the run whose model a run has; None for one that was trained."""
    found = run.kept(PARENT)
    return None if found is None else str(found["folder"])


def _with_classes(rules: Rules, run: Run, task: Task) -> Rules:
    """Return the rules with those that the classes of the glossary of a run are."""
    reading = load_reading(run.folder / "model")
    glossary = reading if isinstance(reading, Glossary) else None
    return rules_with(rules, glossary, task) or rules


def _tested(votes: Beside, priors: Priors | None, task: Task, splits: Splits, said: Said) -> Tested:
    without, asked = said.test
    baselines = {**said.baselines, ALONE: vote_alone(votes, task, splits.train, asked.examples)}
    fused = votes.adjust(without, asked)
    return shifted(Tested(asked.examples, fused, baselines, without, asked), priors)


def _files(parent: Run, recipe: Recipe, rules: Rules) -> dict[str, Any]:
    """Return the files of a run with those of its rules in the place of others."""
    files: dict[str, Any] = {}
    for role, entry in parent.lock["files"].items():
        if role in ROLES:
            files[role] = {**entry, "path": getattr(recipe.data, role)}
        elif not role.startswith(RULES):
            files[role] = entry
    return {**files, **rule_files(rules)}


def _report(before: Mapping[str, Any], new: Run, recipe: Recipe, task: Task, tested: Tested) -> dict[str, Any]:
    """Return the report of the parent with what answers change that have the rules in them."""
    metric = str(before["metric"])
    names = {name: baseline["title"] for name, baseline in before["baselines"].items()}
    names = {**titles(task.head().problem), **names}
    temperature = float((before.get("calibration") or {}).get("temperature", 1.0))
    return {
        **before,
        "run": new.folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipe_digest": recipe.digest(),
        "recipe": recipe.model_dump(mode="json"),
        "lock": new.lock,
        **on_test(recipe, task, metric, tested, names, temperature),
    }

"""`tunesmith train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import (
    Debug,
    Dev,
    General,
    Glossary,
    Json,
    Model,
    Out,
    Rules,
    Seed,
    Sets,
    Source,
    Task,
    Test,
    Weak,
    given,
)
from tunesmith.cli.processes import Processes, launch, wants_launch
from tunesmith.cli.show import Screen
from tunesmith.cli.words import report_lines


def train(
    source: Source,
    dev: Dev = None,
    test: Test = None,
    weak: Weak = None,
    general: General = None,
    rules: Rules = None,
    glossary: Glossary = None,
    task: Task = None,
    model: Model = None,
    out: Out = None,
    seed: Seed = None,
    sets: Sets = None,
    curve: Annotated[bool, typer.Option("--curve", help="Measure how much more rows would help.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out, or in the folder given.")
    ] = False,
    processes: Processes = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fine-tune a model, compare it with its baselines, and report.

    \b
    Examples:
      tunesmith train reviews.csv
      tunesmith train reviews.csv --test holdout.csv --out runs/first --set stop.epochs=4
      tunesmith train reviews.csv --rules rules.yaml
      tunesmith train runs/first --resume
      tunesmith train reviews.csv --processes 2
    """
    if resume and out is None and Path(source).is_dir():
        out = Path(source)
    again = f"`tunesmith train {source} --out {out or 'RUN'} --resume` continues it."
    with working(as_json, debug, again, together=True) as screen:
        from tunesmith.recipe.parse import parse

        flags = given(
            data_dev=dev, data_test=test, data_weak=weak, data_general=general, knowledge_rules=rules,
            knowledge_glossary=glossary, task=task, model=model, seed=seed, evaluate_curve=curve or None,
        )  # fmt: skip
        run_training(
            screen, parse(source, sets=sets or (), flags=flags), out, resume=resume, processes=processes
        )  # fmt: skip


def run_training(
    screen: Screen, recipe: Any, out: Path | None, *, resume: bool = False, processes: int | None = None
) -> None:  # fmt: skip
    """Train with progress on the screen, then show the report; in several processes, if so many are asked for."""
    from tunesmith.engine.ranks import part_ways
    from tunesmith.jobs.train import train as train_job
    from tunesmith.recipe.resolve import resolve

    if wants_launch(processes):
        assert processes is not None, "a number is asked for"
        resolve(recipe)  # every fault that can be found is told once, before anything is started
        launch(screen, processes, recipe)
        return
    with screen.progress() as progress:
        run = train_job(recipe, folder=out, resume=resume, progress=progress, command=shlex.join(sys.argv))
    part_ways()
    if run.is_followed:
        return
    report = run.report()
    screen.result({"folder": str(run.folder), **report}, report_lines(report, str(run.folder)))

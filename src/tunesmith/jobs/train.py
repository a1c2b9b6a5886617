"""The main job, read aloud: from a recipe to a run with a bundle, a verdict and a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.bundle.knowledge import weight_files
from tunesmith.core.task import Task
from tunesmith.data.findings import by_severity, raise_errors
from tunesmith.data.general import open_general
from tunesmith.data.load import load_splits
from tunesmith.engine.ranks import Ranks, check_enough_rows
from tunesmith.errors import raise_faults
from tunesmith.jobs.facts import facts_of, is_multilingual, trainings
from tunesmith.jobs.glossary import GLOSSARY, check_glossary, open_glossary, rules_with, settle_glossary
from tunesmith.jobs.interrupt import stop_signals
from tunesmith.jobs.knowledge import check_rules, open_rules, rule_files
from tunesmith.jobs.limit import limited
from tunesmith.jobs.opened import Opened
from tunesmith.jobs.priors import check_priors
from tunesmith.jobs.reporter import Progress, Reporter
from tunesmith.jobs.selective import check_wish
from tunesmith.jobs.start import is_made, start_folder
from tunesmith.jobs.together import find_ranks, open_together
from tunesmith.jobs.tokens import tokenise
from tunesmith.models.sources import resolve_models
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.complete import complete
from tunesmith.recipe.parse import parse
from tunesmith.recipe.pattern import pattern_text
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.strategies import names_of
from tunesmith.recipe.support import indivisible, unfit
from tunesmith.runs.store import Run


def train(
    recipe: Recipe | str | Path | Mapping[str, Any],
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "tunesmith.train",
) -> Run:
    """Tune, compare and report; return the run.

    Where a launcher started several processes, they train together: each calls this, the first one writes and reports.

    Args:
        recipe: a `Recipe`, a recipe file, a data file, or the plain data of a recipe.
        folder: of the run; `runs/<time>-<task>-<data>` where not given.
        resume: go on with the run in `folder`.
        progress: called with events while it works: `say`, `stage`, `step`, `dev`, `finding`.
        command: for the lock.

    Raises:
        InputError: recipe, data or model are wrong; every fault that could be found is in it.
        RunError: the work failed for another reason (NaN loss, full disk, another process on the run).
        Interrupted: Ctrl-C; `resume=True` goes on.

    Example:
        >>> run = tunesmith.train("reviews.csv")  # doctest: +SKIP
        >>> run.report()["verdict"]  # doctest: +SKIP
    """
    asked = recipe if isinstance(recipe, Recipe) else parse(recipe)
    resolve(asked)  # every fault at once, before anything is built
    where = None if folder is None else Path(folder)
    ranks = find_ranks()
    with open_together(ranks, where, asked, resume=resume, command=command) as run, stop_signals() as wish:
        reporter = Reporter(run, progress if ranks.is_first else None)
        if ranks.told(run.is_finished):
            reporter.say(f"{run.folder} is finished; there is nothing to resume.")
            return run
        # The others get what the first has read: standard input comes once, and a check is not made several times.
        opened: Opened = ranks.told(open_data(asked, reporter) if ranks.is_first else None)  # type: ignore[assignment]
        assert opened.recipe.batching.size is not None, "the recipe is complete"
        check_enough_rows(ranks.count, opened.recipe.batching.size)
        ranks = replace(ranks, divides=ranks.count > 1 and (ranks.divides or opened.recipe.batching.divide))
        run.write_recipe(opened.recipe)
        lock_run(run, opened, ranks)
        from tunesmith.engine.device import Device, choose_precision
        from tunesmith.jobs.conclude import conclude  # torch is loaded once the data is known to be good
        from tunesmith.jobs.workshop import Workshop

        strategies = resolve(opened.recipe).strategies  # the task is known now, and what contradicts it
        raise_faults(unfit(names_of(opened.recipe.strategies), opened.task.head().problem, opened.task.name))
        precision = choose_precision(opened.recipe.precision)
        if ranks.divides:
            raise_faults(indivisible(opened.recipe.strategies or (), precision))
        device = Device.open(precision, ranks)
        shop = Workshop(
            opened.recipe, opened.folder, opened.task, strategies, opened.encoder, device, reporter, wish,
            trainings(opened.recipe), opened.general, tokens=opened.tokens, rules=opened.rules,
            weak=opened.loaded.weak, glossed=opened.glossed,
        )  # fmt: skip
        conclude(shop, opened.loaded)
    return run


def open_data(asked: Recipe, reporter: Reporter) -> Opened:
    """Find the model, read and check the rows, fit the task, and fill in what the recipe left open."""
    if asked.task == "masked":
        from tunesmith.jobs.stream import open_stream

        return open_stream(asked, reporter)
    from tunesmith.jobs.encoder import open_encoder, settle
    from tunesmith.jobs.pattern import settle_pattern
    from tunesmith.jobs.room import room_findings
    from tunesmith.jobs.vocabulary import flat, unknown_tokens

    rules, glossary = open_rules(asked), open_glossary(asked)
    sources = resolve_models(asked.model, say=reporter.say)
    encoder, limit, room = open_encoder(sources[0], asked.text, asked.task, pattern_text(asked, asked.task))
    loaded = load_splits(
        asked.data, task=asked.task, seed=asked.seed, folds=asked.evaluate.folds, count_tokens=encoder.count_tokens,
        max_tokens=room, columns=rules.columns if rules else (),
    )  # fmt: skip
    general = open_general(asked.data, asked.seed, multilingual=is_multilingual(encoder))
    if asked.data.general:
        loaded = replace(
            loaded, files={**loaded.files, **general.files}, guesses=(*loaded.guesses, *general.guesses)
        )  # fmt: skip
    unknown = unknown_tokens(encoder, flat(loaded.splits.train), str(asked.data.train))
    task: Task = load_entry("tasks", loaded.task)().fit(loaded.splits.train)
    check_wish(asked, task)
    check_priors(asked, task)
    noted = [] if glossary is None else check_glossary(glossary, task, loaded.splits.train)
    rules = rules_with(rules, glossary, task)
    known = (
        []
        if rules is None
        else check_rules(rules, task, loaded.splits.train, Path(asked.data.train).name, loaded.columns)
    )
    run = reporter.run.folder
    folder = start_folder(sources, task.head(), run, seed=asked.seed, say=reporter.say)
    encoder, notable = settle(folder, encoder, task.head(), asked)
    glossed = None
    if glossary is not None:
        glossed, encoder, folder, settled = settle_glossary(
            asked, glossary, encoder, folder, run, loaded.splits.train, reporter.say
        )
        noted += settled
    if asked.head == "pattern":
        encoder = settle_pattern(folder, encoder, task, asked)
    findings = [*unknown, *notable, *known, *noted]
    if encoder.layout == "source":
        targets = [str(example.target) for example in loaded.splits.train]
        findings += unknown_tokens(encoder, targets, str(asked.data.train), written=True)
    tokens = tokenise(asked, loaded.task, encoder, loaded.splits.train, reporter.say)
    facts = facts_of(
        asked, loaded, task, encoder, limit, folder, made=glossed is None and is_made(folder, run), tokens=tokens
    )
    recipe = complete(asked, facts)
    loaded = limited(loaded, recipe)
    assert recipe.text.max_tokens is not None, "the recipe is complete"
    assert recipe.text.long is not None, "the recipe is complete"
    assert recipe.text.overlap is not None, "the recipe is complete"
    encoder = replace(encoder, max_tokens=recipe.text.max_tokens, long=recipe.text.long, overlap=recipe.text.overlap)
    if task.head().writes:
        findings = [*findings, *room_findings(encoder, loaded.splits.train)]
        raise_errors(findings)
    loaded = replace(loaded, findings=by_severity([*findings, *loaded.findings]))
    for guess in loaded.guesses:
        reporter.say(guess)
    for finding in loaded.findings:
        reporter.finding(finding)
    return Opened(recipe, loaded, task, encoder, folder, sources, general, tokens, rules, glossed)


def lock_run(run: Run, opened: Opened, ranks: Ranks) -> None:
    """Write the lock before any work: hashes of the data and of the model, versions, hardware, threads."""
    import torch

    files: dict[str, Any] = {**opened.general.files, **opened.loaded.files}
    if opened.rules:
        files |= rule_files(opened.rules)
    if opened.glossed:
        files[GLOSSARY] = opened.glossed.glossary.path
    for role, folder in zip(("model", "decoder"), opened.sources, strict=False):
        files |= {f"{role}/{path.name}": path for path in [*weight_files(folder), folder / "config.json"]}
    run.write_lock(files, threads=torch.get_num_threads(), processes=ranks.count, divided=ranks.divides)

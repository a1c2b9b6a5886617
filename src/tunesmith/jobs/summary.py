"""Every figure of a run, as the plain data of report.json."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from tunesmith.core.example import Example
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Array, Task
from tunesmith.data.load import Loaded
from tunesmith.engine.device import peak_memory_bytes
from tunesmith.evaluation.agreement import Agreement
from tunesmith.evaluation.baseline import titles
from tunesmith.evaluation.compare import compare
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.metrics import JUDGED_BY
from tunesmith.evaluation.sides import sides
from tunesmith.jobs.ablate import Ablated, ablation_part
from tunesmith.jobs.adapted import WARMED, stream_notes
from tunesmith.jobs.glossary import glossary_part, has_moved
from tunesmith.jobs.knowledge import Beside, knowledge_part
from tunesmith.jobs.overfitting import overfitting
from tunesmith.jobs.pattern import UNTUNED
from tunesmith.jobs.priors import NOTE, beside, priors_part
from tunesmith.jobs.selective import Threshold, selective_part
from tunesmith.jobs.tune import Tuned
from tunesmith.jobs.workshop import Workshop
from tunesmith.knowledge.priors import Priors
from tunesmith.recipe.schema import Recipe

WORST = 30
"""Errors a report shows."""
SAMPLES = 12
"""Test rows a report shows whatever was said of them."""
PROTOCOLS = {
    "given": "The test rows were given in a file of their own.",
    "split": "The test rows were taken out of the data before anything else was done.",
    "folds": "There are too few rows for a test split that could tell models apart, so every row was predicted by a "
    "model that never saw it ({folds}-fold cross-validation); the model that ships was trained on all rows.",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What training and dev gave.

    Args:
        tuned: the training that dev watched.
        final: the training that made the bundle; the same, or its refit.
        train: rows of `tuned`.
        dev: rows it was watched on.
        said: what `tuned` says of dev, calibrated.
        asked: dev with what it says of every unit.
        task: with thresholds.
        temperature: fitted on dev.
        votes: rules beside the model; None where there are none.
        threshold: from which the model answers; None where no error rate is wished for.
        priors: shares of the classes where it is used; None where they are those of the data.
    """

    tuned: Tuned
    final: Tuned
    train: Sequence[Example]
    dev: Sequence[Example]
    said: Array
    asked: Asked
    task: Task
    temperature: float
    votes: Beside | None = None
    threshold: Threshold | None = None
    priors: Priors | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """Test rows, what the tuned model says of them, what each baseline says, and what the model says alone.

    `asked` has what it says of every unit, where a single model was asked. `unshifted` are the answers before shares of
    the classes came in, where some were given.
    """

    examples: Sequence[Example]
    answers: Array
    baselines: dict[str, Array]
    without: Array
    asked: Asked | None = None
    unshifted: Array | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a report is made from.

    Args:
        forgetting: general skill before and after; empty where it was not measured.
        ablated: what is said of the test rows without each source of knowledge.
    """

    shop: Workshop
    loaded: Loaded
    chosen: Chosen
    tested: Tested
    curve: Sequence[dict[str, Any]]
    forgetting: dict[str, Any]
    ablated: Sequence[Ablated] = ()


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return report.json; its keys are described in `core.report_schema`."""
    shop, chosen, tested = outcome.shop, outcome.chosen, outcome.tested
    recipe, task = shop.recipe, chosen.task
    watched = recipe.stop.metric or task.metric
    usual = JUDGED_BY.get(watched, watched)
    metric = usual if usual in task.metrics() else watched
    names = {**titles(task.head().problem), **({"untuned": WARMED} if shop.new_head else {})}
    if recipe.head == "pattern":
        names["untrained"] = UNTUNED
    report = {
        "schema": 1,
        "run": shop.reporter.run.folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": task.name,
        "metric": metric,
        "watched": watched,
        "notes": _notes(outcome),
        "labels": list(task.labels),
        "model": _model(outcome),
        "protocol": _protocol(outcome),
        "dev": _scores(recipe, task, task.truth(chosen.dev), _of_dev(chosen)),
        "history": [*chosen.tuned.history, *(chosen.final.history if chosen.final is not chosen.tuned else [])],
        "kept_step": chosen.tuned.kept_step,
        "overfitting": overfitting(recipe, chosen.tuned, chosen.train),
        "samples": [task.show(at, tested.examples, tested.answers) for at in _drawn(outcome)],
        "data": _data(outcome),
        "speed": _speed(outcome),
        "recipe_digest": recipe.digest(),
        "recipe": recipe.model_dump(mode="json"),
        "lock": shop.reporter.run.lock,
        **on_test(recipe, task, metric, tested, names, chosen.temperature),
        **_knowledge(outcome, metric),
        **selective_part(recipe, task, tested, chosen.threshold),
        **priors_part(recipe, task, chosen.priors, tested),
        **_curve(outcome, metric),
    }
    if task.head().writes and "untuned" in tested.baselines:
        report["sides"] = sides(tested.examples, tested.answers, tested.baselines["untuned"], recipe.seed)
    if outcome.forgetting:
        report["forgetting"] = outcome.forgetting
    if task.head().streams:
        report["notes"] = [*stream_notes(shop, report), *report["notes"]]
        del report["errors"], report["samples"]  # no block is right or wrong
    return report


def on_test(
    recipe: Recipe, task: Task, metric: str, tested: Tested, names: Mapping[str, str], temperature: float
) -> dict[str, Any]:  # fmt: skip
    """Return the parts of a report that say how good a model is on its test rows.

    Args:
        recipe: complete.
        task: fitted.
        metric: that decides.
        tested: the rows with all that was said of them.
        names: what each baseline is called.
        temperature: of the model.
    """
    truth = task.truth(tested.examples)
    comparison = compare(
        metric, task.metrics(), truth, tested.answers, tested.baselines, resamples=recipe.evaluate.resamples,
        seed=recipe.seed, titles=names,
    )  # fmt: skip
    worst = task.worst(tested.examples, tested.answers)
    parts = task.breakdown(truth, tested.answers, temperature)
    if tested.without is not tested.answers and "calibration" in parts:
        # The temperature is that of the model, and votes move its answers further.
        parts["calibration"] = task.breakdown(truth, tested.without, temperature)["calibration"]
    return {
        "verdict": comparison["verdict"],
        "test": _scores(recipe, task, truth, tested.answers),
        "baselines": {
            name: {"title": names[name], "scores": _scores(recipe, task, truth, answers)}
            for name, answers in tested.baselines.items()
        },
        "comparison": comparison,
        "errors": [task.show(at, tested.examples, tested.answers) for at in worst[:WORST]],
        **parts,
    }


def _knowledge(outcome: Outcome, metric: str) -> dict[str, Any]:
    chosen, recipe = outcome.chosen, outcome.shop.recipe
    tested, shop = outcome.tested, outcome.shop
    part: dict[str, Any] = {}
    if chosen.votes is not None:
        learnt = chosen.tuned.hinted.has_terms
        told = beside(tested, chosen.priors)
        part |= knowledge_part(recipe, chosen.task, chosen.votes, metric, told, learnt=learnt)
    if shop.glossed is not None:
        moved = has_moved(shop.glossed, shop.encoder, chosen.final.model, shop.folder)
        part["glossary"] = glossary_part(shop.glossed, shop.encoder, chosen.train, tested.examples, moved=moved)
    part |= ablation_part(recipe, chosen.task, metric, tested, outcome.ablated)
    return {"knowledge": part} if part else {}


def _of_dev(chosen: Chosen) -> Array:
    said = chosen.said if chosen.votes is None else chosen.votes.adjust(chosen.said, chosen.asked)
    return said if chosen.priors is None else chosen.priors.adjust(said, chosen.asked)


def _drawn(outcome: Outcome) -> list[int]:
    """Return some test rows drawn at random, where a row says more than a label."""
    if outcome.shop.encoder.layout in ("row", "stream"):
        return []
    rows = range(len(outcome.tested.examples))
    return sorted(random.Random(outcome.shop.recipe.seed).sample(rows, min(SAMPLES, len(rows))))


def _scores(recipe: Recipe, task: Task, truth: Array, answers: Array) -> dict[str, Any]:
    scores = bootstrap(task.metrics(), truth, answers, resamples=recipe.evaluate.resamples, seed=recipe.seed)
    return {name: asdict(score) for name, score in scores.items()}


def _notes(outcome: Outcome) -> list[str]:
    chosen, recipe = outcome.chosen, outcome.shop.recipe
    notes = []
    if recipe.stop.refit:
        notes.append(
            f"The figures on dev are those of a model trained on {len(chosen.train)} rows; the model that ships was "
            f"then trained in the same way on train and dev together ({len(chosen.train) + len(chosen.dev)} rows)."
        )
    fitted = recipe.evaluate.baseline_rows
    if fitted is not None and fitted < len(chosen.train):
        notes.append(
            f"The baselines were fitted on {fitted:,} of the {len(chosen.train):,} train rows, drawn at random; "
            "evaluate.baseline_rows says how many."
        )
    if chosen.tuned.kept_step == 0 and chosen.tuned.history and len(chosen.tuned.history) > 1:
        changed = any(strategy.stage == "body" for strategy in outcome.shop.strategies)
        body = "the body as it was made ready" if changed else "the pretrained body"
        notes.append(
            f"The steps of training did not improve dev: the model that ships is {body} with the head it started from."
        )
    if chosen.tuned.hinted.names is not None:
        notes.append(_of_names(chosen.tuned.hinted.names))
    if copies := chosen.tuned.hinted.copies:
        notes.append(
            f"The model learnt from {copies:,} copies of train rows, too, in which terms of the rules stand in the "
            "place of spans."
        )
    if chosen.tuned.hinted.terms is not None:
        notes.append(_of_terms(chosen.tuned.hinted.terms))
    if recipe.knowledge.rules and not (chosen.votes or chosen.tuned.hinted.has_terms):
        notes.append(
            "The rules were read and had no part in it: they do not vote, and nothing was learnt from their terms."
        )
    if chosen.priors is not None:
        notes.append(NOTE)
    if recipe.class_weights:
        notes.append("Rare classes weigh more in the loss, because class sizes differ more than threefold.")
    return notes


def _of_names(named: Agreement) -> str:
    how = f"(Cohen's kappa {named.kappa:.2f} of the nearest name on train rows, before anything is learnt)"
    if named.is_enough:
        return f"The names of the labels say which rows are theirs {how}, so the model learnt from them as well."
    return (
        f"The names of the labels do not say which rows are theirs {how}, so nothing was learnt from them. Where they "
        "are codes, data.labels can give them names."
    )


def _of_terms(found: Agreement) -> str:
    how = f"(Cohen's kappa {found.kappa:.2f} of the nearest label on train rows, before anything is learnt)"
    if found.is_enough:
        return f"The terms of the rules say which rows are theirs {how}, so the model learnt from some of them as well."
    return f"The terms of the rules do not say which rows are theirs {how}, so nothing was learnt from them."


def _model(outcome: Outcome) -> dict[str, Any]:
    from tunesmith.models.adapter import weights_of
    from tunesmith.models.body import unwrapped
    from tunesmith.models.known import find_known
    from tunesmith.models.load import title_of

    shop, final = outcome.shop, outcome.chosen.final
    model = unwrapped(final.model)
    known = find_known(shop.recipe.model)
    return {
        "name": shop.recipe.model,
        "parameters": weights_of(model),
        "trained_parameters": final.trained_parameters,
        "head": title_of(model),
        "precision": shop.device.precision,
        "max_tokens": shop.recipe.text.max_tokens,
        "licence": known.licence if known else None,
        **_asked(shop),
    }


def _asked(shop: Workshop) -> dict[str, Any]:
    """Return the pattern as others have to write it, and the words that said the labels at the start."""
    encoder, fields = shop.encoder, [f"{{{role}}}" for role in shop.task.reads[0]]
    if not encoder.pattern:
        return {}
    whole, _ = encoder.cloze.fill(fields)
    return {"pattern": whole, "words": dict(shop.recipe.pattern.words)}


def _protocol(outcome: Outcome) -> dict[str, str]:
    name = outcome.loaded.protocol
    return {"name": name, "text": PROTOCOLS[name].format(folds=outcome.shop.recipe.evaluate.folds)}


def _data(outcome: Outcome) -> dict[str, Any]:
    loaded, chosen = outcome.loaded, outcome.chosen
    return {
        "train": len(chosen.train), "dev": len(chosen.dev), "test": len(outcome.tested.examples),
        **({"weak": len(loaded.weak)} if loaded.weak else {}),
        "columns": dict(loaded.columns), "labels": loaded.stats.get("labels"), "files": loaded.files,
        "findings": [f.as_dict() for f in loaded.findings], "guesses": list(loaded.guesses),
    }  # fmt: skip


def _speed(outcome: Outcome) -> dict[str, Any]:
    tuned, final = outcome.chosen.tuned, outcome.chosen.final
    trainings = [tuned] if final is tuned else [tuned, final]
    seconds, preparing = sum(t.seconds for t in trainings), sum(t.preparing for t in trainings)
    tokens, padding = sum(t.tokens for t in trainings), sum(t.padding for t in trainings)
    return {
        "train_seconds": round(seconds + preparing, 2), "tokens": tokens,
        "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
        "peak_memory_bytes": peak_memory_bytes(),
        "padding_share": round(padding / (tokens + padding), 4) if tokens else None,
        "run_seconds": round(outcome.shop.reporter.run.seconds, 1),
    }  # fmt: skip


def _curve(outcome: Outcome, metric: str) -> dict[str, Any]:
    from tunesmith.jobs.curve import curve_sentence

    if not outcome.curve:
        return {}
    return {"curve": list(outcome.curve), "curve_text": curve_sentence(outcome.curve, metric)}

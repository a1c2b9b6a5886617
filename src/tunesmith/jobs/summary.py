"""Every figure of a run, as the plain data of report.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tunesmith.core.example import Example, PairExample, texts_of
from tunesmith.core.task import Task
from tunesmith.data.load import Loaded
from tunesmith.engine.device import peak_memory_bytes
from tunesmith.evaluation.baseline import titles
from tunesmith.evaluation.calibrate import reliability
from tunesmith.evaluation.compare import compare
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.metrics import confusion, per_class
from tunesmith.jobs.tune import Tuned
from tunesmith.jobs.workshop import Workshop, targets_of

Array = np.ndarray[Any, Any]
WORST = 30  # errors shown
DOTS = 2000  # of the scatter plot
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
        logits: of `tuned` on dev.
        task: with thresholds.
        temperature: fitted on dev.
    """

    tuned: Tuned
    final: Tuned
    train: Sequence[Example]
    dev: Sequence[Example]
    logits: Array
    task: Task
    temperature: float


@dataclass(frozen=True, slots=True)
class Tested:
    """Test rows, what the tuned model says of them, and what each baseline says."""

    examples: Sequence[Example]
    outputs: Array
    baselines: dict[str, Array]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a report is made from."""

    shop: Workshop
    loaded: Loaded
    chosen: Chosen
    tested: Tested
    curve: Sequence[dict[str, Any]]


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return report.json; its keys are described in `core.report_schema`."""
    shop, chosen, tested = outcome.shop, outcome.chosen, outcome.tested
    recipe, task = shop.recipe, chosen.task
    metric = recipe.stop.metric or task.metric
    targets = targets_of(task, tested.examples)
    names = titles(task.head().problem)
    comparison = compare(
        metric, task.metrics(), targets, tested.outputs, tested.baselines, resamples=recipe.evaluate.resamples,
        seed=recipe.seed, titles=names,
    )  # fmt: skip
    report = {
        "schema": 1,
        "run": shop.reporter.run.folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": task.name,
        "metric": metric,
        "verdict": comparison["verdict"],
        "notes": _notes(outcome),
        "labels": list(task.head().labels),
        "model": _model(outcome),
        "protocol": _protocol(outcome),
        "test": _scores(outcome, targets, tested.outputs),
        "dev": _scores(outcome, targets_of(task, chosen.dev), _dev_outputs(chosen)),
        "baselines": {
            name: {"title": names[name], "scores": _scores(outcome, targets, outputs)}
            for name, outputs in tested.baselines.items()
        },
        "comparison": comparison,
        "history": [*chosen.tuned.history, *(chosen.final.history if chosen.final is not chosen.tuned else [])],
        "best_step": chosen.tuned.best_step,
        "errors": _errors(tested, task, targets),
        "data": _data(outcome),
        "speed": _speed(outcome),
        "recipe_digest": recipe.digest(),
        "recipe": recipe.model_dump(mode="json"),
        "lock": shop.reporter.run.lock,
    }
    return report | _by_problem(outcome, targets) | _curve(outcome, metric)


def _by_problem(outcome: Outcome, targets: Array) -> dict[str, Any]:
    """Return the parts that depend on whether the answer is a class, several, or a number."""
    task, outputs = outcome.chosen.task, outcome.tested.outputs
    head = task.head()
    if head.problem == "regression":
        pairs = list(zip(targets.tolist(), outputs.tolist(), strict=True))
        step = max(1, len(pairs) // DOTS)
        return {"scatter": [list(pair) for pair in pairs[::step]]}
    parts: dict[str, Any] = {"per_class": _per_class(task, targets, outputs)}
    parts["calibration"] = _calibration(outcome, targets)
    if head.problem == "single_label_classification":
        parts["confusion"] = confusion(targets, outputs, head.labels)
    return parts


def _per_class(task: Task, targets: Array, outputs: Array) -> list[dict[str, Any]]:
    thresholds = task.state().get("thresholds")
    if thresholds is None:
        return per_class(targets, outputs, task.head().labels)
    return per_class(targets, outputs, task.head().labels, np.asarray(thresholds))


def _calibration(outcome: Outcome, targets: Array) -> dict[str, Any]:
    """Return reliability with the temperature and without it."""
    after = outcome.tested.outputs
    t = outcome.chosen.temperature
    if outcome.chosen.task.head().problem == "multi_label_classification":
        odds = (np.clip(after, 1e-9, 1 - 1e-9) / np.clip(1 - after, 1e-9, 1)) ** t
        before = odds / (1 + odds)
    else:
        # softmax(z) from p = softmax(z / t): the logarithm of p is z / t up to a constant.
        powered = np.clip(after, 1e-12, 1) ** t
        before = powered / powered.sum(1, keepdims=True)
    return {"temperature": t, "before": reliability(targets, before), "after": reliability(targets, after)}


def _scores(outcome: Outcome, targets: Array, outputs: Array) -> dict[str, Any]:
    recipe = outcome.shop.recipe
    scores = bootstrap(
        outcome.chosen.task.metrics(), targets, outputs, resamples=recipe.evaluate.resamples, seed=recipe.seed
    )
    return {name: asdict(score) for name, score in scores.items()}


def _dev_outputs(chosen: Chosen) -> Array:
    import torch

    return chosen.task.probabilities(torch.from_numpy(chosen.logits) / chosen.temperature).numpy()


def _notes(outcome: Outcome) -> list[str]:
    chosen, recipe = outcome.chosen, outcome.shop.recipe
    notes = []
    if recipe.stop.refit:
        notes.append(
            f"The figures on dev are those of a model trained on {len(chosen.train)} rows; the model that ships was "
            f"then trained in the same way on train and dev together ({len(chosen.train) + len(chosen.dev)} rows)."
        )
    if chosen.tuned.best_step == 0 and chosen.tuned.history and len(chosen.tuned.history) > 1:
        notes.append(
            "Fine-tuning the body did not improve dev: the model that ships is the pretrained body with the head it "
            "started from."
        )
    if recipe.class_weights:
        notes.append("Rare classes weigh more in the loss, because class sizes differ more than threefold.")
    return notes


def _model(outcome: Outcome) -> dict[str, Any]:
    from tunesmith.models.known import find_known

    shop, final = outcome.shop, outcome.chosen.final
    model = final.model
    pooled = getattr(model.config, "pooling", None)
    known = find_known(shop.recipe.model)
    return {
        "name": shop.recipe.model,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": final.trained_parameters,
        "head": f"pooled ({pooled})" if pooled else type(model).__name__,
        "precision": shop.device.precision,
        "max_tokens": shop.recipe.text.max_tokens,
        "licence": known.licence if known else None,
    }


def _protocol(outcome: Outcome) -> dict[str, str]:
    name = outcome.loaded.protocol
    return {"name": name, "text": PROTOCOLS[name].format(folds=outcome.shop.recipe.evaluate.folds)}


def _errors(tested: Tested, task: Task, targets: Array) -> list[dict[str, Any]]:
    """Return the worst errors: the surest wrong answers, or the largest deviations."""
    predictions = task.decode(tested.outputs)
    if task.head().problem == "regression":
        gaps = np.abs(targets - tested.outputs)
        wrong = [i for i in np.argsort(-gaps) if gaps[i] > 0]
    else:
        given = [e.target if isinstance(e.target, tuple) else str(e.target) for e in tested.examples]
        off = [i for i, p in enumerate(predictions) if _differs(p.label, given[i])]
        wrong = sorted(off, key=lambda i: -predictions[i].score)
    return [_error(tested.examples[i], predictions[i].label, predictions[i].score) for i in wrong[:WORST]]


def _differs(label: object, target: object) -> bool:
    return set(label) != set(target) if isinstance(label, tuple) and isinstance(target, tuple) else label != target


def _error(example: Example, label: object, score: float) -> dict[str, Any]:
    texts = texts_of(example)
    row = {"id": example.id, "source": example.source, "text": texts[0]}
    if isinstance(example, PairExample):
        row["text_b"] = texts[1]
    plain = list(label) if isinstance(label, tuple) else label
    target = list(example.target) if isinstance(example.target, tuple) else example.target
    return {**row, "target": target, "label": plain, "score": score}


def _data(outcome: Outcome) -> dict[str, Any]:
    loaded, chosen = outcome.loaded, outcome.chosen
    return {
        "train": len(chosen.train), "dev": len(chosen.dev), "test": len(outcome.tested.examples),
        "columns": dict(loaded.columns), "labels": loaded.stats.get("labels"), "files": loaded.files,
        "findings": [f.as_dict() for f in loaded.findings], "guesses": list(loaded.guesses),
    }  # fmt: skip


def _speed(outcome: Outcome) -> dict[str, Any]:
    tuned, final = outcome.chosen.tuned, outcome.chosen.final
    trainings = [tuned] if final is tuned else [tuned, final]
    seconds = sum(t.seconds for t in trainings)
    tokens, padding = sum(t.tokens for t in trainings), sum(t.padding for t in trainings)
    return {
        "train_seconds": round(seconds, 2), "tokens": tokens,
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

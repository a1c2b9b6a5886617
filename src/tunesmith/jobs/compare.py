"""Compare: which of several runs is better, as far as their test rows can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.errors import Fault, InputError
from tunesmith.evaluation.compare import pair
from tunesmith.jobs.retest import Retested, finished, retest
from tunesmith.recipe.diff import differences
from tunesmith.recipe.parse import parse

Plain = dict[str, Any]


def compare(runs: Sequence[str | Path]) -> Plain:
    """Compare the first of several finished runs with each of the others.

    Runs that were tested on the same rows are compared row by row (paired bootstrap, McNemar); the others are set side
    by side, and the verdict says why no more can be said.

    Args:
        runs: folders of finished runs, at least two.

    Returns:
        `{metric, verdict, runs: {folder: {task, model, rows, test}}, pairs: {folder: {paired, reason, verdict, …}},
        recipe_differences: {key: [value in each run]}}`; a pair holds what `evaluation.compare.pair` says.

    Raises:
        InputError: a run is not there or has not ended, or the runs measure different things.

    Example:
        >>> tunesmith.compare(["runs/first", "runs/second"])["verdict"]  # doctest: +SKIP
    """
    names = [str(run) for run in runs]
    if len(set(names)) < 2:
        raise InputError(Fault("K712", "compare", "two different runs are expected.", "Add the folder of another run."))
    reports = {name: finished(name).report() for name in names}
    metric = _common_metric(reports)
    first, *others = reports
    lead = _tested(first)
    pairs = {name: _pair(metric, first, name, lead, _tested(name), reports) for name in others}
    return {
        "metric": metric,
        "verdict": " ".join(found["verdict"] for found in pairs.values()),
        "runs": {name: _summary(report) for name, report in reports.items()},
        "pairs": pairs,
        "recipe_differences": _recipe_differences(list(reports)),
    }


def _common_metric(reports: Mapping[str, Plain]) -> str:
    """Return the metric of the first run, if every run has measured it.

    Raises:
        InputError: a run has not (K620).
    """
    metric = str(next(iter(reports.values()))["metric"])
    faults = [
        Fault("K620", name, f"its test has no {metric}; the task is {report['task']}.", "Compare runs of one task.")
        for name, report in reports.items()
        if metric not in report["test"]
    ]
    if faults:
        raise InputError(faults)
    return metric


def _tested(name: str) -> Retested | str:
    """Return the run with its test rows, or why they cannot be had."""
    try:
        return retest(name)
    except InputError as error:
        return str(error.faults[0])


def _pair(
    metric: str, first: str, second: str, one: Retested | str, other: Retested | str, reports: Mapping[str, Plain]
) -> Plain:
    reason = _why_not(first, second, one, other)
    if reason:
        figures = " and ".join(f"{name} {_figure(reports[name]['test'][metric])}" for name in (first, second))
        verdict = f"{first} and {second} can only be set side by side ({reason}): {metric} of {figures}."
        return {"paired": False, "reason": reason, "verdict": verdict}
    assert isinstance(one, Retested), "a reason was given otherwise"
    assert isinstance(other, Retested), "a reason was given otherwise"
    found = pair(
        metric, one.task.metrics(), one.task.truth(one.examples), one.answers, other.answers,
        resamples=one.recipe.evaluate.resamples, seed=one.recipe.seed, titles=(first, second),
    )  # fmt: skip
    return {"paired": True, "reason": None, **found}


def _why_not(first: str, second: str, one: Retested | str, other: Retested | str) -> str:
    """Return why two runs cannot be compared row by row; empty where they can."""
    for found in (one, other):
        if isinstance(found, str):
            return found
    assert not isinstance(one, str), "returned above"
    assert not isinstance(other, str), "returned above"
    if one.task.head() != other.task.head():
        return "their labels differ"
    if sorted(map(repr, one.rows)) != sorted(map(repr, other.rows)):
        counts = len(one.examples), len(other.examples)
        return f"their {counts[0]:,} and {counts[1]:,} test rows are not the same; give both runs the same --test"
    if one.rows != other.rows:
        return "their test rows stand in another order"
    return ""


def _figure(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def _summary(report: Mapping[str, Any]) -> Plain:
    return {
        "task": report["task"],
        "model": (report.get("model") or {}).get("name"),
        "rows": (report.get("data") or {}).get("test"),
        "test": report["test"],
    }


def _recipe_differences(names: Sequence[str]) -> dict[str, list[Any]]:
    """Return key → its value in each run, for every key that is not the same in all."""
    recipes = [parse(name) for name in names]
    keys = dict.fromkeys(key for other in recipes[1:] for key, _, _ in differences(recipes[0], other))
    columns: dict[str, list[Any]] = {key: [] for key in keys}
    for recipe in recipes:
        found = {key: b for key, _, b in differences(recipes[0], recipe)}
        for key in keys:
            columns[key].append(found[key] if key in found else _value(recipes[0], key))
    return columns


def _value(recipe: Any, key: str) -> Any:
    value = recipe.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value

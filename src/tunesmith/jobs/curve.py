"""The learning curve: how much more rows would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith.core.example import Example
from tunesmith.data.split import split_examples
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.measure import read_of
from tunesmith.jobs.tune import Tuned, tune
from tunesmith.jobs.workshop import Workshop, rows_to_learn

SHARES = (0.125, 0.25, 0.5)


def learning_curve(
    shop: Workshop, train: Sequence[Example], dev: Sequence[Example], tuned: Tuned
) -> list[dict[str, Any]]:
    """Return {"rows", "score"} for growing shares of the train rows, scored on dev; test is not touched.

    The parts are nested: what the curve adds is rows, not another draw. One row is no part of itself, so that of a few
    rows there are fewer points, and of a single one there is no curve. Nor is there where dev has too few rows for the
    figure, which is told.
    """
    points: list[dict[str, Any]] = []
    rows = list(train)
    parts: dict[float, list[Example]] = {}
    for share in reversed(SHARES):
        if len(rows) < 2:
            break
        # Each part is drawn from the one before it, so a smaller part is inside every larger one.
        relative = share * len(train) / len(rows)
        kept, _ = split_examples(rows, list(range(len(rows))), 1.0 - relative, seed=shop.recipe.seed)
        rows = [rows[i] for i in kept]
        parts[share] = rows
    for share, part in reversed(parts.items()):
        stage = f"curve-{share:g}"
        model = tune(shop, stage, rows_to_learn(shop, part), dev).model
        points.append({"rows": len(part), "score": _score(shop, model, dev)})
    points.append({"rows": len(train), "score": _score(shop, tuned.model, dev)})
    if any(point["score"] is None for point in points):
        shop.reporter.say(f"There is no learning curve: {len(dev)} dev rows are too few for an interval.")
        return []
    return points if parts else []


def curve_sentence(points: Sequence[dict[str, Any]], metric: str) -> str:
    """Say what the last doubling of rows brought, and that the next brings less more often than not."""
    before, last = points[-2]["score"], points[-1]["score"]
    gain = last["value"] - before["value"]
    rows = f"Going from {points[-2]['rows']} to {points[-1]['rows']} rows changed {metric} on dev by {gain:+.3f}"
    if last["low"] <= before["value"] <= last["high"]:
        return f"{rows}, which is within chance on {last['n']} dev rows: more rows of this kind may help little."
    return f"{rows}; as many rows again would bring about half of that if the curve goes on as it did."


def _score(shop: Workshop, model: Any, dev: Sequence[Example]) -> dict[str, Any] | None:
    """Return the figure with its interval; None where it is undefined on these rows."""
    from dataclasses import asdict

    metric = shop.recipe.stop.metric or shop.task.metric
    answers = shop.task.answers(read_of(shop, model, dev), dev)
    chosen = {metric: shop.task.metrics()[metric]}
    recipe = shop.recipe
    scores = bootstrap(chosen, shop.task.truth(dev), answers, resamples=recipe.evaluate.resamples, seed=recipe.seed)
    return asdict(scores[metric]) if metric in scores else None

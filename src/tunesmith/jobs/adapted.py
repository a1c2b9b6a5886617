"""What was gained on text of the domain, and what was forgotten on other text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tunesmith.bundle.load import Bundle
from tunesmith.core.example import Example
from tunesmith.core.task import Array
from tunesmith.data.load import Loaded
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.measure import read_of
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.load import load_model

WARMED = "pretrained body with a head trained for it"
"""What the model before is called where it came without a head."""


def forgetting(shop: Workshop, loaded: Loaded, bundle: Bundle) -> dict[str, Any]:
    """Return the figure on general text before and after, `core.report_schema.General`; empty for rows."""
    rows = list(loaded.splits.general)
    if not rows:
        return {}
    shop.reporter.say(f"Looking at {len(rows):,} blocks of general text, before and after.")
    before = load_model(shop.folder, shop.task.head(), seed=shop.recipe.seed).model.to(shop.device.target)
    told = {
        "before": shop.task.answers(read_of(shop, before, rows), rows),
        "after": bundle.answers(rows, shop.recipe.batching.predict_size),
    }
    scores = {name: _score(shop, rows, answers) for name, answers in told.items()}
    recipe, metric = shop.recipe, shop.task.metric
    found = pair(
        metric, shop.task.metrics(), shop.task.truth(rows), told["after"], told["before"],
        resamples=recipe.evaluate.resamples, seed=recipe.seed, titles=("the model after", "the model before"),
    )  # fmt: skip
    name = shop.general.name
    kept: dict[str, Any] = {key: found[key] for key in ("difference", "p_bootstrap") if key in found}
    return {"file": name, "metric": metric, **scores, **kept, "verdict": _sentence(scores, found, name)}


def _score(shop: Workshop, rows: list[Example], answers: Array) -> dict[str, float] | None:
    recipe, metric = shop.recipe, shop.task.metric
    scores = bootstrap(
        shop.task.metrics(), shop.task.truth(rows), answers, resamples=recipe.evaluate.resamples, seed=recipe.seed
    )
    return asdict(scores[metric]) if metric in scores else None


def _sentence(scores: dict[str, Any], found: dict[str, Any], name: str) -> str:
    before, after = scores["before"], scores["after"]
    if before is None or after is None or "outcome" not in found:
        return f"Perplexity is not defined on {name}."
    figures = f"from {before['value']:,.1f} to {after['value']:,.1f} ({_percent(before, after)})"
    if found["outcome"] == "not distinguishable":
        return f"On {name} nothing was forgotten that its text could show: perplexity went {figures}, within chance."
    if found["outcome"] == "second better":
        return f"Something was forgotten: on {name} perplexity rose {figures}."
    return f"Nothing was forgotten: on {name} perplexity fell too, {figures}."


def stream_notes(shop: Workshop, report: dict[str, Any]) -> list[str]:
    """Return what a reader of the figures has to know of them."""
    test, untuned = report["test"].get("perplexity"), report["baselines"].get("untuned", {}).get("scores", {})
    notes = []
    if test and (before := untuned.get("perplexity")):
        direction = "fell" if test["value"] < before["value"] else "rose"
        notes.append(
            f"On held-out text of the domain perplexity {direction} from {before['value']:,.1f} "
            f"to {test['value']:,.1f} ({_percent(before, test)})."
        )
    tokens = shop.recipe.text.max_tokens
    if shop.task.head().problem == "masked":
        masking = shop.recipe.masking
        notes.append(
            f"Perplexity is that of masked tokens ({masking.share:.0%}, masked by {masking.unit}), also called pseudo-"
            "perplexity: it compares models with one tokenizer on the same masks, and nothing else. The masks of dev "
            f"and test are fixed by the seed. A row is a block of {tokens} tokens."
        )
    else:
        notes.append(
            f"Perplexity is that of every token but the first of a block of {tokens} tokens, which is a row; it "
            "compares models with one tokenizer, and nothing else."
        )
    if shop.new_head:
        notes.append(
            "The model came without the head that foresees tokens. One was trained first, its matrix tied to the "
            "embeddings, while the body stood still; the figures before are those of that body with that head, since a "
            "head of random weights would make any training look like a gain. Part of the gain is the head's, which "
            "learnt on with the body."
        )
    return notes


def _percent(before: dict[str, float], after: dict[str, float]) -> str:
    change = 100 * (after["value"] / before["value"] - 1)
    return f"{change:+.1f} %".replace("-", "\N{MINUS SIGN}")

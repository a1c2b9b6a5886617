"""What a reader has to know of the figures of a model that was adapted to running text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.jobs.forgetting import percent
from tunesmith.jobs.workshop import Workshop
from tunesmith.recipe.parse import parse
from tunesmith.runs.store import is_run

WARMED = "pretrained body with a head trained for it"
"""What the model before is called where it came without a head."""


def adapted_from(model: str) -> str | None:
    """Return the model that the run around a model folder was adapted from; None where there is no such run."""
    folder = Path(model).parent
    if not (Path(model).is_dir() and is_run(folder)):
        return None
    recipe = parse(folder)
    return recipe.model if recipe.task == "masked" else None


def stream_notes(shop: Workshop, report: dict[str, Any]) -> list[str]:
    """Return what a reader of the figures has to know of them."""
    test, untuned = report["test"].get("perplexity"), report["baselines"].get("untuned", {}).get("scores", {})
    notes = []
    if test and (before := untuned.get("perplexity")):
        direction = "fell" if test["value"] < before["value"] else "rose"
        notes.append(
            f"On held-out text of the domain perplexity {direction} from {before['value']:,.1f} "
            f"to {test['value']:,.1f} ({percent(before, test)})."
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

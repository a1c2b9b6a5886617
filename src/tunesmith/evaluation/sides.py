"""Rows on which a tuned model writes better or worse than the base model, and how a report shows them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tunesmith.core.example import DialogueExample, Example, texts_of
from tunesmith.core.prediction import Written
from tunesmith.evaluation.chrf import chrf_of
from tunesmith.evaluation.figure import Array, as_objects
from tunesmith.evaluation.writing import row_chrf

__all__ = ["shown_text", "sides"]

MOST = 12
"""Rows of each kind that a report holds."""


def sides(examples: Sequence[Example], tuned: Array, base: Array, seed: int) -> dict[str, Any]:
    """Return where the tuned model came nearer to the reference than the base model and where not.

    Args:
        examples: N rows with their references as targets.
        tuned: what the tuned model wrote, [N] of `Written`.
        base: what the base model wrote to the same.
        seed: of the rows that are drawn whatever was written.

    Returns:
        `core.report_schema.Sides`; empty where texts were not asked for.
    """
    truth = as_objects(example.target for example in examples)
    gains = row_chrf(truth, tuned) - row_chrf(truth, base)
    if not len(gains) or np.isnan(gains).any():
        return {}
    order = np.argsort(-gains, kind="stable")
    chosen = {
        "gains": [at for at in order[:MOST] if gains[at] > 0],
        "losses": [at for at in order[::-1][:MOST] if gains[at] < 0],
        "drawn": sorted(random.Random(seed).sample(range(len(examples)), min(MOST, len(examples)))),
    }
    counts = {"nearer": gains > 0, "further": gains < 0, "equal": gains == 0}
    return {
        **{name: int(rows.sum()) for name, rows in counts.items()},
        **{name: [shown_text(examples[at], tuned[at], base[at]) for at in places] for name, places in chosen.items()},
    }


def shown_text(example: Example, tuned: Written, base: Written | None = None) -> dict[str, Any]:
    """Return a row as a report shows it, `core.report_schema.Shown`: what was read, asked for and written.

    Args:
        example: a dialogue, or a text, with the reference as its target.
        tuned: what the tuned model wrote.
        base: what the base model wrote, if it was asked.
    """
    assert isinstance(example.target, str), f"{example.source} has no reference"
    row: dict[str, Any] = {"id": example.id, "source": example.source, "reference": example.target}
    if isinstance(example, DialogueExample):
        row["messages"] = [asdict(message) for message in example.messages]
    else:
        row["text"] = "\n".join(texts_of(example))
    for said, text_key, chrf_key in ((tuned, "written", "chrf"), (base, "base", "base_chrf")):
        if said is not None and said.text is not None:
            row[text_key] = said.text
            row[chrf_key] = chrf_of(example.target, said.text)
    return row

"""`tunesmith demo`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, Out, Seed, Sets, given
from tunesmith.cli.train import run_training

DESK: dict[str, tuple[str, dict[str, Any]]] = {
    "classify": ("messages.csv", {"data_text": "text", "data_label": "label", "data_id": "id"}),
    "tag": ("entities.jsonl", {"data_text": "text", "data_spans": "spans", "data_id": "id", "evaluate_folds": 0}),
}
"""Task → the desk's file for it, and keys of the recipe; one split instead of five folds keeps it at a few minutes."""


def demo(
    task: Annotated[Literal["classify", "tag"], typer.Option(help="What to learn of the messages.")] = "classify",
    out: Out = None,
    seed: Seed = None,
    sets: Sets = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fine-tune on the support-desk messages that come with it.

    `classify` learns what the customer wants, `tag` the names of products and parts. It takes minutes on two cores and
    needs no network once the model is there.

    \b
    Examples:
      tunesmith demo --out runs/demo
      tunesmith demo --task tag
    """
    out = out or Path("runs") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    with working(as_json, debug, f"`tunesmith train {out} --resume` continues it.") as screen:
        import tunesmith.data
        from tunesmith.recipe.parse import parse

        name, columns = DESK[task]
        messages = Path(tunesmith.data.__path__[0]) / "desk" / name
        flags = given(**columns, task=task, seed=seed)
        screen.note("The desk messages were written for this project; the e-bike rental they are sent to is fictional.")
        run_training(screen, parse(messages, sets=sets or (), flags=flags), out)

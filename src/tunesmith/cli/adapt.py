"""`tunesmith adapt`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Dev, General, Json, Out, Seed, Sets, Test, given
from tunesmith.cli.processes import Processes
from tunesmith.cli.train import run_training


def adapt(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A known name, a folder, or a hub id.")],
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS", help="Text: a line each (.txt, .gz), or a column of jsonl, csv, parquet.")
    ],
    general: General = None,
    dev: Dev = None,
    test: Test = None,
    out: Out = None,
    seed: Seed = None,
    sets: Sets = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    processes: Processes = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Pretrain a model further, on running text of a domain.

    What comes out is a model folder that any other recipe starts from. The report says what was gained on held-out
    text, and what was forgotten elsewhere.

    \b
    Examples:
      tunesmith adapt minilm abstracts.txt.gz --out runs/medical
      tunesmith adapt smollm2 notes.jsonl --general news.txt --set data.text=body
      tunesmith train data.csv --model runs/medical/model
    """
    again = f"`tunesmith adapt {model} {corpus} --out {out or 'RUN'} --resume` continues it."
    with working(as_json, debug, again, together=True) as screen:
        from tunesmith.recipe.parse import parse

        asked = {"task": "masked", "model": model, "data": {"train": corpus}}
        flags = given(data_general=general, data_dev=dev, data_test=test, seed=seed)
        run_training(
            screen, parse(asked, sets=sets or (), flags=flags), out, resume=resume, processes=processes
        )  # fmt: skip

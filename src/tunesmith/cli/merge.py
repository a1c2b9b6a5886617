"""`tunesmith merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, RunFolder


def merge(
    run: RunFolder,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the plain model.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write an adapter and its base as one plain model.

    \b
    Example:
      tunesmith merge runs/desk --out desk-model
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.merge import merge as merge_job

        folder = merge_job(run, out)
        screen.result(
            {"folder": str(folder)}, [f"The plain model is in {folder}.", f"  next    tunesmith chat {folder}"]
        )

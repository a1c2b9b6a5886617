"""`tunesmith reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.errors import CheckFailed


def reproduce(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a run again and say what came out the same.

    Weights, predictions, or scores within their intervals; exit code 1 if none of them.

    \b
    Example:
      tunesmith reproduce runs/first
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.reproduce import reproduce as reproduce_job

        with screen.progress() as progress:
            value = reproduce_job(run, progress=progress)
        screen.result(value, [value["verdict"], *(f"  {line}" for line in value["changed"])])
        if value["level"] is None:
            raise typer.Exit(CheckFailed.exit_code)

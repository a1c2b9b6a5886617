"""`tunesmith compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.cli.words import score_table
from tunesmith.errors import Fault, InputError


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Folders of finished runs; the first leads.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare runs, paired by row where the test rows are the same.

    \b
    Example:
      tunesmith compare runs/first runs/second
    """
    with working(as_json, debug) as screen:
        if len(runs) < 2:
            raise InputError(Fault("K712", "tunesmith compare", "one run came, two are expected.", "Add another RUN."))
        from tunesmith.jobs.compare import compare as compare_job

        value = compare_job(runs)
        metric = value["metric"]
        table = score_table({name: {metric: entry["test"].get(metric) or {}} for name, entry in value["runs"].items()})
        changes = [f"  {key}: {' | '.join(map(str, values))}" for key, values in value["recipe_differences"].items()]
        said = ["", "The recipes differ in:", *changes] if changes else ["", "The recipes are the same."]
        screen.result(value, [value["verdict"], "", *table, *said])

"""`tunesmith evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, RunFolder
from tunesmith.cli.words import score_table


def evaluate(
    run: RunFolder,
    data: Annotated[str, typer.Option(metavar="FILE", help="Labelled rows.")],
    text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column of the text; twice for a pair.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the label.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure a tuned model on labelled rows.

    The figures are those of the report's test, each with its 95 % interval.

    \b
    Example:
      tunesmith evaluate runs/first --data holdout.csv
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.evaluate import evaluate as evaluate_job

        scores = evaluate_job(run, data, columns=text or (), label=label)
        screen.result(scores, score_table({"": scores}))

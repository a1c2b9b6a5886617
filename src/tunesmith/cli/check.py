"""`tunesmith check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Dev, Json, Model, Sets, Source, Task, Test, given
from tunesmith.cli.words import finding_lines, table
from tunesmith.errors import CheckFailed


def check(
    source: Source,
    dev: Dev = None,
    test: Test = None,
    task: Task = None,
    model: Model = None,
    sets: Sets = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find what is wrong with the data before training.

    Bad rows, duplicates, leaks, texts that are too long; exit code 1 if there is an error among the findings.

    \b
    Example:
      tunesmith check reviews.csv --test holdout.csv
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.check import check as check_job
        from tunesmith.recipe.parse import parse

        flags = given(data_dev=dev, data_test=test, task=task, model=model)
        value = check_job(parse(source, sets=sets or (), flags=flags)).as_dict()
        for guess in value["guesses"]:
            screen.note(guess)
        screen.result(value, _lines(value))
        if any(finding["severity"] == "error" for finding in value["findings"]):
            raise typer.Exit(CheckFailed.exit_code)


def _lines(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"{value['rows_kept']:,} of {value['rows_read']:,} rows can be used."
    yield from (f"  {role:<7} {column}" for role, column in value["columns"].items())
    labels = value["labels"]
    if labels:
        yield ""
        yield from table([[f"  {label}", f"{count:,}"] for label, count in labels.items()], right=[1])
    yield ""
    for finding in value["findings"]:
        yield from finding_lines(finding)
    if not value["findings"]:
        yield "Nothing was found."

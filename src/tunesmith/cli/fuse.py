"""`tunesmith fuse`."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, Out, RunFolder
from tunesmith.cli.words import report_lines


def fuse(
    run: RunFolder,
    rules: Annotated[str, typer.Option(metavar="FILE", help="Rules of the team, in the place of those it has.")],
    out: Out = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Set other rules beside a finished model.

    Nothing is trained: a new run has the same model, and its own report.

    \b
    Example:
      tunesmith fuse runs/first --rules rules.yaml --out runs/second
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.fuse import fuse as fuse_job

        new = fuse_job(run, rules, folder=out, command=shlex.join(sys.argv))
        report = new.report()
        screen.result({"folder": str(new.folder), **report}, report_lines(report, str(new.folder)))

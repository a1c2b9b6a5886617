"""`tunesmith runs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.cli.words import report_lines, table
from tunesmith.errors import Fault, InputError, did_you_mean

ACTIONS = ("list", "show", "remove")


def runs(
    action: Annotated[str, typer.Argument(metavar="list|show|remove", help="What to do.")] = "list",
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="The folder of the run.")] = None,
    root: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the runs to list are.")] = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking back.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the runs there are, show one, or remove one.

    \b
    Examples:
      tunesmith runs
      tunesmith runs show runs/first
      tunesmith runs remove runs/first --yes
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.runs import list_all, remove, show

        if action not in ACTIONS:
            remedy = f"{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}.".strip()
            raise InputError(Fault("K710", "tunesmith runs", f'there is no "{action}".', remedy))
        if action == "list":
            found = list_all(root)
            screen.result({"runs": found}, _listing(found, root))
            return
        if run is None:
            raise InputError(Fault("K712", f"tunesmith runs {action}", "which run?", "Add its folder."))
        if action == "show":
            value = show(run)
            screen.result(value, _shown(value))
            return
        if not yes:
            remedy = f"`tunesmith runs remove {run} --yes` removes it for good."
            raise InputError(Fault("K712", str(run), "a removed run cannot be had back.", remedy))
        screen.result(remove(run), [f"{run} is removed."])


def _listing(found: list[dict[str, Any]], root: Path) -> Iterator[str]:
    if not found:
        yield f"There are no runs in {root}."
        return
    from tunesmith.report.words import date_text, duration, storage

    head = ["run", "status", "started", "task", "model", "data", "took", "size"]
    rows = [
        [
            line["folder"], line["status"], date_text(line["started"] or ""), line["task"] or "", line["model"] or "",
            Path(line["data"] or "").name, duration(line["seconds"] or 0), storage(line["bytes"]),
        ]
        for line in found
    ]  # fmt: skip
    yield from table([head, *rows], right=[6, 7])
    yield from (line["fault"] for line in found if line["fault"])


def _shown(value: Mapping[str, Any]) -> Iterator[str]:
    for key in ("folder", "status", "started", "seconds", "bytes"):
        yield f"{key:<9}{value[key]}"
    yield ""
    if value["report"]:
        yield from report_lines(value["report"], value["folder"])
    else:
        yield f"It has not ended; `tunesmith train {value['folder']} --resume` continues it."

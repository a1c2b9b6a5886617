"""`tunesmith memory`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, RunFolder
from tunesmith.errors import Fault, InputError, did_you_mean

ACTIONS = ("add", "clear")


def memory(
    action: Annotated[str, typer.Argument(metavar="add|clear", help="What to do.")],
    run: RunFolder,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="A file of labelled rows, to add.")] = None,
    text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column of the text; twice for two texts.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the label.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Give a finished model labelled rows to look up.

    Nothing is trained. It asks the nearest of them beside what it learnt, and `predict --evidence` names them.

    \b
    Examples:
      tunesmith memory add runs/first corrected.csv
      tunesmith memory clear runs/first
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.memory import add_memory, clear_memory

        if action not in ACTIONS:
            remedy = f"{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}.".strip()
            raise InputError(Fault("K710", "tunesmith memory", f'there is no "{action}".', remedy))
        if (action == "add") != (data is not None):
            message, remedy = ("no file came.", "Give one.") if data is None else ("a file came.", "Leave it out.")
            raise InputError(Fault("K710", f"tunesmith memory {action}", message, remedy))
        if data is None:
            if text or label:
                raise InputError(Fault("K710", "tunesmith memory clear", "columns came.", "Leave them out."))
            value = clear_memory(run)
            screen.result(value, [f"{value['forgotten']:,} rows are forgotten."])
            return
        value = add_memory(run, data, columns=text or (), label=label)
        screen.result(value, _lines(value, str(run)))


def _lines(value: Mapping[str, Any], run: str) -> Iterator[str]:
    others = {"corrected": "got another label", "known": "were known already", "left_out": "cannot be used"}
    told = [f"{value[key]:,} {what}" for key, what in others.items() if value[key]]
    yield f"{value['added']:,} rows are added{'; ' if told else ''}{', '.join(told)}."
    without, together = (f"{100 * value['right'][key]:.1f} %" for key in ("without", "with"))
    rows = f"Of the {value['rows']:,} rows added so far"
    if value["heard"]:
        yield f"{rows} the model alone gets {without} right, and with the others of the memory {together}."
        yield f'  next    tunesmith predict {run} "…" --evidence'
    elif value["rows"]:
        yield f"{rows} the model gets {without} right, and the memory adds too little to be heard: it is kept, and"
        yield "looked at again when more rows come."

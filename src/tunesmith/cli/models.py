"""`tunesmith models`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.cli.words import table
from tunesmith.errors import Fault, InputError, did_you_mean

ACTIONS = ("list", "fetch")


def models(
    action: Annotated[str, typer.Argument(metavar="list|fetch", help="What to do.")] = "list",
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A known name or a hub id.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the models that are known by name, or fetch one.

    \b
    Examples:
      tunesmith models
      tunesmith models fetch minilm
    """
    with working(as_json, debug) as screen:
        from tunesmith.models.sources import list_models, resolve_model

        if action not in ACTIONS:
            remedy = f"{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}.".strip()
            raise InputError(Fault("K710", "tunesmith models", f'there is no "{action}".', remedy))
        if action == "list":
            found = list_models()
            screen.result({"models": found}, _listing(found))
            return
        if name is None:
            raise InputError(Fault("K712", "tunesmith models fetch", "which model?", "`tunesmith models` lists them."))
        folder = resolve_model(name, say=screen.note)
        screen.result({"name": name, "folder": str(folder)}, [f"{name} is in {folder}"])


def _listing(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from tunesmith.report.words import short_count, storage

    head = ["name", "parameters", "licence", "languages", "ready", "good for"]
    rows = [
        [
            line["name"], short_count(line["parameters"]), line["licence"], line["languages"],
            storage(line["bytes"]) if line["ready"] else "–", line["good_for"],
        ]
        for line in found
    ]  # fmt: skip
    yield from table([head, *rows], right=[1])
    yield ""
    yield "Any encoder on the hub or in a folder works too: --model OWNER/NAME or --model FOLDER."

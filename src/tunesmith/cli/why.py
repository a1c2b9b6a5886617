"""`tunesmith why`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.cli.words import table
from tunesmith.errors import CODES, Fault, InputError, did_you_mean


def why(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="A code such as K107; without one, all.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain the code of an error or a finding.

    \b
    Example:
      tunesmith why K107
    """
    with working(as_json, debug) as screen:
        if code is None:
            value = {name: entry._asdict() for name, entry in sorted(CODES.items())}
            screen.result(value, table([[name, entry["title"]] for name, entry in value.items()]))
            return
        known = CODES.get(code.upper())
        if known is None:
            remedy = f"{did_you_mean(code, list(CODES))} `tunesmith why` lists them all.".strip()
            raise InputError(Fault("K710", code, "there is no such code.", remedy))
        lines = [f"{code.upper()}  {known.title}", "", f"Why: {known.why}", f"Do:  {known.cure}"]
        screen.result({"code": code.upper(), **known._asdict()}, lines)

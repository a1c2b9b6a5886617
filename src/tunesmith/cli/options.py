"""Options that several verbs share, and how they become keys of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and everything else on stderr.")
]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Source: TypeAlias = Annotated[
    str, typer.Argument(metavar="DATA|RECIPE", help="A data file, `-` for stdin, hub:NAME, or a recipe (.yaml, .json).")
]
RunFolder: TypeAlias = Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run, or its model folder.")]
Dev: TypeAlias = Annotated[str | None, typer.Option(metavar="FILE", help="Rows for early stopping and choices.")]
Test: TypeAlias = Annotated[str | None, typer.Option(metavar="FILE", help="Rows that are read once, at the end.")]
General: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Other text, to measure what is forgotten; by default some that comes with it."),
]
Weak: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Rows with labels nobody has checked, to learn from as well.")
]
Rules: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Rules of the team, which vote beside the model.")
]
Glossary: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Terms of the trade, with aliases, definitions and classes.")
]
Task: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="classify, multilabel, regress, pair, tag, answer, embed, chat, seq2seq or masked; else inferred."
    ),
]
Model: TypeAlias = Annotated[str | None, typer.Option(help="A known name (`tunesmith models`), a folder, or a hub id.")]
Out: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="RUN", help="The folder of the run; by default a new one under runs/.")
]
Seed: TypeAlias = Annotated[int | None, typer.Option(help="Of everything random; 13 by default.")]
Sets: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override any key of the recipe; repeatable.")
]


def given(**flags: Any) -> dict[str, Any]:
    """Return the flags that were given, with `_` in their names standing for `.`: recipe key → value."""
    return {name.replace("_", "."): value for name, value in flags.items() if value is not None}

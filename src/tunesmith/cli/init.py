"""`tunesmith init`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json, Task
from tunesmith.errors import Fault, InputError


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the recipe.")] = Path("recipe.yaml"),
    task: Task = None,
    schema: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the JSON schema, so that editors complete and check."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a recipe with every key explained.

    \b
    Examples:
      tunesmith init
      tunesmith init intents.yaml --task classify --schema recipe.schema.json
    """
    with working(as_json, debug) as screen:
        from tunesmith.recipe.template import json_schema, template
        from tunesmith.runs.files import replace_file

        taken = [path for path in (file, schema) if path is not None and path.exists()]
        if taken and not force:
            raise InputError(
                [
                    Fault("K711", str(path), "is already there.", "Choose another name, or add --force.")
                    for path in taken
                ]
            )
        text = template(task)
        if schema is not None:
            beside = os.path.relpath(schema, file.parent)
            text = f"# yaml-language-server: $schema={beside}\n{text}"
            replace_file(schema, (json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n").encode())
        replace_file(file, text.encode())
        value = {"file": str(file), "schema": str(schema) if schema else None}
        screen.result(value, [f"{file} is written; put your file under data.train, then: tunesmith train {file}"])

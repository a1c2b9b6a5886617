"""What a recipe can say, written out: a commented file to start from, and a JSON schema for editors."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tunesmith.errors import InputError
from tunesmith.recipe.catalogue import TASKS, entries, load_entry, unknown_entry
from tunesmith.recipe.faults import part_of
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.text import write_document

PLACEHOLDERS = {"train": "train.csv"}
HEAD = """\
# A recipe of tunesmith: everything that can be asked of one run. Lines that are commented out show keys that are
# left to a default which depends on the data. Train with `tunesmith train recipe.yaml`; paths start at this file.

"""


def template(task: str | None = None) -> str:
    """Return a complete recipe in which the schema's own words explain every key.

    Args:
        task: a task's name to write in; `auto` where not given.

    Raises:
        InputError: there is no such task (K207).
    """
    if task is not None and task not in TASKS and task != "auto":
        raise InputError(unknown_entry("tasks", task, "--task"))
    chosen = {"task": task} if task else {}
    return HEAD + "\n".join(_lines(Recipe, "", chosen)) + "\n"


def _lines(model: type[BaseModel], indent: str, chosen: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, info in model.model_fields.items():
        part = part_of(info.annotation)
        if not indent and lines:
            lines.append("")
        lines += [f"{indent}# {info.description}", *_choices(info.annotation, indent)]
        if part is not None:
            inner = _lines(part, indent + "  ", {})
            open_only = all(line.lstrip().startswith("#") for line in inner)  # a part without a key would be null
            lines += [f"{indent}{'# ' if open_only else ''}{name}:", *inner]
            continue
        value = chosen.get(name, PLACEHOLDERS.get(name) if info.default is PydanticUndefined else info.default)
        if value is PydanticUndefined or (value is None and info.default_factory is not None):
            value = info.get_default(call_default_factory=True)
        prefix = "# " if value is None else ""
        lines.append(f"{indent}{prefix}{_line(name, value)}")
    return lines


def _line(name: str, value: Any) -> str:
    if value is None:
        return f"{name}:"
    if isinstance(value, tuple | list | dict):
        return f"{name}: {write_document(list(value) if isinstance(value, tuple) else value, flow=True)}".rstrip("\n")
    return write_document({name: value}).rstrip("\n")


def _choices(annotation: Any, indent: str) -> list[str]:
    """Return a line with the words a key takes, where it takes words."""
    for choice in (annotation, *get_args(annotation)):
        if get_origin(choice) is Literal:
            return [f"{indent}# One of: {', '.join(map(str, get_args(choice)))}."]
    return []


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a recipe, with the options of every strategy, for editors to complete and check."""
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "tunesmith recipe"
    names = sorted(entries("strategies"))
    options = {name: _inlined(load_entry("strategies", name).model_json_schema()) for name in names}
    short = {"enum": names, "description": "A strategy with its default options."}
    full = {
        "type": "object",
        "properties": {name: {"anyOf": [option, {"type": "null"}]} for name, option in options.items()},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    items = {"type": "array", "items": {"anyOf": [short, full]}}
    schema["properties"]["strategies"] |= {"anyOf": [items, {"type": "null"}]}
    return schema


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of its own with its `$defs` put where they are used, so that it can stand inside another."""
    definitions = schema.pop("$defs", {})

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return walk(definitions[value["$ref"].rsplit("/", 1)[1]])
            return {key: walk(item) for key, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    return walk(schema)  # type: ignore[no-any-return]

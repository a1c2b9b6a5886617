"""What pydantic found, in our words: where, what came, what was expected, the near name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError

from tunesmith.errors import Fault, did_you_mean
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.text import Path, dotted

Where: TypeAlias = Callable[[Path], str]

_EXPECTED = (
    (("int_type", "int_parsing", "int_from_float"), "a whole number"),
    (("float_type", "float_parsing"), "a number"),
    (("bool_type", "bool_parsing"), "true or false"),
    (("string_type",), "text"),
    (("model_type", "model_attributes_type", "dict_type", "mapping_type"), "keys with values"),
    (("tuple_type", "list_type"), "a list"),
    (("greater_than",), "more than {gt}"),
    (("greater_than_equal",), "at least {ge}"),
    (("less_than",), "less than {lt}"),
    (("less_than_equal",), "at most {le}"),
    (("too_short",), "at least {min_length} of them"),
    (("finite_number",), "a number that is not infinite"),
)
EXPECTED = {kind: words for kinds, words in _EXPECTED for kind in kinds}


def faults_of(
    error: ValidationError, where: Where, model: type[BaseModel], at: Path = (), skip: str = ""
) -> list[Fault]:
    """Return one fault for each thing that pydantic found wrong.

    Args:
        error: what it raised.
        where: path of keys → the place as the user knows it.
        model: the model that was validated; its fields are the choices for a wrong key.
        at: where in the recipe that model stands.
        skip: a key whose inside somebody else has checked.
    """
    found = error.errors(include_url=False)
    return [_fault(one, where, model, at) for one in found if len(one["loc"]) < 2 or one["loc"][0] != skip]


def _fault(found: Any, where: Where, model: type[BaseModel], at: Path) -> Fault:
    inner: Path = tuple(found["loc"])
    path = (*at, *inner)
    kind, context = found["type"], found.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault("K201", where(path), f'there is no key "{inner[-1]}".', _key_remedy(inner, model, at))
    if kind == "missing":
        return Fault("K202", where(path), "is missing.", _help(model, inner))
    came = show_value(found["input"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        remedy = did_you_mean(str(found["input"]), choices)
        return Fault("K203", where(path), f"{came} is not one of: {', '.join(choices)}.", remedy)
    expected = EXPECTED.get(kind, "").format(**context) or found["msg"]
    remedy = "Write it in quotes." if kind == "string_type" and isinstance(found["input"], int | float) else ""
    return Fault("K204", where(path), f"{came} came, expected: {expected}.", remedy or _help(model, inner))


def show_value(value: Any, width: int = 60) -> str:
    """Return what came as a user would write it, cut to `width` characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else text[: width - 1] + "…"


def key_paths(model: type[BaseModel] = Recipe, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key of a model, parts before their keys."""
    for name, info in model.model_fields.items():
        yield (*at, name)
        part = part_of(info.annotation)
        if part is not None:
            yield from key_paths(part, (*at, name))


def part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as `Text` or `Text | None`."""
    for choice in (annotation, *get_args(annotation)):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    for key in path:
        info = model.model_fields.get(str(key))
        model = (part_of(info.annotation) if info else None) or model
    return model


def _key_remedy(inner: Path, model: type[BaseModel], at: Path) -> str:
    parent = _model_at(model, inner[:-1])
    names = list(parent.model_fields)
    key = str(inner[-1])
    near = did_you_mean(key, names)
    if not near and not at:
        near = _elsewhere(key, inner[:-1])
    return f"{near} Keys here: {', '.join(names)}.".strip()


def _elsewhere(key: str, parent: Path) -> str:
    """Suggest the same key, or the nearest, in another part of the recipe."""
    by_name: dict[str, list[tuple[str, ...]]] = {}
    for path in key_paths():
        if path[:-1] != parent:
            by_name.setdefault(path[-1], []).append(path)
    near = get_close_matches(key, by_name, n=1, cutoff=0.75)
    return f"Did you mean {' or '.join(dotted(path) for path in by_name[near[0]])}?" if near else ""


def _help(model: type[BaseModel], inner: Path) -> str:
    """Return what the schema says of the key, which names what is wanted."""
    if not inner or isinstance(inner[-1], int):
        return ""
    info = _model_at(model, inner[:-1]).model_fields.get(str(inner[-1]))
    return (info.description or "") if info else ""

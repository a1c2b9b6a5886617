"""From what a user hands over (a file, a recipe, a mapping) to a Recipe, with everything wrong said at once."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tunesmith.errors import Fault, InputError
from tunesmith.recipe import text as recipe_text
from tunesmith.recipe.checks import contradictions
from tunesmith.recipe.faults import Where, faults_of
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.sets import apply_flags, apply_sets
from tunesmith.recipe.strategies import build_strategies, normalise
from tunesmith.recipe.text import Document, read_document, write_document

RECIPE_NAME = "recipe.yaml"
RECIPE_ENDINGS = (".yaml", ".yml")
PATH_KEYS = {"data": ("train", "dev", "test", "general"), "knowledge": ("rules", "glossary")}
"""Parts of a recipe → their keys that name files."""
SHORT = {"data": "train", "knowledge": "rules"}
"""Parts that may be written as the name of a file → the key that it is."""
LARGEST_RECIPE = 1_000_000  # bytes; a JSON file above that is data without a look inside


def parse(
    source: str | Path | Mapping[str, Any], *, sets: Sequence[str] = (), flags: Mapping[str, Any] | None = None
) -> Recipe:
    """Read a recipe, or build one for a data file.

    Args:
        source: a recipe file (.yaml, .yml, .json), a folder with a `recipe.yaml` (such as a run), a data file, `-`,
            `hub:NAME`, or the recipe as a mapping. Paths in a recipe file are relative to that file.
        sets: `key=value` entries that override it, such as `optimizer.learning_rate=1e-4`.
        flags: values of options of their own, by dotted key; a message calls the last part `--part`. They win over all.

    Raises:
        InputError: with every fault found: the line, the key, what came, what was expected, the near name.

    Example:
        >>> parse("reviews.csv", sets=["seed=7"]).seed
        7
    """
    if isinstance(source, Mapping):
        document, base = Document(copy.deepcopy(dict(source)), "recipe"), None
    elif (path := find_recipe(source)) is not None:
        document, base = read_document(_read(path), str(path)), _base_of(path)
    else:
        document, base = Document({"data": {"train": str(source)}}, str(source)), None
    return _validate(document, base, tuple(sets), flags or {})


def find_recipe(source: str | Path) -> Path | None:
    """Return the recipe file that `source` means, or None where it is data.

    Raises:
        InputError: it is a folder without a recipe, or a recipe that does not exist (K211).
    """
    name = str(source)
    path = Path(source)
    if name == "-" or name.startswith("hub:"):
        return None
    if path.is_dir():
        if not (path / RECIPE_NAME).is_file():
            message = f"this folder has no {RECIPE_NAME}."
            raise InputError(Fault("K211", name, message, "Give a data file, a recipe, or the folder of a run."))
        return path / RECIPE_NAME
    if path.suffix.lower() in RECIPE_ENDINGS or (path.suffix.lower() == ".json" and _holds_recipe(path)):
        return path
    return None


def dump(recipe: Recipe, base: Path | None = None) -> str:
    """Return the complete recipe as YAML in the order of the schema; `parse` reads it back equal.

    Args:
        recipe: what to write.
        base: the folder the text is written to; relative data paths are turned so that they hold from there.
    """
    value = recipe.model_dump(mode="json")
    if base is not None:
        _move_paths(value, lambda path: os.path.relpath(path, base))
    return write_document(value)


def _holds_recipe(path: Path) -> bool:
    """Tell whether a JSON file is a recipe: an object whose `data` names a file."""
    if not path.is_file() or path.stat().st_size > LARGEST_RECIPE:
        return False
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return False
    data = value.get("data") if isinstance(value, dict) else None
    return isinstance(data, str) or (isinstance(data, dict) and isinstance(data.get("train"), str))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise InputError(
            Fault("K211", str(path), message, "Check the name; paths start in the current folder.")
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(Fault("K211", str(path), "is not UTF-8 text.", "Save it as UTF-8.")) from error


def _base_of(path: Path) -> Path:
    """Return the folder at which the paths of a recipe file start.

    A run keeps its recipe as it was asked, with paths that start where the command was given; its lock says where.
    """
    if not (path.parent / "events.jsonl").is_file():
        return path.parent
    try:
        return Path(json.loads((path.parent / "lock.json").read_bytes())["folder"])
    except (OSError, ValueError, KeyError):  # a run killed in its first moments has no lock yet
        return Path.cwd()


def _validate(document: Document, base: Path | None, sets: tuple[str, ...], flags: Mapping[str, Any]) -> Recipe:
    value = document.value
    if not isinstance(value, dict):
        message = "expected keys with values, such as `data: reviews.csv`."
        raise InputError(Fault("K204", document.where(()), message, "See `tunesmith init` for a complete one."))
    _open_short(value)
    if base is not None:
        _move_paths(value, lambda path: _from_here(base / path))
        _move_model(value, base)
    sources, faults = apply_sets(value, sets)
    sources |= apply_flags(value, flags)
    _open_short(value)
    faults = [*document.faults, *faults]
    where = _locator(document, sources)
    if "strategies" in value:
        value["strategies"] = normalise(value["strategies"])
        faults += build_strategies(value["strategies"], where)[1]
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        raise InputError([*faults, *faults_of(error, where, Recipe, skip="strategies")]) from error
    faults += contradictions(recipe, where)
    if faults:
        raise InputError(faults)
    return recipe


def _locator(document: Document, sources: Mapping[recipe_text.Path, str]) -> Where:
    def where(path: recipe_text.Path) -> str:
        for depth in range(len(path), 0, -1):
            if path[:depth] in sources:
                return sources[path[:depth]]
        return document.where(path)

    return where


def _open_short(value: dict[str, Any]) -> None:
    """Open parts that are written as the name of their file alone."""
    for name, key in SHORT.items():
        if isinstance(value.get(name), str):
            value[name] = {key: value[name]}


def _move_paths(value: dict[str, Any], move: Callable[[str], str]) -> None:
    """Apply `move` to every relative path of a file."""
    for name, keys in PATH_KEYS.items():
        part = value.get(name)
        if not isinstance(part, dict):
            continue
        for key in keys:
            path = part.get(key)
            if isinstance(path, str) and path != "-" and not path.startswith("hub:") and not os.path.isabs(path):
                part[key] = move(path)


def _move_model(value: dict[str, Any], base: Path) -> None:
    """Read `model` as a folder beside the recipe where there is one; else it is a name."""
    model = value.get("model")
    if isinstance(model, str) and model and not os.path.isabs(model) and (base / model).is_dir():
        value["model"] = _from_here(base / model)


def _from_here(path: Path) -> str:
    """Return `path` relative to the current folder if it is below it, so that a moved project keeps its digest."""
    full = os.path.abspath(path)
    relative = os.path.relpath(full)
    return full if relative.startswith(os.pardir) else relative

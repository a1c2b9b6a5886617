"""`--set a.b=value`: one key of a recipe, changed from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.errors import Fault, InputError
from tunesmith.recipe.faults import key_paths
from tunesmith.recipe.text import Path, dotted, read_scalar


def apply_sets(value: dict[str, Any], sets: tuple[str, ...]) -> tuple[dict[Path, str], list[Fault]]:
    """Write each `key=value` of `sets` into the recipe data `value`.

    Returns:
        path → the entry that set it, for messages about it; and what was wrong with the entries themselves. A key that
        does not exist is written too: the schema refuses it together with all else that is wrong.
    """
    sources: dict[Path, str] = {}
    faults: list[Fault] = []
    for entry in sets:
        key, equals, text = entry.partition("=")
        path = tuple(part.strip() for part in key.split("."))
        if not equals or not all(path):
            message = f'"{entry}" came, expected: KEY=VALUE.'
            faults.append(Fault("K208", "--set", message, "Write it like --set optimizer.learning_rate=1e-4."))
            continue
        try:
            written = _write(value, path, read_scalar(text, f"--set {entry}"))
        except InputError as error:
            faults.extend(error.faults)
            continue
        sources[written] = f"--set {entry}"
    return sources, faults


def apply_flags(value: dict[str, Any], flags: Mapping[str, Any]) -> dict[Path, str]:
    """Write each value of `flags` into the recipe data `value`; return path → the flag that set it."""
    return {
        _write(value, tuple(key.split(".")), new): f"--{key.rpartition('.')[2].replace('_', '-')}"
        for key, new in flags.items()
    }


def _write(value: dict[str, Any], path: tuple[str, ...], new: Any) -> Path:
    if path[0] == "strategies" and len(path) > 1:
        return _write_strategy(value, path, new)
    known = set(key_paths())
    inner = {known_path[:-1] for known_path in known} | {("data", "labels")}
    target = value
    for depth, key in enumerate(path[:-1], start=1):
        here = path[:depth]
        if here in known and here not in inner:
            message = f"{dotted(here)} holds one value, so there is no {dotted(path)}."
            raise InputError(Fault("K208", f"--set {dotted(path)}", message, f"Write --set {dotted(here)}=VALUE."))
        if not isinstance(target.get(key), dict):
            target[key] = {}  # what stood there was wrong or nothing; the override takes its place
        target = target[key]
    target[path[-1]] = new
    return path


def _write_strategy(value: dict[str, Any], path: tuple[str, ...], new: Any) -> Path:
    """Write `strategies.NAME.OPTION`; a strategy that is not there yet goes to the end of the list."""
    if len(path) != 3:
        remedy = "Write --set strategies.NAME.OPTION=VALUE, or --set strategies='[NAME, NAME]' for the whole list."
        raise InputError(Fault("K208", f"--set {dotted(path)}", "this is not an option of a strategy.", remedy))
    _, name, option = path
    items = value.get("strategies")
    items = value["strategies"] = list(items) if isinstance(items, list | tuple) else [items] if items else []
    found = [index for index, item in enumerate(items) if item == name or (isinstance(item, dict) and name in item)]
    index = found[0] if found else len(items)
    options = dict(items[index][name] or {}) if found and isinstance(items[index], dict) else {}
    items[index:index + 1] = [{name: {**options, option: new}}]  # fmt: skip
    return ("strategies", index, name, option)

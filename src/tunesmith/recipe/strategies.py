"""The `strategies` list of a recipe: short forms made complete, options checked against their class."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tunesmith.core.strategy import Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.faults import Where, faults_of, show_value
from tunesmith.recipe.policies import AUTO, spelt_out


def normalise(items: Any) -> Any:
    """Return `name` and `{name: null}` as `{name: {}}`, a policy as its list, and `auto` as nothing said.

    What is none of these stays, for the schema to refuse.
    """
    if isinstance(items, str | dict):
        items = [items]
    if not isinstance(items, list | tuple):
        return items
    if list(items) == [AUTO]:
        return None
    return [_normal(item) for item in spelt_out(list(items))]


def names_of(items: Any) -> list[str]:
    """Return the names of the strategies of a complete list."""
    return [name for item in items or () for name in item]


def _normal(item: Any) -> Any:
    if isinstance(item, str):
        return {item: {}}
    if isinstance(item, dict):
        return {name: {} if options is None else options for name, options in item.items()}
    return item


def build_strategies(items: Any, where: Where) -> tuple[tuple[Strategy, ...], list[Fault]]:
    """Build every strategy of a complete list.

    Returns:
        the strategies in their order, and all that is wrong with any of them.
    """
    built: list[Strategy] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if not isinstance(item, dict) or len(item) != 1:
            message = f"{show_value(item)} came, expected: a name, or one name with its options."
            faults.append(Fault("K204", where(("strategies", index)), message, "Write `- name: {option: value}`."))
            continue
        (name, options), = item.items()  # fmt: skip
        at = ("strategies", index, str(name))
        if name in seen:
            faults.append(Fault("K210", where(at), f'the strategy "{name}" is already in the list.', "Keep one."))
            continue
        seen.add(name)
        try:
            built.append(load_entry("strategies", str(name), where(at[:2])).model_validate(options))
        except ValidationError as error:
            faults += faults_of(error, where, load_entry("strategies", str(name)), at)
        except InputError as error:
            faults += error.faults
    return tuple(built), faults

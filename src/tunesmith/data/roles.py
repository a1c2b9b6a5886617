"""Columns of rows with more than a text and a label: named by the recipe, else known by their usual names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tunesmith.data.findings import shorten
from tunesmith.data.names import words_of
from tunesmith.data.table import Table
from tunesmith.errors import Fault, did_you_mean, raise_faults
from tunesmith.recipe.schema import Data

ROW_ROLES = ("id", "group", "time")
"""Roles that say something of the row and are never inferred."""


def told_columns(table: Table, data: Data, roles: Sequence[str]) -> dict[str, str]:
    """Return role → column for the roles that `data` names.

    Raises:
        InputError: `table` has no such column; every one is named, with the nearest that there is.
    """
    told = {role: name for role in roles if (name := getattr(data, role))}
    raise_faults(unknown_columns(table, told))
    return told


def unknown_columns(table: Table, told: Mapping[str, str]) -> list[Fault]:
    """Return a fault for every column of `told` that `table` does not have, with the nearest that there is."""
    return [
        Fault("K106", f"data.{role}",
              f'there is no column "{name}" in {table.name}, which has {listed(table.columns)}.',
              did_you_mean(name, table.columns) or f"Set data.{role} to one of them.")
        for role, name in told.items() if name not in table.columns
    ]  # fmt: skip


def usual_column(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """Return the column with the first of the usual `names` that any of them has.

    Example:
        >>> usual_column(["id", "Passage", "Answer_Text"], ("context", "passage"))
        'Passage'
        >>> usual_column(["id", "Passage", "Answer_Text"], ("answers", "answertext"))
        'Answer_Text'
    """
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault("".join(words_of(column)), column)
    return next((by_name[name] for name in names if name in by_name), None)


def no_column(table: Table, role: str, looked_for: str) -> Fault:
    """Return the fault that no column could be found for `role`; it shows what the columns hold."""
    return Fault(
        "K106", table.name, f"no column looks like the {role} ({looked_for}): {shown(table, table.columns)}.",
        f"Say which one: --set data.{role}=COLUMN",
    )  # fmt: skip


def said(by_role: dict[str, str], told: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for every column that was inferred."""
    return tuple(
        f'The {role} {"are" if role[-1] == "s" else "is"} column "{name}"; change that with --set data.{role}=COLUMN.'
        for role, name in by_role.items()
        if role not in told
    )


def listed(names: Sequence[str]) -> str:
    """Return the first twelve names, and how many there are besides."""
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def shown(table: Table, names: Sequence[str]) -> str:
    """Return the first eight of the columns `names`, each with a value of it, and how many there are besides."""
    examples = [f'{name} (such as "{shorten(_example(table, name), 40)}")' for name in names[:8]]
    return ", ".join(examples) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _example(table: Table, name: str) -> str:
    values = table.data[name].slice(0, 100).to_pylist()
    return next((str(value) for value in values if value not in (None, "", []) and str(value).strip()), "")

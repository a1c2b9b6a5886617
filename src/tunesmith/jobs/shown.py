"""Predictions as plain data: what a row of output says, and what is written beside the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Task

Row = dict[str, Any]


def shown(task: Task, found: Prediction) -> Row:
    """Return what was predicted, as `tunesmith predict --json` prints it."""
    return {**task.row(found), **({"evidence": list(found.evidence)} if found.evidence else {})}


def added_columns(task: Task, row: Mapping[str, Any], found: Prediction) -> dict[str, str]:
    """Return what is added to the columns of a file → the name of its column, one that the data does not have yet."""
    taken = set(row)
    added: dict[str, str] = {}
    for name in task.cells(found):
        free = name
        while free in taken:
            free = f"predicted_{free}"
        taken.add(free)
        added[name] = free
    return added


def cells(task: Task, added: Mapping[str, str], found: Prediction) -> Row:
    """Return the cells that are added to one row."""
    values = task.cells(found)
    return {column: values[name] for name, column in added.items()}

"""Predictions as plain data: what a row of output says, and what is written beside the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.bundle.load import Bundle
from tunesmith.core.prediction import Prediction

Row = dict[str, Any]


def shown(bundle: Bundle, found: Prediction) -> Row:
    """Return what was predicted, as `tunesmith predict --json` prints it."""
    evidence = {"evidence": list(found.evidence)} if found.evidence else {}
    return {**bundle.task.row(found), **_sure(bundle, found), **evidence}


def added_columns(bundle: Bundle, row: Mapping[str, Any], found: Prediction) -> dict[str, str]:
    """Return what is added to the columns of a file → the name of its column, one that the data does not have yet."""
    taken = set(row)
    added: dict[str, str] = {}
    for name in _cells(bundle, found):
        free = name
        while free in taken:
            free = f"predicted_{free}"
        taken.add(free)
        added[name] = free
    return added


def cells(bundle: Bundle, added: Mapping[str, str], found: Prediction) -> Row:
    """Return the cells that are added to one row."""
    values = _cells(bundle, found)
    return {column: values[name] for name, column in added.items()}


def _cells(bundle: Bundle, found: Prediction) -> Row:
    return {**bundle.task.cells(found), **_sure(bundle, found)}


def _sure(bundle: Bundle, found: Prediction) -> Row:
    return {} if bundle.threshold is None else {"sure": found.sure}

"""Predictions as plain data: what a row of output says, and what is written beside the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Array, Task

Row = dict[str, Any]


def shown(task: Task, found: Prediction | Array) -> Row:
    """Return what was predicted, as `tunesmith predict --json` prints it."""
    if not isinstance(found, Prediction):
        return {"vector": found.tolist()}
    row: Row = {"label": found.label, "score": found.score, "scores": dict(found.scores)}
    if task.name == "tag":
        row["spans"] = [asdict(mention) for mention in found.spans]
    if task.name == "answer":
        row["answer"] = found.label if found.spans else None
        row["spans"] = [{k: v for k, v in asdict(mention).items() if k != "label"} for mention in found.spans]
    return {**row, "evidence": list(found.evidence)} if found.evidence else row


def added_columns(task: Task, row: Mapping[str, Any], found: Prediction | Array) -> dict[str, str]:
    """Return what is added to the columns of a file → the name of its column, one that the data does not have yet."""
    taken = set(row)
    added: dict[str, str] = {}
    for name in cells_of(task, found):
        free = name
        while free in taken:
            free = f"predicted_{free}"
        taken.add(free)
        added[name] = free
    return added


def cells(task: Task, added: Mapping[str, str], found: Prediction | Array) -> Row:
    """Return the cells that are added to one row."""
    values = cells_of(task, found)
    return {column: values[name] for name, column in added.items()}


def cells_of(task: Task, found: Prediction | Array) -> Row:
    """Return every cell that a task adds, by its plain name."""
    if not isinstance(found, Prediction):
        return {"vector": [float(value) for value in found]}
    if task.name == "tag":
        return {"spans": shown(task, found)["spans"], "score": found.score}
    if task.name == "answer":
        where = found.spans[0] if found.spans else None
        return {
            "answer": found.label, "score": found.score,
            "start": where.start if where else None, "end": where.end if where else None,
        }  # fmt: skip
    if task.name == "embed":
        return {"similarity": found.score}
    label = "|".join(map(str, found.label)) if isinstance(found.label, tuple) else found.label
    scores = {f"p_{name}": value for name, value in found.scores.items()}
    return {"label": label, **({"score": found.score, **scores} if scores else {})}

"""The runs there are: list, show, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.runs.list import list_runs, remove_run
from tunesmith.runs.store import Run


def list_all(root: Path | str = "runs") -> list[dict[str, Any]]:
    """Return one line of plain data for each run under `root`; see `runs.list.list_runs`."""
    return list_runs(Path(root))


def show(run: Path | str) -> dict[str, Any]:
    """Return what is known of one run: its line in the list, recipe, lock, and its report if it has ended.

    Raises:
        InputError: there is no such run.
    """
    found = Run.load(run)
    folder = found.folder.resolve()
    line = next(line for line in list_runs(folder.parent) if line["name"] == folder.name)
    return {
        **line,
        "folder": str(run),
        "recipe": found.recipe.model_dump(mode="json"),
        "lock": found.lock,
        "report": found.report() if found.is_finished else None,
    }


def remove(run: Path | str) -> dict[str, Any]:
    """Delete a run and all it holds.

    Raises:
        InputError: there is no such run.
        RunError: a process works on it.
    """
    remove_run(Path(run))
    return {"removed": str(run)}

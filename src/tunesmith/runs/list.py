"""The runs there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.runs.files import disk_faults, remove_folder, size_of
from tunesmith.runs.owner import is_owned, owned
from tunesmith.runs.store import Run, is_run


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Return one line of plain data for each run directly under `root`, by name.

    `status` is `running`, `finished` or `unfinished`; what cannot be read of a damaged run is None, `fault` says why.
    """
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [_line(folder) for folder in folders if is_run(folder)]


def remove_run(folder: Path) -> None:
    """Delete the run in `folder` and all it holds.

    Raises:
        InputError: It is not a run.
        RunError: A process works on it.
    """
    run = Run.load(folder)
    with owned(run.folder), disk_faults(run.folder):
        remove_folder(run.folder.resolve())


def _line(folder: Path) -> dict[str, Any]:
    run = Run(folder)
    status = "finished" if run.is_finished else "running" if is_owned(folder) else "unfinished"
    line: dict[str, Any] = {
        "name": folder.name, "folder": str(folder), "status": status, "started": None, "task": None, "model": None,
        "data": None, "seed": None, "seconds": None, "bytes": size_of(folder), "fault": None,
    }  # fmt: skip
    try:
        recipe = run.recipe
        line |= {"task": recipe.task, "model": recipe.model, "data": recipe.data.train, "seed": recipe.seed}
        first = next(run.events(), None)
        line |= {"started": first["time"] if first else None, "seconds": round(run.seconds, 1)}
    except TunesmithError as error:
        line["fault"] = str(error)
    return line

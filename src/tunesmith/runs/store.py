"""The run folder: what was asked, on what it stands, what happened, what came out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml
from pydantic import ValidationError

from tunesmith.core.report import Finding
from tunesmith.errors import Fault, InputError, RunError, did_you_mean
from tunesmith.recipe.schema import Recipe
from tunesmith.runs.events import EventLog, read_events
from tunesmith.runs.files import disk_faults, document, read_document, remove_folder, replace_file
from tunesmith.runs.lock import FileEntry, check_files, check_same_data, describe_lock, differences
from tunesmith.runs.owner import owned

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.runs.checkpoint import Checkpoints

_BEGINNINGS = {".lock", "events.jsonl", "state", ".recipe.yaml.fresh"}
"""What a run killed in its first moments may have left without a recipe."""


class Run:
    """A run folder. `open_run` gives one to write to, `Run.load` one to look at."""

    is_followed: ClassVar[bool] = False
    """Whether another process of the training writes it."""

    def __init__(self, folder: Path, log: EventLog | None = None, command: str = "") -> None:
        self.folder = folder
        self._log = log
        self._command = command

    @classmethod
    def load(cls, folder: Path | str) -> Run:
        """Return the run in `folder`, to be read only.

        Raises:
            InputError: There is no run; the nearest name beside it is suggested.
        """
        folder = Path(folder)
        if not is_run(folder):
            parent = folder.parent
            names = [run.name for run in parent.iterdir() if is_run(run)] if parent.is_dir() else []
            found = "has no recipe.yaml and events.jsonl" if folder.exists() else "does not exist"
            hint = did_you_mean(folder.name, names) or "`tunesmith runs` lists the runs there are."
            raise InputError(Fault("K406", str(folder), f"is not a run: it {found}.", hint))
        return cls(folder)

    @property
    def recipe(self) -> Recipe:
        """The complete recipe.

        Raises:
            InputError: `recipe.yaml` was changed into something that is no recipe.
        """
        path = self.folder / "recipe.yaml"
        try:
            return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise InputError(
                Fault(
                    "K411", str(path), f"is no complete recipe any more: {error}", "Restore it, or start another run."
                )
            ) from error

    def write_recipe(self, recipe: Recipe) -> None:
        """Write `recipe` complete, with no default left out."""
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
        self._write("recipe.yaml", text.encode())

    @property
    def lock(self) -> dict[str, Any]:
        """Versions, machine, git, seed, command and the hash of every input file; empty before `write_lock`."""
        path = self.folder / "lock.json"
        return dict(read_document(path)) if path.exists() else {}

    def write_lock(
        self, files: Mapping[str, FileEntry], *, threads: int | None = None, processes: int = 1, divided: bool = False
    ) -> None:
        """Write `lock.json` before any work; a resumed run keeps its lock and logs what is different now.

        Args:
            files: role (`train`, `dev`, `model`, …) → file; relative paths count from the working folder.
            threads: torch threads; results may differ in the last bit with another number.
            processes: that train together; likewise.
            divided: whether each of them holds a part of the weights while it trains; likewise.
        """
        recipe = self.recipe
        lock = describe_lock(files, command=self._command, seed=recipe.seed, digest=recipe.digest())
        lock["machine"] |= {"threads": threads, "processes": processes, "divided": divided}
        before = self.lock
        if not before:
            self._write("lock.json", document(lock))
            return
        check_same_data(before, lock)
        parts = ("versions", "machine", "git")
        changed = differences({part: before.get(part) for part in parts}, {part: lock[part] for part in parts})
        if changed:
            self.log("finding", **_moved(changed).as_dict())

    def log(self, kind: str, **data: Any) -> None:
        """Append one event; it survives a kill."""
        assert self._log is not None, "this run was loaded to be read"
        self._log.append(kind, **data)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what happened, in order: `{"time", "seconds", "kind", …}`."""
        return read_events(self.folder / "events.jsonl")

    @property
    def seconds(self) -> float:
        """Seconds of work so far, over all resumes."""
        if self._log is not None:
            return self._log.seconds
        return max((float(event["seconds"]) for event in self.events()), default=0.0)

    def checkpoints(self, stage: str) -> Checkpoints:
        """Return the checkpoints of one stage of the work."""
        from tunesmith.runs.checkpoint import Checkpoints

        return Checkpoints(self.folder / "checkpoints" / stage)

    def keep(self, name: str, value: Any) -> None:
        """Keep a small JSON value (infinities are allowed) under `name`, such as the result of a finished stage."""
        self._write(f"state/{name}.json", json.dumps(value, ensure_ascii=False).encode())

    def kept(self, name: str) -> Any:
        """Return what was kept under `name`, None where nothing was."""
        path = self.folder / "state" / f"{name}.json"
        return read_document(path) if path.exists() else None

    def keep_arrays(self, name: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Keep arrays under `name`."""
        from safetensors.numpy import save

        self._write(f"state/{name}.safetensors", save(dict(arrays)))

    def kept_arrays(self, name: str) -> dict[str, np.ndarray[Any, Any]] | None:
        """Return what `keep_arrays` kept under `name`, None where nothing was."""
        from safetensors.numpy import load_file

        path = self.folder / "state" / f"{name}.safetensors"
        return dict(load_file(path)) if path.exists() else None

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write `report.json`; NaN and infinity become null."""
        self._write("report.json", document(report))

    def report(self) -> dict[str, Any]:
        """Return `report.json`.

        Raises:
            InputError: The run has none yet.
        """
        path = self.folder / "report.json"
        if not path.exists():
            raise InputError(
                Fault(
                    "K413",
                    str(self.folder),
                    "has no report yet: the run did not end.",
                    f"`tunesmith train {self.folder / 'recipe.yaml'} --out {self.folder} --resume` continues it.",
                )
            )
        return dict(read_document(path))

    @property
    def is_finished(self) -> bool:
        """Whether `finish` was reached."""
        return (self.folder / "state" / "finished.json").exists()

    def finish(self) -> None:
        """Mark the run as done; a later `--resume` has nothing to do."""
        self.log("finished")
        self.keep("finished", {"seconds": round(self.seconds, 3)})

    def _write(self, name: str, data: bytes) -> None:
        assert self._log is not None, "this run was loaded to be read"
        replace_file(self.folder / name, data)


def is_run(folder: Path) -> bool:
    """Return whether `folder` is a run, finished or not."""
    return (folder / "recipe.yaml").is_file() and (folder / "events.jsonl").is_file()


@contextmanager
def open_run(folder: Path | None, recipe: Recipe, *, resume: bool, command: str) -> Iterator[Run]:
    """Open the run in `folder` for writing, alone; the block does the work.

    A new folder that meets an `InputError` before it holds any result is removed again, so that the same command
    works once the input is put right.

    Args:
        folder: made if it is not there; None makes `runs/<time>-<task>-<data>` under the working folder.
        recipe: what was asked.
        resume: continue the run that is there; a folder without a run starts one, so that a restarting job needs no
            other command. A finished run comes back at once: look at `is_finished`.
        command: as the user gave it; it goes into the lock.

    Raises:
        InputError: The folder holds a run and `resume` is off, or is not a run; the recipe or an input file is not
            what it was when the run began.
        RunError: Another process works on it.
    """
    if folder is None:
        if resume:
            raise InputError(Fault("K412", "--resume", "does not say which run to continue.", "Add --out RUN."))
        folder = _new_folder(recipe)
    is_new = _check_folder(folder, resume)
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with owned(folder):
        if not is_new:
            _check_same(Run(folder), recipe)
        log = EventLog(folder / "events.jsonl")
        run = Run(folder, log, command)
        try:
            if is_new:
                run.keep("asked", recipe.model_dump(mode="json"))
                run.write_recipe(recipe)
            if not run.is_finished:
                run.log("opened" if is_new else "resumed", command=command)
            yield run
        except BaseException as error:
            with suppress(RunError):  # a full disk must not hide what stopped the run
                run.log("stopped", error=type(error).__name__, message=str(error)[:2000])
            if is_new and isinstance(error, InputError) and not _has_results(folder):
                with suppress(OSError):  # a folder that cannot be removed must not hide what is wrong either
                    remove_folder(folder.resolve())
            raise
        finally:
            log.close()


def _check_folder(folder: Path, resume: bool) -> bool:
    """Return whether a run starts in `folder`; refuse a folder that must not be touched."""
    if is_run(folder):
        if resume:
            return False
        done = Run(folder).is_finished
        cure = "Choose another --out." if done else "Add --resume to continue it, or choose another --out."
        raise InputError(Fault("K401", str(folder), f"holds {'a finished' if done else 'an unfinished'} run.", cure))
    if folder.exists() and not folder.is_dir():
        raise InputError(
            Fault("K402", str(folder), "is a file; --out is the folder of a run.", "Choose another --out.")
        )
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if names and not (".lock" in names and names <= _BEGINNINGS):
        shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
        fault = Fault("K402", str(folder), f"is not empty and not a run ({shown}).", "Choose another --out.")
        raise InputError(fault)
    return True


def _check_same(run: Run, recipe: Recipe) -> None:
    """Check that the run goes on as it began: same recipe, same files."""
    changed = differences(run.kept("asked"), recipe.model_dump(mode="json"))
    if changed and run.recipe.digest() != recipe.digest():
        where = str(run.folder)
        cure = "Ask for the same as before, or start a new run with another --out."
        raise InputError([Fault("K403", where, f"the run began with another recipe: {line}", cure) for line in changed])
    lock = run.lock
    if lock and not run.is_finished:
        check_files(lock)


def _has_results(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("checkpoints", "model", "report.json"))


def _new_folder(recipe: Recipe) -> Path:
    data = "stdin" if recipe.data.train == "-" else recipe.data.train.rpartition("/")[2].removeprefix("hub:")
    stem = re.sub(r"[^\w-]+", "-", data.partition(".")[0]).strip("-")[:40] or "data"
    base = Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{recipe.task}-{stem}"
    folder, number = base, 1
    while True:
        with disk_faults(folder):
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                number += 1
                folder = base.with_name(f"{base.name}-{number}")


def _moved(changed: list[str]) -> Finding:
    return Finding(
        code="K414",
        severity="warning",
        message=f"The run goes on under other circumstances: {'; '.join(changed)}.",
        remedy="For the same weights bit for bit, resume with the versions and the hardware in lock.json.",
        source="lock.json",
        count=len(changed),
    )

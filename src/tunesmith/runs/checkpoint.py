"""Checkpoints: the old one or the new one is there, whole, whatever happens in between."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tunesmith.core.report import Finding
from tunesmith.errors import Fault, RunError
from tunesmith.runs.files import Chunk, disk_faults, sha256_of, size_of, sync_folder, write_synced
from tunesmith.runs.tensors import safetensors_chunks

_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


class Checkpoints:
    """Named checkpoints in one folder, each with the one before it as `<name>.previous`.

    One process writes at a time; the run's lock sees to that. No pickle is written or read.

    Args:
        folder: made by the first `save`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warnings: list[Finding] = []
        """What `load` noticed: a damaged checkpoint, and that the one before it was used."""
        self._sound: set[str] = set()

    def save(self, name: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Keep `tensors` and `state` (JSON data; infinities are allowed) as checkpoint `name`.

        Raises:
            RunError: The disk is full or refuses. The old checkpoint is intact and nothing else is left behind.
        """
        fresh, gone = self.folder / f".{name}.fresh", self.folder / f".{name}.gone"
        with disk_faults(self.folder / name):
            self.folder.mkdir(parents=True, exist_ok=True)
            _remove(fresh, gone)  # left by a kill
            try:
                _write(fresh, tensors, state)
                self._put(name, fresh, gone)
            finally:
                _remove(fresh, gone)
        self._sound.add(name)

    def load(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return tensors and state of checkpoint `name`, or None where there is none.

        A damaged checkpoint is noticed by its hashes; the one before it is used then and `warnings` says so.

        Raises:
            RunError: There are checkpoints, but none of them is whole.
        """
        places = [place for place in self._places(name) if place.exists()]
        faults: list[Fault] = []
        for place in places:
            damage = _damage(place)
            if damage is None:
                if faults:
                    self.warnings.append(_replaced(faults[0], place))
                elif place.name == name:
                    self._sound.add(name)
                return _read(place)
            faults.append(
                Fault("K408", str(place), damage, "Remove the run's folder `checkpoints` and --resume to start over.")
            )
        if faults:
            raise RunError(faults)
        return None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return size_of(self.folder) if self.folder.exists() else 0

    def remove(self) -> None:
        """Delete all checkpoints in the folder; a kill on the way leaves all of them or none."""
        gone = self.folder.with_name(f".{self.folder.name}.gone")
        with disk_faults(self.folder):
            _remove(gone)
            if self.folder.exists():
                os.rename(self.folder, gone)
            _remove(gone)
        self._sound.clear()

    def _places(self, name: str) -> tuple[Path, Path]:
        return self.folder / name, self.folder / f"{name}.previous"

    def _put(self, name: str, fresh: Path, gone: Path) -> None:
        """Rename `fresh` to `name`; at every instant a whole checkpoint has one of its two names."""
        now, previous = self._places(name)
        if now.exists():
            # A damaged one must not push out the good one before it. What this process wrote or read is known to be
            # whole; anything else is hashed, once.
            if name in self._sound or _damage(now) is None:
                if previous.exists():
                    os.rename(previous, gone)
                os.rename(now, previous)
            else:
                os.rename(now, gone)
        os.rename(fresh, now)
        sync_folder(self.folder)


def _write(place: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    place.mkdir()
    contents: dict[str, Iterable[Chunk]] = {
        _TENSORS: safetensors_chunks(tensors),
        _STATE: [json.dumps(state, ensure_ascii=False).encode()],
    }
    manifest = {}
    for file, chunks in contents.items():
        digest, size = write_synced(place / file, chunks)
        manifest[file] = {"sha256": digest, "bytes": size}
    write_synced(place / _MANIFEST, [json.dumps(manifest, indent=1).encode()])
    sync_folder(place)


def _read(place: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors.torch import load_file

    return load_file(place / _TENSORS), json.loads((place / _STATE).read_text(encoding="utf-8"))


def _damage(place: Path) -> str | None:
    """Return what is wrong with the checkpoint at `place`, None if nothing is."""
    try:
        manifest = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
        for file in (_TENSORS, _STATE):
            found, expected = sha256_of(place / file), manifest[file]["sha256"]
            if found != expected:
                return f"{file} has SHA-256 {found[:12]}…, {str(expected)[:12]}… was written."
    except OSError as error:
        return f"{Path(error.filename or place).name} cannot be read: {error.strerror}."
    except (ValueError, KeyError, TypeError) as error:
        return f"{_MANIFEST} is damaged ({type(error).__name__}: {error})."
    return None


def _replaced(fault: Fault, used: Path) -> Finding:
    return Finding(
        code="K407",
        severity="warning",
        message=f"The checkpoint is damaged: {fault.message} The one before it, {used.name}, is used.",
        remedy="Nothing need be done; the steps since then are repeated. If it happens again, check the disk.",
        source=fault.where,
    )


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)

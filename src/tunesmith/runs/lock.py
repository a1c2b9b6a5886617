"""What a run stands on: versions, hardware, code, data. Written before any work."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import tunesmith
from tunesmith.errors import Fault, InputError
from tunesmith.runs.files import sha256_of

FileEntry: TypeAlias = Path | str | Mapping[str, Any]
"""A file to be hashed, or what is known of data that is no file: `{"path": "hub:…", "sha256": …}`."""

_PACKAGES = (
    "torch", "transformers", "accelerate", "tokenizers", "safetensors", "numpy", "scikit-learn", "pyarrow", "pydantic",
)  # fmt: skip


def describe_lock(files: Mapping[str, FileEntry], *, command: str, seed: int, digest: str) -> dict[str, Any]:
    """Return the lock of a run that starts now, reading `files` once for their hashes."""
    folder = Path.cwd()
    return {
        "command": command,
        "seed": seed,
        "recipe_digest": digest,
        "folder": str(folder),
        "versions": {"tunesmith": tunesmith.__version__, "python": platform.python_version(), **_versions()},
        "machine": _machine(),
        "git": _git(folder),
        "files": {role: _entry(entry) for role, entry in files.items()},
    }


def check_files(lock: Mapping[str, Any]) -> None:
    """Check that the files of `lock` are what they were.

    Raises:
        InputError: Names every file that is gone or has changed.
    """
    faults = []
    for role, entry in lock["files"].items():
        if "bytes" not in entry:  # not a file on this disk
            continue
        path = Path(lock["folder"]) / entry["path"]
        if not path.is_file():
            found = "is gone"
        elif path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"]:
            continue
        else:
            found = "has changed"
        faults.append(_changed(role, entry, found))
    if faults:
        raise InputError(faults)


def check_same_data(lock: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Check that the data of two locks is the same, also where it is no file on this disk (stdin, a hub data set).

    Raises:
        InputError: Names all that differs.
    """
    before, after = lock["files"], now["files"]
    faults = [
        _changed(role, entry, "has changed" if role in after else "is not asked for any more")
        for role, entry in before.items()
        if after.get(role, {}).get("sha256") != entry.get("sha256")
    ]
    if faults:
        raise InputError(faults)


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Return `key: old → new` for every leaf in which two plain documents differ.

    Example:
        >>> differences({"seed": 13, "stop": {"epochs": 2}}, {"seed": 14, "stop": {"epochs": 2}})
        ['seed: 13 → 14']
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = [*before, *(name for name in after if name not in before)]
        inside = [differences(before.get(n), after.get(n), f"{where}.{n}" if where else str(n)) for n in names]
        return [line for lines in inside for line in lines]
    return [] if before == after else [f"{where}: {before} → {after}"]


def _changed(role: str, entry: Mapping[str, Any], found: str) -> Fault:
    return Fault(
        "K404",
        str(entry.get("path", role)),
        f"the {role} data {found} since the run began (it had SHA-256 {str(entry.get('sha256'))[:12]}…).",
        "Put it back as it was, or start a new run with another --out.",
    )


def _entry(entry: FileEntry) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        file = Path(str(entry.get("path", "")))
        return {**entry, "bytes": file.stat().st_size} if file.is_file() else dict(entry)
    path = Path(entry)
    return {"path": str(entry), "sha256": sha256_of(path), "bytes": path.stat().st_size}


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _machine() -> dict[str, Any]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"platform": platform.platform(), "cpu": _cpu(), "cores": os.cpu_count(), "usable_cores": usable}


def _cpu() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(folder: Path) -> dict[str, Any] | None:
    """Return commit and whether there are uncommitted changes, None outside a repository."""
    commit = _ask_git(folder, ["rev-parse", "HEAD"])
    if not commit:
        return None
    return {"commit": commit, "dirty": bool(_ask_git(folder, ["status", "--porcelain", "--untracked-files=no"]))}


def _ask_git(folder: Path, words: Sequence[str]) -> str | None:
    try:
        # Optional locks off: looking must not disturb a commit that is being made at the same time.
        done = subprocess.run(
            ["git", "--no-optional-locks", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):  # no git, no repository, no commit yet
        return None
    return done.stdout.strip()

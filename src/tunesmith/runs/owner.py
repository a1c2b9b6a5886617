"""One process at a time works on a run."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.errors import Fault, RunError
from tunesmith.runs.files import disk_faults

_FILE = ".lock"
_held: set[Path] = set()


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the exclusive lock on the run `folder`; the system drops it when the process ends, however it ends.

    A record lock (`lockf`), not `flock`: worker processes forked from this one do not inherit it, so a killed training
    whose workers linger can be resumed at once, and it holds over NFS.

    Raises:
        RunError: Another process works on the run; the message names it.
    """
    path = folder.resolve() / _FILE
    if path in _held:  # record locks do not exclude the process that holds them
        raise RunError(_taken(folder, {"pid": os.getpid(), "host": socket.gethostname()}))
    with disk_faults(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise RunError(_taken(folder, _read(handle))) from error
        _held.add(path)
        with disk_faults(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        yield
    finally:
        _held.discard(path)
        os.close(handle)


def is_owned(folder: Path) -> bool:
    """Return whether a process, this one or another, works on the run."""
    path = folder.resolve() / _FILE
    if path in _held:
        return True
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:  # no lock file, or not ours to write: nobody who could run here holds it
        return False
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    finally:
        os.close(handle)
    return False


def _read(handle: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(handle, 4096, 0))
    except ValueError:  # the owner is between locking and writing
        return {}
    return found if isinstance(found, dict) else {}


def _taken(folder: Path, owner: dict[str, object]) -> Fault:
    who = f"process {owner['pid']} on {owner['host']}" if {"pid", "host"} <= owner.keys() else "another process"
    return Fault(
        "K405",
        str(folder),
        f"{who} works on this run.",
        "Wait for it, or stop it and run the same command with --resume; or choose another --out.",
    )

"""Files that survive a crash: written whole, synced, renamed into place, or not there at all."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tunesmith.errors import Fault, RunError

Chunk: TypeAlias = bytes | memoryview


@contextmanager
def disk_faults(where: Path) -> Iterator[None]:
    """Turn an `OSError` about `where` into a `RunError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "quota is used up" if error.errno == errno.EDQUOT else "disk is full"
            fault = Fault(
                "K409",
                str(where),
                f"the {what}; what was written before is intact.",
                "Free some space (`tunesmith runs` shows what each run takes), then run the command with --resume.",
            )
        else:
            fault = Fault(
                "K410",
                str(where),
                f"cannot be written: {error.strerror or error}.",
                "Check the permissions and the file system, then run the same command with --resume.",
            )
        raise RunError(fault) from error


def write_synced(path: Path, chunks: Iterable[Chunk]) -> tuple[str, int]:
    """Write `chunks` to `path`, sync it, and return the SHA-256 and the number of bytes."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            write_all(handle, chunk)
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest.hexdigest(), size


def write_all(handle: int, chunk: Chunk) -> None:
    """Write all of `chunk`: one `os.write` stops at 2 GiB and at a signal."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all.

    Raises:
        RunError: The disk is full or refuses; the old file is as it was.
    """
    fresh = path.with_name(f".{path.name}.fresh")
    with disk_faults(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(fresh, [data])
            os.replace(fresh, path)
            sync_folder(path.parent)
        finally:
            fresh.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Delete `folder`, renamed first: a removal cut short must not leave half a run that looks like one."""
    gone = folder.with_name(f".{folder.name}.removed")
    os.rename(folder, gone)
    shutil.rmtree(gone)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(folder: Path) -> int:
    """Return the bytes of all files under `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def read_document(path: Path) -> Any:
    """Return what the JSON file at `path` holds.

    Raises:
        RunError: The file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(
            Fault(
                "K411", str(path), f"is not JSON any more ({error}).", "Restore it from a copy, or start another run."
            )
        ) from error


def document(value: Any) -> bytes:
    """Return `value` as strict, readable JSON."""
    return (json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def plain(value: Any) -> Any:
    """Return `value` as JSON knows it: dataclasses become dicts, arrays lists, and NaN and infinity null.

    Example:
        >>> plain({"loss": float("nan"), "rows": (1, 2)})
        {'loss': None, 'rows': [1, 2]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "tolist"):  # numpy arrays and numbers, torch tensors
        return plain(value.tolist())
    raise AssertionError(f"{type(value).__name__} is not plain data: {value!r}")

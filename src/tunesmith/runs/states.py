"""Hidden states of rows, kept from one pass to the next: in memory, then in memory-mapped files that runs share."""

from __future__ import annotations

import json
import os
import time
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from tunesmith.runs.files import write_all
from tunesmith.runs.tensors import safetensors_chunks

Array: TypeAlias = "np.ndarray[Any, Any]"
MEMORY = 256 * 2**20
"""Bytes of states that are held in memory; what is more goes to a file, and memory-mapped from there."""
DISK = 4 * 2**30
"""Bytes of all files together; past them, those go that were not used for longest."""
KIND = "states"
"""What the folder of all files is called in the cache."""
ENDING = ".states"


class States:
    """States of rows by key, float32 [T, width] each.

    Files are written whole under a name of their own and renamed into place, so that processes do not meet in one. Each
    row has its checksum beside its key: what is torn, damaged or of another kind is as if it were not there.

    Args:
        folder: of the files of one model and depth; None where rows stay in memory alone.
        width: of a state.
        memory: bytes after which rows go to a file.
        disk: bytes of all files beside `folder`.
    """

    def __init__(self, folder: Path | None, width: int, *, memory: int = MEMORY, disk: int = DISK) -> None:
        self.folder, self.width, self.memory, self.disk = folder, width, memory, disk
        self.fresh: dict[bytes, Array] = {}
        self.taken = 0
        self.mapped: dict[bytes, tuple[Array, int]] = {}
        self.checked: set[bytes] = set()
        for path in sorted(folder.glob(f"*{ENDING}")) if folder else ():
            self.mapped.update(_opened(path, width))

    def __contains__(self, key: bytes) -> bool:
        return key in self.fresh or key in self.mapped

    def read(self, key: bytes) -> Array | None:
        """Return the states of a row; None where there are none, or what is there is damaged."""
        if key in self.fresh:
            return self.fresh[key]
        if key not in self.mapped:
            return None
        values, checksum = self.mapped[key]
        if key not in self.checked:
            if zlib.crc32(values.data) != checksum:
                del self.mapped[key]
                return None
            self.checked.add(key)
        return values

    def put(self, key: bytes, values: Array) -> None:
        """Keep the states of a row."""
        self.fresh[key] = np.array(values, dtype=np.float32)  # a copy: a view would keep the whole batch
        self.taken += self.fresh[key].nbytes
        if self.folder and self.taken > self.memory:
            self.flush()

    def flush(self) -> None:
        """Put what is in memory into a file, and make room for it; rows of a folder that takes none are forgotten."""
        if not self.fresh or self.folder is None:
            return
        path = self.folder / f"{uuid.uuid4().hex}{ENDING}"
        with suppress(OSError):  # a full disk costs time, not the run
            _write(path, self.fresh)
            self.mapped.update(_opened(path, self.width))
        self.fresh, self.taken = {}, 0
        prune(self.folder.parent, self.disk)


def prune(folder: Path, most: int) -> None:
    """Remove files of states under `folder`, those first that were not used for longest, until the rest fits.

    A file that another process has mapped stays with it until it closes it.
    """
    found = []
    for path in folder.rglob(f"*{ENDING}*"):
        with suppress(OSError):  # another process was faster
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        with suppress(OSError):
            path.unlink()
        with suppress(OSError):
            path.parent.rmdir()  # where it was the last
        total -= size


def _write(path: Path, rows: Mapping[bytes, Array]) -> None:
    """Write rows as a safetensors file; the name of each is its key and its checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {f"{key.hex()}.{zlib.crc32(values.data):08x}": torch.from_numpy(values) for key, values in rows.items()}
    fresh = path.with_name(f"{path.name}.fresh")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        for chunk in safetensors_chunks(named):
            write_all(handle, chunk)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    os.replace(fresh, path)


def _opened(path: Path, width: int) -> dict[bytes, tuple[Array, int]]:
    """Return key → (states, checksum) of a file, memory-mapped; of none where it is no such file."""
    try:
        table = np.memmap(path, dtype=np.uint8, mode="r")
        size = int.from_bytes(table[:8].tobytes(), "little")
        header = json.loads(table[8 : 8 + size].tobytes())
        rows = dict(_rows(header, table[8 + size :], width))
        now = time.time()
        os.utime(path, (now, now))  # it was used
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # torn, or not of ours
        return {}
    return rows


def _rows(header: Mapping[str, Any], data: Array, width: int) -> Iterator[tuple[bytes, tuple[Array, int]]]:
    for name, told in header.items():
        key, _, checksum = name.partition(".")
        start, end = told["data_offsets"]
        if told["dtype"] == "F32" and told["shape"][1] == width:
            values = data[start:end].view(np.float32).reshape(told["shape"])
            yield bytes.fromhex(key), (values, int(checksum, 16))

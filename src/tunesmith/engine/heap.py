"""What becomes of memory that is freed: kept for the next step or batch, or given back to the system at once."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""Parameters of glibc's `mallopt`, as malloc.h numbers them."""
USUAL = {TRIM_THRESHOLD: 64 * 2**20, MMAP_THRESHOLD: 32 * 2**20, MMAP_MAX: 65_536}
"""What glibc comes to by itself in a process that has freed large blocks; once told, it learns no more."""
KEPT = {TRIM_THRESHOLD: 2**31 - 1, MMAP_MAX: 0}
LEAN = {TRIM_THRESHOLD: 2**20, MMAP_THRESHOLD: 2**20, MMAP_MAX: 65_536}


class _Heap:
    """The heap of the process, and how many blocks of code wish that it is kept, or lean."""

    def __init__(self) -> None:
        self.lock, self.kept, self.lean = Lock(), 0, 0

    def wish(self, *, kept: int = 0, lean: int = 0) -> None:
        """Count more wishes, or fewer, and do as they say; who wishes it lean is heard before the others."""
        with self.lock:
            before = self._settings()
            self.kept, self.lean = self.kept + kept, self.lean + lean
            after = self._settings()
            if after is before:
                return
            for name, value in after.items():
                ctypes.CDLL(None).mallopt(name, value)
            if after is not KEPT:
                ctypes.CDLL(None).malloc_trim(0)

    def _settings(self) -> dict[int, int]:
        return LEAN if self.lean else KEPT if self.kept else USUAL


HEAP = _Heap()


@cache
def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"


@contextmanager
def kept_heap() -> Iterator[None]:
    """Let freed memory stay with the process inside the block; give it back at the end of the outermost.

    glibc takes large blocks from the system one by one and gives them back at once. The tensors of a step are such
    blocks, so that each step would have thousands of pages cleared for it. Nothing happens where there is no glibc.
    """
    with _wished(kept=1):
        yield


@contextmanager
def lean_heap() -> Iterator[None]:
    """Give freed blocks of a MiB and more back at once inside the block, also inside a `kept_heap`.

    By itself glibc soon takes blocks of up to 32 MiB out of one heap, and keeps the holes between them. Of a model that
    is put together and freed again block by block, the holes are more than the model. Nothing happens where there is no
    glibc.
    """
    with _wished(lean=1):
        yield


@contextmanager
def _wished(**more: int) -> Iterator[None]:
    if not _is_glibc():
        yield
        return
    HEAP.wish(**more)
    try:
        yield
    finally:
        HEAP.wish(**{name: -count for name, count in more.items()})

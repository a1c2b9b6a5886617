"""Memory that the next step or batch needs again, kept rather than given back to the system and fetched anew."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of glibc's `mallopt`, as malloc.h numbers them."""
USUAL = {TRIM_THRESHOLD: 128 * 1024, MMAP_MAX: 65_536}
KEPT = {TRIM_THRESHOLD: 2**31 - 1, MMAP_MAX: 0}


class _Heap:
    """The heap of the process, and how many blocks of code wish that it keeps what is freed."""

    def __init__(self) -> None:
        self.library, self.lock, self.wishes = ctypes.CDLL(None), Lock(), 0

    def wish(self, more: int) -> None:
        """Count the wishes; keep memory from the first on, give it back after the last."""
        with self.lock:
            before, self.wishes = self.wishes, self.wishes + more
            if before == 0 or self.wishes == 0:
                for name, value in (KEPT if self.wishes else USUAL).items():
                    self.library.mallopt(name, value)
            if self.wishes == 0:
                self.library.malloc_trim(0)


@cache
def _heap() -> _Heap | None:
    return _Heap() if platform.libc_ver()[0] == "glibc" else None


@contextmanager
def kept_heap() -> Iterator[None]:
    """Let freed memory stay with the process inside the block; give it back at the end of the outermost.

    glibc takes large blocks from the system one by one and gives them back at once. The tensors of a step are such
    blocks, so that each step would have thousands of pages cleared for it. Nothing happens where there is no glibc.
    """
    heap = _heap()
    if heap is None:
        yield
        return
    heap.wish(1)
    try:
        yield
    finally:
        heap.wish(-1)

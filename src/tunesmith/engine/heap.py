"""Memory that the next step or batch needs again, kept rather than given back to the system and fetched anew."""

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


class _Heap:
    """The heap of the process, and how many blocks of code wish that it keeps what is freed."""

    def __init__(self) -> None:
        self.lock, self.wishes = Lock(), 0

    def wish(self, more: int) -> None:
        """Count the wishes; keep memory from the first on, give it back after the last."""
        with self.lock:
            before, self.wishes = self.wishes, self.wishes + more
            if before == 0 or self.wishes == 0:
                for name, value in (KEPT if self.wishes else USUAL).items():
                    ctypes.CDLL(None).mallopt(name, value)
            if self.wishes == 0:
                ctypes.CDLL(None).malloc_trim(0)


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
    if not _is_glibc():
        yield
        return
    HEAP.wish(1)
    try:
        yield
    finally:
        HEAP.wish(-1)

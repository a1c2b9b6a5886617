"""Memory that the next step needs again, kept rather than given back to the system and fetched anew."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of glibc's `mallopt`, as malloc.h numbers them."""
USUAL = {TRIM_THRESHOLD: 128 * 1024, MMAP_MAX: 65_536}
KEPT = {TRIM_THRESHOLD: 2**31 - 1, MMAP_MAX: 0}


@contextmanager
def kept_heap() -> Iterator[None]:
    """Let freed memory stay with the process inside the block; give it back at the end.

    glibc takes large blocks from the system one by one and gives them back at once. The tensors of a step are such
    blocks, so that each step would have thousands of pages cleared for it. Nothing happens where there is no glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    _set(library, KEPT)
    try:
        yield
    finally:
        _set(library, USUAL)
        library.malloc_trim(0)


def _set(library: ctypes.CDLL, values: dict[int, int]) -> None:
    for name, value in values.items():
        library.mallopt(name, value)

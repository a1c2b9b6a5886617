from __future__ import annotations

import ctypes
import platform
import resource
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

import pytest
import torch

from tunesmith.engine.heap import kept_heap, lean_heap

BLOCK = 16 * 2**20
"""Numbers in a tensor of 64 MiB: more than glibc ever takes from its heap of its own accord."""


class Mallinfo(ctypes.Structure):
    """What glibc says of its memory, as malloc.h lays it out."""

    _fields_ = [
        *[(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")],
        *[(name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")],
    ]


def taken_alone() -> int:
    """Return how many pieces of memory glibc holds that it took from the system one by one."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Mallinfo
    return int(ask().hblks)


def grows_by_a_piece(size: int = BLOCK) -> bool:
    """Return whether a tensor is such a piece."""
    before = taken_alone()
    tensor = torch.zeros(size)
    return taken_alone() == before + 1 and len(tensor) == size


def resident() -> int:
    """Return how many bytes of this process are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc can be asked from 2.33 on")
def test_tensors_come_from_the_heap_inside_the_block_alone() -> None:
    assert grows_by_a_piece()
    with kept_heap():
        assert not grows_by_a_piece()
        with kept_heap():
            assert not grows_by_a_piece()
        assert not grows_by_a_piece()
    assert grows_by_a_piece(8 * BLOCK), "what was freed before may lie in the heap, and is no room for this"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_that_was_freed_stays_and_is_given_back_at_the_end() -> None:
    before = resident()
    with kept_heap():
        torch.ones(4 * BLOCK)
        assert resident() - before > 200 * 2**20
    assert resident() - before < 100 * 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_holes_in_the_heap_are_given_back_where_it_is_lean() -> None:
    usual, lean, lean_inside = (in_a_process_of_its_own(heaps) for heaps in ([], [lean_heap], [kept_heap, lean_heap]))
    assert usual > 200 * 2**20
    assert max(lean, lean_inside) < 50 * 2**20


def in_a_process_of_its_own(heaps: list[Any]) -> int:
    """Return `held_by_holes` inside of `heaps`, where nothing else has left holes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(held_by_holes, heaps).result()


def held_by_holes(heaps: list[Any]) -> int:
    """Return how many bytes stay in memory of tensors of 320 MiB that were freed, with small ones between them."""
    torch.zeros(2**22)  # one that is freed makes glibc take others from its heap
    with ExitStack() as stack:
        for heap in heaps:
            stack.enter_context(heap())
        before = resident()
        pairs = [(torch.ones(2**21), torch.ones(2**14)) for _ in range(40)]
        small = [second for _, second in pairs]
        pairs.clear()
        return resident() - before if small else 0

from __future__ import annotations

import platform
import resource

import pytest
import torch

from tunesmith.engine.heap import kept_heap

BLOCK = 4 * 2**20
"""Numbers in a tensor of 16 MiB: four thousand pages."""


def faults(rounds: int) -> int:
    """Return how many pages the system had to give while tensors came and went."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        torch.zeros(BLOCK)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_that_was_freed_is_used_again_inside_the_block_alone() -> None:
    usual = faults(8)
    with kept_heap():
        faults(2)
        inside = faults(8)
    assert inside * 10 < usual
    assert faults(8) * 2 > usual


@pytest.mark.skipif(platform.system() != "Linux", reason="resident memory is read from /proc")
def test_memory_is_given_back_at_the_end() -> None:
    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    before = resident()
    with kept_heap():
        torch.ones(16 * BLOCK)
        assert resident() - before > 200 * 2**20
    assert resident() - before < 100 * 2**20

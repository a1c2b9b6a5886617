"""What it costs that processes add up their gradients: seconds of a sum over them, by how many numbers it has.

OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 benchmarks/processes.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from tunesmith.engine.device import join
from tunesmith.engine.ranks import Ranks, part_ways

ROUNDS = 15
NUMBERS = (1 << 20, 1 << 22, 1 << 24)


def main() -> None:
    """Measure, and print from the first process."""
    ranks = join()
    lines = [f"{ranks.count} processes on {ranks.device}, {torch.get_num_threads()} threads each"]
    lines.append(f"  one number: {1e3 * typical(ranks, lambda: ranks.sums(1.0)):.2f} ms")
    for count in NUMBERS:
        parameters = [nn.Parameter(torch.zeros(count // 16, device=ranks.device)) for _ in range(16)]
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        seconds = typical(ranks, lambda known=parameters: ranks.add_gradients(known))
        lines.append(f"  {count:,} gradients: {1e3 * seconds:.1f} ms, {4e-9 * count / seconds:.2f} GB/s")
    if ranks.is_first:
        print("\n".join(lines))
    part_ways()


def typical(ranks: Ranks, work: Callable[[], object]) -> float:
    """Return the median seconds of a round that all begin together."""
    found = []
    for _ in range(ROUNDS):
        ranks.wait()
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return statistics.median(found[2:])


if __name__ == "__main__":
    main()

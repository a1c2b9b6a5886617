"""How fast a training and a prediction are, beside `transformers.Trainer` and `pipeline` on the same rows.

    python benchmarks/speed.py                             # all of it, five rounds; an hour and a half on one core
    python benchmarks/speed.py ours@sst2 trainer@sst2      # some of it
    python benchmarks/speed.py --profile sst2              # where the time of a step of ours goes
    python benchmarks/speed.py --measured --write docs/performance.md

A cell is `SIDE@DATA`. Training: `ours`, `trainer` (at its best: padded to the longest of a batch, grouped by length,
fused optimiser, bf16 where that is faster) and `textbook` (every row padded to 512 tokens); one pass over the same
rows, with the same rates, batches of 16 and seeds, each in a process of its own. `predict` asks a tuned model for 300
rows at once and for one at a time, of ours (in fp32 and in bf16), `pipeline`, sentence-transformers and onnxruntime in
turns; the last is installed by `pip install -r benchmarks/speed.txt`. A round runs every cell once, so that sides take
turns; the seed of a training is the number of the round. Seconds are those of the processor on one thread; tokens are
those of the texts, padding is not counted. Lines are kept in `benchmarks/results/speed.jsonl`; one that is there is not
measured again, so delete those of another machine. Needs `../shared` beside the project.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here or in a process of a cell
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import statistics
import sys
import time
from itertools import product
from typing import Any

from cells import Bench, Line, digest_of, main, middle, spread
from speed_ways import BATCH, JOBS, RATE, TEXTBOOK_ROWS, matrix_peak, ours, peak_mib, predicted, trainer, weights_of
from strategies import alone

ROUNDS = (0, 1, 2, 3, 4)
CELLS = [
    *(f"{side}@{data}" for data in JOBS for side in ("ours", "trainer")),
    "textbook@sst2", "predict@sst2", "predict@imdb_1k",
]  # fmt: skip
REPEATS = 1


def measure(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Return the line of a cell."""
    side, _, data = cell.partition("@")
    import torch

    processor = torch.cpu.get_capabilities().get("cpu_name", "")
    named = {"cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "processor": processor}
    if side == "predict":
        found = predicted(JOBS[data], REPEATS)
        return {**named, "seconds": sum(found["ours"]["all"]), "sides": found}
    peak = matrix_peak()
    found = ours(JOBS[data], seed) if side == "ours" else trainer(JOBS[data], seed, textbook=side == "textbook")
    work = 6 * weights_of(JOBS[data].model) * found["tokens"] / found["seconds"] / 1e9
    return {**named, **found, "peak_gflops": peak, "share_of_peak": work / peak, "peak_mib": peak_mib()}


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    side, _, data = cell.partition("@")
    return digest_of([side, JOBS[data], BATCH, RATE, TEXTBOOK_ROWS])


def run_cell(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Measure in a process of its own."""
    return alone(measure, cell, seed, on, sets)


def table(lines: list[Line]) -> str:
    """Return the tables of training and of prediction."""
    by_cell: dict[str, dict[int, Line]] = {}
    for line in lines:
        by_cell.setdefault(line["cell"], {})[line["seed"]] = line
    rows = [
        "| training | side | rounds | tokens a second | ours is so many times as fast | share of the matrix peak | "
        "MiB | macro-F1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for data in JOBS:
        mine = by_cell.get(f"ours@{data}", {})
        for side in ("ours", "trainer", "textbook"):
            of = by_cell.get(f"{side}@{data}", {})
            if not of:
                continue
            times = [rate(mine[seed]) / rate(line) for seed, line in of.items() if seed in mine]
            scores = [line["score"] for line in of.values() if line["score"] == line["score"]]
            rows.append(
                f"| {data} | {side} | {len(of)} | {middle([rate(x) for x in of.values()], '.0f')} | "
                f"{'' if side == 'ours' else middle(times)} | "
                f"{middle([100 * x['share_of_peak'] for x in of.values()], '.0f')} % | "
                f"{max(x['peak_mib'] for x in of.values()):,} | {spread(scores)} |"
            )
    return "\n".join([*rows, "", *predictions(by_cell)])


def predictions(by_cell: dict[str, dict[int, Line]]) -> list[str]:
    """Return the table of predictions."""
    rows = [
        "| prediction | side | beside | rounds | rows a second, so many times as fast | time of one row, theirs = 1 | "
        "labels that differ |",
        "|---|---|---|---|---|---|---|",
    ]
    for cell, of in by_cell.items():
        if not cell.startswith("predict@"):
            continue
        sides = list(next(iter(of.values()))["sides"])
        mine, theirs = ([side for side in sides if side.startswith("ours") == own] for own in (True, False))
        for own, side in product(mine, theirs):
            both = [(line["sides"][own], line["sides"][side]) for line in of.values()]
            all_rows = [b / a for one, other in both for a, b in zip(one["all"], other["all"], strict=True)]
            ones = [
                statistics.median(a / b for a, b in zip(one["one"], other["one"], strict=True)) for one, other in both
            ]
            differ = max(
                sum(a != b for a, b in zip(one["labels"], other["labels"], strict=True)) for one, other in both
            )
            rows.append(
                f"| {cell.partition('@')[2]} | {own} | {side} | {len(of)} | {middle(all_rows)} | {middle(ones)} | "
                f"{differ} |"
            )
    return rows


def rate(line: Line) -> float:
    """Return tokens per second of the processor."""
    return float(line["tokens"] / line["seconds"])


def profile(data: str) -> None:
    """Print how much of the time of a step each part of it takes."""
    import torch

    from tunesmith.engine import loop
    from tunesmith.engine.device import Device

    spent: dict[str, float] = {}

    def clocked(name: str, does: Any) -> Any:
        def timed(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return does(*given, **named)
            finally:
                spent[name] = spent.get(name, 0.0) + time.process_time() - start

        return timed

    loop._micro_batches = clocked("data", loop._micro_batches)
    Device.backward = clocked("backward", Device.backward)  # type: ignore[method-assign]
    Device.clip = clocked("clip", Device.clip)  # type: ignore[method-assign]
    torch.optim.AdamW.step = clocked("optimiser", torch.optim.AdamW.step)  # type: ignore[method-assign]
    found = ours(JOBS[data], 0)
    spent["forward and the rest"] = found["seconds"] - sum(spent.values())
    for name, seconds in sorted(spent.items(), key=lambda of: -of[1]):
        print(f"{name:24}{seconds:8.2f} s {100 * seconds / found['seconds']:5.1f} %")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--profile"]:
        profile(sys.argv[2])
    else:
        main(Bench("speed", dict.fromkeys(CELLS, ROUNDS), run_cell, table, digest=digest), __doc__)

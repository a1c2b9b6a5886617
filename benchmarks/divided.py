"""Measure what weights in parts save in memory, and what they cost in time: `batching.divide` beside whole weights.

    python benchmarks/divided.py                              # three rounds of all of it; ten minutes on two cores
    python benchmarks/divided.py --measured --write docs/processes.md

Each cell takes the same steps of smollm2 (135 million weights) as a classifier of trec6: `one` in one process, `whole`
in two that each hold all weights, `divided` in two that each hold a part. Memory and seconds are those of the first
process, with one thread: what is resident at the end of a step, the peak from start to end of the program, and a step's
seconds by the processor and on the wall; the first steps are left out. Lines are kept in
`benchmarks/results/divided.jsonl`; one that is there is not measured again. Needs `../shared/data` beside the project,
and smollm2 as a folder.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from cells import TEST_MODELS, Bench, Line, main, middle
from rows import FILES, lay

CELLS = {"one": 1, "whole": 2, "divided": 2}
"""What is measured, with its number of processes."""
WHERE = "trec6:16"
STEPS = 12
COLD = 3
ROUNDS = (0, 1, 2)


def measure(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train in processes of their own and return the line of the cell; `seed` is the number of the round."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lay(folder, WHERE, 0, on)
        recipe = {
            "task": "classify", "model": str(TEST_MODELS / "smollm2"), "text": {"max_tokens": 128},
            "data": {"train": FILES[0], "test": FILES[1], "text": "text", "label": "label"}, "strategies": [],
            "batching": {"size": 8, "divide": cell == "divided"}, "precision": "fp32",
            "stop": {"steps": STEPS, "refit": False, "evaluations_per_epoch": 0.5},
            "evaluate": {"baselines": [], "forgetting": "off", "resamples": 10, "test_rows": 20},
        }  # fmt: skip
        (folder / "recipe.json").write_text(json.dumps({"recipe": recipe, "sets": sets}), encoding="utf-8")
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(CELLS[cell])]
        script = [str(Path(__file__).resolve()), "--inside"]
        subprocess.run(
            [sys.executable, *(launcher if CELLS[cell] > 1 else ()), *script],
            cwd=folder, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        found: Line = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return {"cell": cell, "seed": seed, "on": on, "sets": sets, **found}


def inside() -> None:
    """Train in one of the processes; the first writes what it saw of itself."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    asked = json.loads(Path("recipe.json").read_text(encoding="utf-8"))
    seen: list[tuple[float, float, float]] = []

    def note(event: dict[str, Any]) -> None:
        if event["kind"] == "step":
            seen.append((time.process_time(), time.perf_counter(), resident()))

    run = train(parse(asked["recipe"], sets=asked["sets"]), folder="run", progress=note)
    if not seen:  # another process is the one that tells
        return
    report = run.report()
    parts = [[round(b[part] - a[part], 3) for a, b in pairwise(seen)][COLD:] for part in (0, 1)]
    found = {
        "processor": parts[0], "wall": parts[1], "resident_mib": round(statistics.median(s[2] for s in seen[COLD:])),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "weights": report["model"]["trained_parameters"], "seconds": report["speed"]["train_seconds"],
    }  # fmt: skip
    Path("found.json").write_text(json.dumps(found), encoding="utf-8")


def resident() -> float:
    """Return the MiB that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each way to hold the weights."""
    rows = [
        "| weights | processes | rounds | MiB at a step's end | peak MiB | step, processor s | step, wall s |",
        "|---|---|---|---|---|---|---|",
    ]
    for cell, count in CELLS.items():
        of = [line for line in lines if line["cell"] == cell]
        if of:
            memory = [middle([line[key] for line in of], ",.0f") for key in ("resident_mib", "peak_mib")]
            times = [middle([statistics.median(line[key]) for line in of]) for key in ("processor", "wall")]
            name = "whole" if cell == "one" else cell
            rows.append(f"| {name} | {count} | {len(of)} | {' | '.join(memory)} | {' | '.join(times)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        inside()
    else:
        main(Bench("divided", dict.fromkeys(CELLS, ROUNDS), measure, table), __doc__)

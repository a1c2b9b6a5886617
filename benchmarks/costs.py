"""Measure what each strategy costs: the time of a step and the memory, beside plain fine-tuning.

    python benchmarks/costs.py                              # all of them, three times; half an hour on one core
    python benchmarks/costs.py plain rdrop                  # some of it
    python benchmarks/costs.py --measured --write docs/strategies.md

Each cell takes twenty steps on the same rows of trec6 in the same order, in a process of its own, and one thread. A
step is held against the same step of plain fine-tuning, in seconds of the processor; the first ones are left out, in
which memory is fetched. Plain fine-tuning is measured anew for each round of all strategies. Lines are kept in
`benchmarks/results/costs.jsonl`; one that is there is not measured again. Needs `../shared/data` beside the project.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here or in a process of a cell

import statistics
import time
from itertools import pairwise
from typing import Any

from cells import Bench, digest_of, main, middle
from rows import trained
from strategies import alone, asked

WHERE = "trec6:64"
STEPS = 20
COLD = 5
ROUNDS = (0, 1, 2)
PLAIN = "plain"


def cells() -> list[str]:
    """Return what is measured: plain fine-tuning and every strategy."""
    from tunesmith.recipe.catalogue import STRATEGIES

    return [PLAIN, *STRATEGIES]


def recipe_of(cell: str) -> dict[str, Any]:
    """Return what a cell asks for, apart from its rows."""
    return {
        **asked(cell),
        "stop": {"steps": STEPS, "refit": False, "evaluations_per_epoch": 0.5},
        "evaluate": {"baselines": [], "forgetting": "off", "resamples": 10, "test_rows": 100},
    }


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    return digest_of(recipe_of(cell))


def measure(cell: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Take the steps and return the line of the cell; `seed` is the number of the round, and the rows stay the same."""
    ends: list[float] = []

    def note(event: dict[str, Any]) -> None:
        if event["kind"] == "step":
            ends.append(time.process_time())

    report = trained(WHERE, 0, on, sets, progress=note, **recipe_of(cell))
    speed, steps = report["speed"], report["speed"]["tokens"] / report["speed"]["tokens_per_second"]
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "n_train": report["n_train"],
        "steps": [round(after - before, 4) for before, after in pairwise(ends)],
        "before": round(speed["train_seconds"] - steps, 2), "peak_mib": speed["peak_memory_bytes"] // 2**20,
        "trained": report["model"]["trained_parameters"], "seconds": speed["train_seconds"],
    }  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """Return a Markdown table: a row for each strategy, beside plain fine-tuning of the same round."""
    rows = [
        "| strategy | rounds | time of a step, plain = 1 | memory, plain = 1 | before the first step, s | trained, M |",
        "|---|---|---|---|---|---|",
    ]
    plain = {line["seed"]: line for line in lines if line["cell"] == PLAIN}
    for cell in dict.fromkeys(line["cell"] for line in lines):
        of = [line for line in lines if line["cell"] == cell and line["seed"] in plain]
        if not of:
            continue
        times = [ratio(line["steps"], plain[line["seed"]]["steps"]) for line in of]
        memory = [line["peak_mib"] / plain[line["seed"]]["peak_mib"] for line in of]
        before = statistics.median(line["before"] for line in of)
        rows.append(
            f"| {cell} | {len(of)} | {middle(times)} | {middle(memory)} | {before:.1f} | {of[0]['trained'] / 1e6:.2f} |"
        )
    return "\n".join(rows)


def ratio(steps: list[float], plain: list[float]) -> float:
    """Return the median of what a step takes over what the same step of plain fine-tuning takes."""
    return statistics.median(a / b for a, b in list(zip(steps, plain, strict=True))[COLD:])


def run_cell(cell: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Measure in a process of its own, so that the peak of its memory can be told."""
    return alone(measure, cell, seed, on, sets)


if __name__ == "__main__":
    main(Bench("costs", dict.fromkeys(cells(), ROUNDS), run_cell, table, usual=ROUNDS, digest=digest), __doc__)

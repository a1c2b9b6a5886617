"""Measure what rows are worth that are added to the memory of a finished run, without a training.

    python benchmarks/memory.py                          # all cells, test rows
    python benchmarks/memory.py banking77:5+200 --on dev    # rows left over from train: for choosing
    python benchmarks/memory.py --measured --write docs/knowledge.md

A cell is `DATA:ROWS+ADDED`: a training with so many rows a class, drawn as `rows.py` says, and the defaults else; then
so many rows are added, drawn from the train rows that are left. The model is measured before and after, on the same
rows.

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/memory.jsonl`; one that is there is
not run again. Seconds are those of adding, on the wall, with loading the model; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from cells import Bench, Line, main, spread, tell
from rows import FILES, lay, read, write

WHERE = ("banking77:5+200",)
METRIC = "macro_f1"


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train, add, and return the line of a cell."""
    from tunesmith import add_memory, evaluate, load, train
    from tunesmith.recipe.parse import parse

    where, _, added = cell.partition("+")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kept, measured = lay(folder, where, seed, on)
        train_file, test_file = (str(folder / name) for name in FILES)
        recipe: dict[str, Any] = {
            "task": "classify", "data": {"train": train_file, "test": test_file, "text": "text", "label": "label"},
            "text": {"max_tokens": 128}, "seed": seed, "evaluate": {"forgetting": "off", "baselines": ["majority"]},
        }  # fmt: skip
        done = train(parse(recipe, sets=sets), folder=folder / "run", progress=tell)
        used = {row["text"] for row in [*kept, *measured]}
        rest = [row for row in read(where.partition(":")[0], "train") if row["text"] not in used]
        random.Random(seed).shuffle(rest)
        new = write(folder / "new.csv", rest[: int(added)])
        before = evaluate(done.folder, test_file)[METRIC]
        began = time.monotonic()
        value = add_memory(done.folder, new)
        seconds = time.monotonic() - began
        after = evaluate(done.folder, test_file)[METRIC]
        [said] = load(done.folder).predict([measured[0]["text"]])
        spent = done.report()["speed"]["train_seconds"]
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "n_train": len(kept), "n_test": len(measured),
        "before": before, "after": after, "value": value, "evidence": list(said.evidence),
        "seconds": round(seconds, 2), "train_seconds": spent,
    }  # fmt: skip


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each data set, its size and what is added."""
    rows = [
        "| data | rows a class | added | seeds | before | after | gained | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in dict.fromkeys(line["cell"] for line in lines):
        for on in ("test", "dev"):
            mine = [line for line in lines if line["cell"] == cell and line["on"] == on and not line["sets"]]
            if not mine:
                continue
            where, _, added = cell.partition("+")
            data, _, shots = where.partition(":")
            before, after = ([line[side]["value"] for line in mine] for side in ("before", "after"))
            gains = [b - a for a, b in zip(before, after, strict=True)]
            rows.append(
                f"| {data}{'' if on == 'test' else ' (dev)'} | {shots} | {added} | {len(mine)} | {spread(before)} | "
                f"{spread(after)} | {spread(gains, sign=True)} | "
                f"{statistics.median(line['seconds'] for line in mine):.1f} |"
            )
    return "\n".join(rows)


if __name__ == "__main__":
    main(Bench("memory", {cell: range(5) for cell in WHERE}, run, table), __doc__)

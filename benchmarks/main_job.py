"""Train with the defaults alone on the rows the peers were measured on, and print one table.

    python benchmarks/main_job.py                           # all: seeds 0-2, test rows, about two hours
    python benchmarks/main_job.py trec6:64 sst2:full        # some of it
    python benchmarks/main_job.py --write README.md         # ... and put the table between the README's markers
    python benchmarks/main_job.py trec6:64 --on dev         # rows left over from train instead of test: for choosing

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/main_job.jsonl` with the whole of
its recipe; one that is there is not run again, so the table grows and anybody can redo a cell by deleting its line.

The rows of a cell are drawn as `rows.py` says; at most 128 tokens of each.
"""

from __future__ import annotations

from typing import Any

from cells import Bench, main, spread
from rows import trained

CELLS = ("trec6:64", "ag_news:64", "sst2:64", "banking77:10", "trec6:full", "sst2:full")
SEEDS = (0, 1, 2)


def run_cell(cell: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Train once and return what is worth keeping of the report."""
    report = trained(cell, seed, on, sets)
    rows = {entry["label"]: entry["f1"] for entry in report["per_class"]}
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "n_train": report["n_train"], "n_test": report["n_test"],
        "test": report["test"], "lost_classes": [label for label, f1 in rows.items() if f1 == 0],
        "baselines": {name: b["scores"] for name, b in report["baselines"].items()},
        "against": report["comparison"]["against"],
        "verdict": report["verdict"], "kept_step": report["kept_step"],
        "steps": [h["step"] for h in report["history"]][-1], "seconds": report["speed"]["train_seconds"],
        "recipe": {k: v for k, v in report["recipe"].items() if k != "data"},
    }  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mean and range over the seeds, in points."""
    metric = "macro_f1"
    rows = [
        "| data | rows a class | seeds | tuned | frozen | TF-IDF | majority | untrained | against the best baseline |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    cells = {(line["cell"], line["on"], tuple(line["sets"])) for line in lines}
    for cell, on, sets in sorted(cells, key=lambda of: (CELLS.index(of[0]) if of[0] in CELLS else len(CELLS), *of)):
        of = [x for x in lines if (x["cell"], x["on"], tuple(x["sets"])) == (cell, on, sets)]
        name, _, shots = cell.partition(":")
        columns = [spread([x["test"][metric]["value"] for x in of])]
        for baseline in ("frozen", "tfidf", "majority", "untrained"):
            columns.append(
                spread([x["baselines"][baseline][metric]["value"] for x in of if baseline in x["baselines"]])
            )
        margins = [x["test"][metric]["value"] - max(b[metric]["value"] for b in x["baselines"].values()) for x in of]
        where = name + ("" if on == "test" else f" ({on})") + (f" {' '.join(sets)}" if sets else "")
        rows.append(f"| {where} | {shots} | {len(of)} | " + " | ".join(columns) + f" | {spread(margins, sign=True)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(Bench("main_job", dict.fromkeys(CELLS, SEEDS), run_cell, table, usual=SEEDS), __doc__)

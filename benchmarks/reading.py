"""Train `tag`, `answer` and `embed` with the defaults alone on shared data, and write what they reach.

    python benchmarks/reading.py                             # every cell, test rows; over three hours
    python benchmarks/reading.py wnut17 stsb-en --seeds 0 1  # some of it
    python benchmarks/reading.py --write docs/tasks.md       # ... and put the table between the page's markers
    python benchmarks/reading.py wnut17 --on dev             # rows that are not test rows: for choosing

Needs `../shared/data` beside the project, and e5-small as a folder (`python ../shared/models/prepare.py e5-small`).
A cell is a line of `benchmarks/results/reading.jsonl`; one that is there is not run again, so the table grows and
anybody can redo a cell by deleting its line.

Rows: train, dev and test as they come. cluener has no labelled test, so its dev part is the test and dev is taken from
train; nor has cmrc2018 a dev part.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from cells import DATA, TEST_MODELS, Bench, line_of, main, tell

E5 = TEST_MODELS / "e5-small"


NO_DEV = {"cluener": "dev", "cmrc2018": "test"}
"""Data set without a dev part of its own → the part that is tested on."""


class Cell(NamedTuple):
    """One line of the table: a task on a data set with a model, all else left to the defaults."""

    task: str
    model: str
    seeds: tuple[int, ...]


CELLS = {
    "wnut17": Cell("tag", "minilm", (0,)),
    "ncbi_disease": Cell("tag", "minilm", (0,)),
    "cluener": Cell("tag", "e5-small", (0,)),
    "cmrc2018": Cell("answer", "e5-small", (0,)),
    "stsb-en": Cell("embed", "minilm", (0,)),
    "stsb-zh": Cell("embed", "e5-small", (0,)),
}


def data_of(name: str, on: str) -> dict[str, Any]:
    """Return the data part of the recipe; with `on="dev"` no test row is in it."""
    if name.startswith("stsb"):
        language = name.partition("-")[2]
        parts = {"train": f"{language}_train", "dev": f"{language}_dev", "test": f"{language}_{on}"}
        paths = {part: str(found(DATA / "stsb_multi", file, ".csv")) for part, file in parts.items()}
        return {**paths, "text_a": "text_a", "text_b": "text_b", "label": "score"}
    train = str(found(DATA / name, "train", ".jsonl"))
    if name in NO_DEV:
        return (
            {"train": train}
            if on == "dev"
            else {"train": train, "test": str(found(DATA / name, NO_DEV[name], ".jsonl"))}
        )
    dev = str(found(DATA / name, "dev", ".jsonl"))
    return {"train": train, "dev": dev, "test": str(found(DATA / name, on, ".jsonl"))}


def found(folder: Path, name: str, suffix: str) -> Path:
    """Return the file, which may be compressed."""
    plain = folder / f"{name}{suffix}"
    return plain if plain.exists() else folder / f"{name}{suffix}.gz"


def run_cell(name: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Train once and return what is worth keeping of the report."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    cell = CELLS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        asked = {
            "task": cell.task, "model": str(E5) if cell.model == "e5-small" else cell.model,
            "data": data_of(name, on), "seed": seed,
        }  # fmt: skip
        report = train(parse(asked, sets=sets), folder=folder / "run", progress=tell).report()
    return line_of(report, cell=name, task=cell.task, model=cell.model, seed=seed, on=on, sets=sets)


def table(lines: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mean and range over the seeds."""
    rows = [
        "| data | task | model | train / test rows | figure | seeds | tuned | baselines | over the best one, 95 % | "
        "minutes a seed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(line["cell"] for line in lines):
        of = [line for line in lines if line["cell"] == name]
        first, metric = of[0], of[0]["metric"]
        tuned = spread([line["test"][metric]["value"] for line in of])
        others = {
            other: [line["baselines"][other][metric]["value"] for line in of if metric in line["baselines"][other]]
            for other in first["baselines"]
        }
        others = {other: values for other, values in others.items() if values}
        against = min(
            (line["against"][other]["difference"] for line in of for other in line["against"]),
            key=lambda difference: difference["low"],
        )
        said = ", ".join(f"{other} {spread(values)}" for other, values in others.items())
        minutes = statistics.mean(line["seconds"] for line in of) / 60
        rows.append(
            f"| {name} | {first['task']} | {first['model']} | {first['n_train']:,} / {first['n_test']:,} | {metric} | "
            f"{', '.join(str(line['seed']) for line in of)} | **{tuned}** | {said} | "
            f"{against['value']:+.3f} ({against['low']:+.3f} to {against['high']:+.3f}) | {minutes:.0f} |"
        )
    return "\n".join(rows)


def spread(values: list[float]) -> str:
    """Return the mean, and the range where there are several."""
    mean = f"{statistics.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main(Bench("reading", {name: cell.seeds for name, cell in CELLS.items()}, run_cell, table), __doc__)

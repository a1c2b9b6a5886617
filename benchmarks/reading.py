"""Train `tag`, `answer` and `embed` with the defaults alone on shared data, and write what they reach.

    python benchmarks/reading.py                             # every cell, test rows; about three hours on two cores
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

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "reading.jsonl"
E5 = Path(os.environ.get("TEST_MODELS", Path.home() / ".cache" / "test-models")) / "e5-small"
MARKS = ("<!-- reading -->", "<!-- /reading -->")


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
        report = train(parse(asked, sets=sets), folder=folder / "run", progress=_tell).report()
    return {
        "cell": name, "task": cell.task, "model": cell.model, "seed": seed, "on": on, "sets": sets,
        "metric": report["metric"], "n_train": report["data"]["train"], "n_test": report["data"]["test"],
        "test": report["test"], "dev": report["dev"],
        "baselines": {key: value["scores"] for key, value in report["baselines"].items()},
        "against": report["comparison"]["against"], "verdict": report["verdict"], "best_step": report["best_step"],
        "seconds": report["speed"]["train_seconds"], "threads": report["lock"]["machine"]["threads"],
        "recipe": {key: value for key, value in report["recipe"].items() if key not in ("data", "model")},
    }  # fmt: skip


def _tell(event: dict[str, Any]) -> None:
    if event["kind"] == "dev":
        print(f"  {event['stage']} step {event['step']}: {event['metric']} {event['score']:.4f}", file=sys.stderr)


def known() -> list[dict[str, Any]]:
    """Return the lines that were run."""
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()] if RESULTS.exists() else []


def key(line: dict[str, Any]) -> tuple[Any, ...]:
    """Return what makes a line the same line."""
    return (line["cell"], line["seed"], line["on"], tuple(line["sets"]))


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


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", default=list(CELLS), choices=[*CELLS, []], metavar="CELL")
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than the cell's own")
    parser.add_argument("--on", choices=["test", "dev"], default="test")
    parser.add_argument("--set", dest="sets", action="append", default=[], help="override of the recipe, key=value")
    parser.add_argument("--write", type=Path, help="a page with the markers <!-- reading --> and <!-- /reading -->")
    chosen = parser.parse_args()
    if not DATA.is_dir():
        sys.exit("needs ../shared/data beside the project")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    wanted = [(cell, seed) for cell in chosen.cells for seed in chosen.seeds or CELLS[cell].seeds]
    for cell, seed in wanted:
        if (cell, seed, chosen.on, tuple(chosen.sets)) in map(key, known()):
            continue
        print(f"{cell} seed {seed} on {chosen.on} {' '.join(chosen.sets)}", file=sys.stderr)
        line = run_cell(cell, seed, chosen.on, chosen.sets)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    keys = {(cell, seed, chosen.on, tuple(chosen.sets)) for cell, seed in wanted}
    text = table([line for line in known() if key(line) in keys])
    print(text)
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        chosen.write.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()

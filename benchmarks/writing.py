"""Train `chat` and `seq2seq` with the defaults alone on shared data, and write what they reach.

    python benchmarks/writing.py                             # every cell, test rows; some hours on one core
    python benchmarks/writing.py multi30k --seeds 0 1        # some of it
    python benchmarks/writing.py --write docs/tasks.md       # ... and put the table between the page's markers
    python benchmarks/writing.py aeslc --on dev              # rows that are not test rows: for choosing

Needs `../shared/data` beside the project, and smollm2 as a folder (`python ../shared/models/prepare.py smollm2`).
A cell is a line of `benchmarks/results/writing.jsonl`; one that is there is not run again, so the table grows and
anybody can redo a cell by deleting its line. `train_rows` and `test_rows` are bounded because a CPU is slow at this.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from cells import DATA, TEST_MODELS, Bench, line_of, main, tell

SMOLLM2 = TEST_MODELS / "smollm2"


class Cell(NamedTuple):
    """One line of the table: a data set as dialogues or as pairs of texts, all else left to the defaults."""

    files: dict[str, str]
    columns: dict[str, str]
    limit: int
    test_rows: int
    data: str = ""
    """The folder, where it is not called as the cell is."""
    task: str = "chat"
    model: str = "smollm2"


CELLS = {
    "multi30k": Cell(
        {"train": "train.csv.gz", "dev": "dev.csv", "test": "test2016.csv"},
        {"prompt": "en", "response": "fr", "instruction": "Translate into French:"}, 2000, 1000,
    ),
    "aeslc": Cell(
        {"train": "train.jsonl.gz", "dev": "dev.jsonl.gz", "test": "test.jsonl.gz"},
        {"prompt": "source", "response": "target", "instruction": "Write a subject line for this e-mail:"}, 2000, 1000,
    ),
    "zh_medical_dialogue": Cell({"train": "train.jsonl.gz", "test": "test.jsonl"}, {}, 400, 100),
    "aeslc-seq2seq": Cell(
        {"train": "train.jsonl.gz", "dev": "dev.jsonl.gz", "test": "test.jsonl.gz"},
        {"source": "source", "target": "target"}, 3000, 500, data="aeslc", task="seq2seq", model="minilm+minilm",
    ),
}  # fmt: skip
SHOWN = ("chrf", "rouge_l", "perplexity")
BASELINES = ("untuned", "copy", "lead", "nearest")


def data_of(name: str, on: str) -> dict[str, Any]:
    """Return the data part of the recipe; with `on="dev"` no test row is in it."""
    cell = CELLS[name]
    files = {part: str(DATA / (cell.data or name) / file) for part, file in cell.files.items()}
    if on == "dev":
        files.pop("test")
        if "dev" in files:
            files["test"] = files.pop("dev")
    return {**files, **cell.columns, "limit": cell.limit}


def run_cell(name: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Train once and return what is worth keeping of the report."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    cell = CELLS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = str(SMOLLM2) if cell.model == "smollm2" else cell.model
        asked = {
            "task": cell.task, "model": model, "data": data_of(name, on), "seed": seed,
            "evaluate": {"test_rows": cell.test_rows},
        }  # fmt: skip
        report = train(parse(asked, sets=sets), folder=folder / "run", progress=tell).report()
    return line_of(report, cell=name, task=cell.task, model=cell.model, seed=seed, on=on, sets=sets)


def table(lines: list[dict[str, Any]]) -> str:
    """Return a Markdown table: a row for each figure of each cell, with the interval of every one that has it."""
    rows = [
        "| data | train / test rows | seed | figure | tuned | base model | copy of what is read | its first words | "
        "nearest train prompt | minutes, of them training |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        for metric in SHOWN:
            sides = [
                line["test"],
                *(line["baselines"].get(name, {}) for name in ("untuned", "copy", "lead", "nearest")),
            ]
            figures = " | ".join(figure(side.get(metric)) for side in sides)
            counts = f"{line['n_train']:,} / {line['n_test']:,}"
            minutes = f"{line['run_seconds'] / 60:.0f}, {line['seconds'] / 60:.0f}"
            rows.append(f"| {line['cell']} | {counts} | {line['seed']} | {metric} | {figures} | {minutes} |")
    return "\n".join(rows)


def figure(score: dict[str, Any] | None) -> str:
    """Return a figure with its 95 % interval."""
    if not score or score["value"] is None:
        return "–"
    return f"{score['value']:.3g} ({score['low']:.3g} to {score['high']:.3g})"


if __name__ == "__main__":
    main(Bench("writing", dict.fromkeys(CELLS, (0,)), run_cell, table), __doc__)

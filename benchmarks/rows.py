"""The rows of a shared data set that a cell trains and measures on, drawn as those that the peers were measured on.

Few-shot: the train rows grouped by label in file order, one `random.Random(seed)` for the whole draw, for every label
in sorted order `rng.sample(rows, shots)`, all rows where there are fewer. Full: `random.Random(0).shuffle(train)`, the
first 4,000. Test: `random.Random(0).shuffle(test)`, the first 1,000. Dev, for choosing: of the train rows that are left
over, about as many of each class.
"""

from __future__ import annotations

import csv
import gzip
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cells import DATA, Line, tell

FULL = 4000
DEV_ROWS = 600
FILES = ("train.csv", "test.csv")

Rows = list[dict[str, str]]


def read(name: str, split: str) -> Rows:
    """Return the rows of one split of a shared data set."""
    plain = DATA / name / f"{split}.csv"
    if plain.exists():
        text = plain.read_text(encoding="utf-8")
    else:
        text = gzip.decompress(plain.with_suffix(".csv.gz").read_bytes()).decode()
    return [{"text": r["text"], "label": r["label"]} for r in csv.DictReader(text.splitlines(keepends=True))]


def draw(name: str, shots: str, seed: int, on: str) -> tuple[Rows, Rows]:
    """Return train rows and the rows to measure on."""
    train = read(name, "train")
    if shots == "full":
        random.Random(0).shuffle(train)
        kept, rest = train[:FULL], train[FULL:]
    else:
        by_label: dict[str, Rows] = {}
        for row in train:
            by_label.setdefault(row["label"], []).append(row)
        rng = random.Random(seed)
        drawn = [rng.sample(rows, min(int(shots), len(rows))) for _, rows in sorted(by_label.items())]
        kept = [row for rows in drawn for row in rows]
        texts = {row["text"] for row in kept}
        rest = [row for row in train if row["text"] not in texts]
    if on == "dev":
        return kept, balanced(rest)
    test = read(name, "test")
    random.Random(0).shuffle(test)
    return kept, test[:1000]


def balanced(rows: Rows) -> Rows:
    """Return about as many rows of every class: a class of three rows would decide a macro-F1."""
    random.Random(1).shuffle(rows)
    room = dict.fromkeys((row["label"] for row in rows), DEV_ROWS // len({row["label"] for row in rows}))
    chosen = []
    for row in rows:
        if room[row["label"]] > 0:
            room[row["label"]] -= 1
            chosen.append(row)
    return chosen


def lay(folder: Path, where: str, seed: int, on: str) -> tuple[Rows, Rows]:
    """Write `train.csv` and `test.csv` into `folder` and return their rows."""
    name, _, shots = where.partition(":")
    drawn = draw(name, shots, seed, on)
    for file_name, rows in zip(FILES, drawn, strict=True):
        write(folder / file_name, rows)
    return drawn


def write(path: Path, rows: Rows) -> Path:
    """Write rows as a table and return where."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def trained(
    where: str, seed: int, on: str, sets: list[str], *, progress: Callable[[Line], None] = tell, **asked: Any
) -> Line:
    """Train a classifier once and return its report, with the counts of rows.

    Args:
        where: `DATA:ROWS`, so many rows a class or `full`.
        seed: of the draw and of the run.
        on: `test` or `dev`.
        sets: overrides of the recipe.
        progress: is told what happens.
        asked: parts of the recipe besides its data.
    """
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kept, measured = lay(folder, where, seed, on)
        train_file, test_file = (str(folder / name) for name in FILES)
        data = {"train": train_file, "test": test_file, "text": "text", "label": "label"}
        recipe = {"task": "classify", "data": data, "text": {"max_tokens": 128}, "seed": seed, **asked}
        report = train(parse(recipe, sets=sets), folder=folder / "run", progress=progress).report()
    return {**report, "n_train": len(kept), "n_test": len(measured)}

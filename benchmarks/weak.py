"""Measure what rules teach a model where nobody has labelled a row, and beside few labelled rows.

    python benchmarks/weak.py                                        # all cells, test rows
    python benchmarks/weak.py alone@tweeteval_emotion --on dev       # rows of dev.csv: for choosing
    python benchmarks/weak.py --measured --write docs/knowledge.md

The texts of the train part of a set, without their labels, are labelled by rules (`tunesmith rules label`). A cell is
`alone@DATA` (a model learns from these rows and no others), `gold@DATA:ROWS` (from so many labelled rows a class), or
`both@DATA:ROWS` (from these, and from the rest of the texts as rules label them). The rules of tweeteval_emotion are
lists of words in `rules/`; those of sst2 are the opinion lexicons of `knowledge.py`.

What the rules say of the test rows themselves is in every line: the label with most votes, and where there is none, or
as many for another, the label that is best there on the rows measured, which flatters the rules.

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/weak.jsonl`; one that is there is not
run again. Seconds are those of the training; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import csv
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cells import DATA, Bench, Line, by_place, digest_of, main, spread, tell
from knowledge import LISTS, RULES
from rows import Rows, draw, read, write

HERE = Path(__file__).parent
SETS = ("tweeteval_emotion", "sst2")
SHOTS = ("16", "64")
MEASURED = 1000
METRIC = "macro_f1"


def rules_of(data: str, folder: Path) -> Path:
    """Return the file of the rules for a set; those of lexicons are written into `folder`."""
    from tunesmith.recipe.text import write_document

    own = HERE / "rules" / f"{data}.yaml"
    if own.exists():
        return own
    path = folder / "rules.yaml"
    path.write_text(write_document({"lists": LISTS, "rules": RULES[data]}), encoding="utf-8")
    return path


def rows_of(where: str, seed: int, on: str) -> tuple[Rows, list[str], Rows]:
    """Return labelled rows, texts without labels, and rows to measure on."""
    data, _, shots = where.partition(":")
    gold = draw(data, shots, seed, "test")[0] if shots else []
    known = {row["text"] for row in gold}
    texts = [row["text"] for row in read(data, "train") if row["text"] not in known]
    random.Random(0).shuffle(texts)
    if on == "dev":
        with (DATA / data / "dev.csv").open(encoding="utf-8", newline="") as file:
            measured = [{"text": row["text"], "label": row["label"]} for row in csv.DictReader(file)]
    else:
        measured = read(data, "test")
        random.Random(0).shuffle(measured)
    return gold, texts[:4000], measured[:MEASURED]


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Label and train once, and return the line of a cell."""
    from tunesmith import label_rows, train
    from tunesmith.recipe.parse import parse

    use, _, where = cell.partition("@")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        gold, texts, measured = rows_of(where, seed, on)
        rules = rules_of(where.partition(":")[0], folder)
        weak, unlabelled = folder / "weak.csv", folder / "texts.csv"
        unlabelled.write_text("text\n", encoding="utf-8")
        with unlabelled.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        labelled = label_rows(rules, unlabelled, weak)
        data: dict[str, Any] = {"text": "text", "label": "label", "test": str(write(folder / "test.csv", measured))}
        if use == "alone":
            data |= {"train": str(weak), "weight": "weight"}
        else:
            data["train"] = str(write(folder / "train.csv", gold))
        if use == "both":
            data["weak"] = str(weak)
        asked = {
            "task": "classify", "data": data, "text": {"max_tokens": 128}, "seed": seed,
            "evaluate": {"forgetting": "off", "baselines": ["majority", "tfidf", "frozen"]},
        }  # fmt: skip
        report = train(parse(asked, sets=sets), folder=folder / "run", progress=tell).report()
        voted = rules_alone(rules, measured)
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "n_gold": len(gold),
        "n_weak": labelled["labelled"], "n_test": len(measured), "test": report["test"][METRIC], "rules": voted,
        "right": {rule["name"]: rule["right"] for rule in labelled["rules"]},
        "baselines": {name: found["scores"][METRIC] for name, found in report["baselines"].items()},
        "kept_step": report["kept_step"], "strategies": report["recipe"]["strategies"],
        "seconds": report["speed"]["train_seconds"],
    }  # fmt: skip


def rules_alone(rules: Path, measured: Rows) -> float:
    """Return what the rules reach on rows by themselves, with the best guess where they say nothing."""
    from sklearn.metrics import f1_score

    from tunesmith.knowledge.rulefile import read_rules
    from tunesmith.knowledge.rules import Row, decided

    found, labels = read_rules(rules), sorted({row["label"] for row in measured})
    said = decided(found.votes(found.counts(Row(row["text"]) for row in measured), labels))
    truth = [labels.index(row["label"]) for row in measured]
    return max(float(f1_score(truth, np.where(said < 0, guess, said), average="macro")) for guess in range(len(labels)))


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    own = HERE / "rules" / f"{cell.partition('@')[2].partition(':')[0]}.yaml"
    sides = {name: {**given, "file": Path(str(given["file"])).name} for name, given in LISTS.items()}
    return digest_of([cell.partition("@")[0], own.read_text(encoding="utf-8") if own.exists() else [sides, RULES]])


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each set and number of labelled rows."""
    rows = [
        "| data | labelled rows a class | rows by rules | seeds | rules alone | labelled rows | and those by rules |",
        "|---|---|---|---|---|---|---|",
    ]
    for where, uses in by_place(lines).items():
        data, _, shots = where.partition(":")
        taught = uses.get("alone") or uses.get("both") or {}
        gold = [line["test"]["value"] for line in uses.get("gold", {}).values()]
        weak = {line["n_weak"] for use in ("alone", "both") for line in uses.get(use, {}).values()}
        voted = [line["rules"] for of_use in uses.values() for line in of_use.values()]
        seeds, rules = max(map(len, uses.values())), round(statistics.mean(weak)) if weak else "–"
        rows.append(
            f"| {data} | {shots or '0'} | {rules} | {seeds} "
            f"| {100 * statistics.mean(voted):.1f} | {spread(gold)} "
            f"| {spread([line['test']['value'] for line in taught.values()])} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    cells = {f"alone@{data}": range(3) for data in SETS}
    cells |= {f"{use}@{data}:{shots}": range(3) for data in SETS for shots in SHOTS for use in ("gold", "both")}
    main(Bench("weak", cells, run, table, digest=digest), __doc__)

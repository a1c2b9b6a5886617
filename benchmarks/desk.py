"""Measure what rules give a desk with a hundred labelled messages: as votes, as terms, as labels of other messages.

    python benchmarks/desk.py                                        # all cells
    python benchmarks/desk.py --measured --write docs/knowledge.md

The story of docs/knowledge.md: of the demo data, 100 messages drawn with the seed have a label, the others are what is
measured on; the demo's 300 texts without labels are labelled by the rules (`tunesmith rules label`). A cell is `none`
(no rules), `rules` (`--rules`), `weak` (`--weak`) or `both`, each with the defaults else.

A cell is a line of `benchmarks/results/desk.jsonl`; one that is there is not run again. Seconds are those of the
training; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import csv
import random
import tempfile
from pathlib import Path
from typing import Any

from cells import Bench, Line, digest_of, main, spread, tell
from rows import write

RULES = Path(__file__).parent / "rules" / "desk.yaml"
LABELLED = 100
USES = ("none", "rules", "weak", "both")
METRIC = "macro_f1"


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train once and return the line of a cell."""
    import tunesmith.data
    from tunesmith import label_rows, train
    from tunesmith.recipe.parse import parse

    with tempfile.TemporaryDirectory() as place:
        folder, desk = Path(place), Path(tunesmith.data.__path__[0]) / "desk"
        with (desk / "messages.csv").open(encoding="utf-8", newline="") as file:
            messages = [{"text": row["text"], "label": row["label"]} for row in csv.DictReader(file)]
        random.Random(seed).shuffle(messages)
        train_file = write(folder / "train.csv", messages[:LABELLED])
        test_file = write(folder / "test.csv", messages[LABELLED:])
        data: dict[str, Any] = {"train": str(train_file), "test": str(test_file), "text": "text", "label": "label"}
        asked: dict[str, Any] = {"task": "classify", "data": data, "seed": seed}
        if cell in ("weak", "both"):
            label_rows(RULES, desk / "unlabelled.txt", folder / "weak.csv")
            data["weak"] = str(folder / "weak.csv")
        if cell in ("rules", "both"):
            asked["knowledge"] = {"rules": str(RULES)}
        asked["evaluate"] = {"forgetting": "off", "baselines": ["majority", "tfidf"]}
        report = train(parse(asked, sets=sets), folder=folder / "run", progress=tell).report()
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell),
        "weak": report["data"].get("weak", 0), "test": report["test"][METRIC],
        "baselines": {name: found["scores"][METRIC] for name, found in report["baselines"].items()},
        "strategies": report["recipe"]["strategies"], "seconds": report["speed"]["train_seconds"],
    }  # fmt: skip


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    return digest_of([cell, LABELLED, RULES.read_text(encoding="utf-8") if cell != "none" else ""])


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each use of the rules, with what it gained over none."""
    titles = {"none": "no rules", "rules": "`--rules`", "weak": "`--weak`", "both": "`--rules` and `--weak`"}
    rows = ["| used as | draws | macro-F1 | over no rules |", "|---|---|---|---|"]
    found: dict[str, dict[int, float]] = {}
    for line in lines:
        if not line["sets"]:
            found.setdefault(line["cell"], {})[line["seed"]] = line["test"]["value"]
    for cell in (use for use in USES if use in found):
        scores, none = found[cell], found.get("none", {})
        gaps = [score - none[seed] for seed, score in scores.items() if seed in none] if cell != "none" else []
        rows.append(f"| {titles[cell]} | {len(scores)} | {spread(list(scores.values()))} | {spread(gaps, sign=True)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(Bench("desk", dict.fromkeys(USES, range(5)), run, table, digest=digest), __doc__)

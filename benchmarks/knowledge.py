"""Measure what rules are worth: learnt from, as votes beside the model, and both.

    python benchmarks/knowledge.py                                   # all cells, test rows
    python benchmarks/knowledge.py both@sst2:16 --on dev             # rows left over from train: for choosing
    python benchmarks/knowledge.py --measured --write docs/knowledge.md

A cell is `USE@DATA:ROWS`: `none` (no rules), `votes` (rules vote, nothing is learnt from their terms) or `both`, with
so many rows a class, drawn as `rows.py` says, and the defaults else. The rules are lists of opinion words: those of Hu
and Liu, and those of VADER. On sst2 the ones vote for `positive`, the others for `negative`. On trec6, whose questions
they say nothing about, they are rules that learn.

What the model of `both` says without its votes is a column of its own, so each use stands alone and with the other.
With 64 rows a class, and from rules that learn, no terms are learnt from; `votes` would be the same as `both` there.

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/knowledge.jsonl`; one that is there
is not run again. Seconds are those of the training; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from cells import DATA, Bench, Line, by_place, digest_of, main, spread
from rows import trained

LISTS = {
    "praise": {"file": str(DATA / "opinion_lexicons" / "positive-words.txt")},
    "blame": {"file": str(DATA / "opinion_lexicons" / "negative-words.txt")},
    "warm": {"file": str(DATA / "opinion_lexicons" / "vader_lexicon.tsv"), "above": 0},
    "cold": {"file": str(DATA / "opinion_lexicons" / "vader_lexicon.tsv"), "below": 0},
}
SIDES = {"praise": "positive", "warm": "positive", "blame": "negative", "cold": "negative"}
RULES: dict[str, list[dict[str, Any]]] = {
    "sst2": [{"label": label, "list": name} for name, label in SIDES.items()],
    "trec6": [{"learn": True, "list": name} for name in SIDES],
}
USES = {"none": {}, "votes": {"terms": False}, "both": {}}
WHERE = ("sst2:16", "sst2:64", "trec6:16")
METRIC = "macro_f1"


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train once and return the line of a cell."""
    from tunesmith.recipe.text import write_document

    use, _, where = cell.partition("@")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rules.yaml"
        rules = {"lists": LISTS, "rules": RULES[where.partition(":")[0]]}
        path.write_text(write_document(rules), encoding="utf-8")
        knowledge = {} if use == "none" else {"rules": str(path), **USES[use]}
        evaluate = {"forgetting": "off", "baselines": ["majority"]}
        report = trained(where, seed, on, sets, knowledge=knowledge, evaluate=evaluate)
    part = report.get("knowledge") or {}
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "n_train": report["n_train"],
        "n_test": report["n_test"], "test": report["test"][METRIC], "without": (part.get("without") or {}).get(METRIC),
        "alone": report["baselines"]["rules"]["scores"][METRIC] if part else None,
        "compared": part.get("compared"), "weights": [rule["weight"] for rule in part.get("rules", ())],
        "notes": report["notes"], "precision": report["model"]["precision"],
        "seconds": report["speed"]["train_seconds"],
    }  # fmt: skip


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    use, _, where = cell.partition("@")
    sides = {name: {**given, "file": Path(str(given["file"])).name} for name, given in LISTS.items()}
    return digest_of([use, USES[use], sides, RULES[where.partition(":")[0]]])


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each data set and size, a column for each use of the rules."""
    rows = [
        "| data | rows a class | seeds | rules alone | no rules | learnt from | votes | both | both over no rules |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for where, uses in by_place(lines).items():
        data, _, shots = where.partition(":")
        none, votes, both = (uses.get(use, {}) for use in ("none", "votes", "both"))
        gaps = [score(both[seed]) - score(none[seed]) for seed in both if seed in none]
        sides = [
            [line["alone"]["value"] for line in both.values()], [score(line) for line in none.values()],
            [line["without"]["value"] for line in both.values()], [score(line) for line in votes.values()],
            [score(line) for line in both.values()],
        ]  # fmt: skip
        told = " | ".join(f"{100 * statistics.mean(side):.1f}" if side else "–" for side in sides)
        rows.append(f"| {data} | {shots} | {max(map(len, (none, both)))} | {told} | {spread(gaps, sign=True)} |")
    return "\n".join(rows)


def score(line: Line) -> float:
    """Return the figure of a line."""
    return float(line["test"]["value"])


if __name__ == "__main__":
    cells = {f"{use}@{where}": range(5) for where in WHERE for use in USES if use != "votes" or where == "sst2:16"}
    main(Bench("knowledge", cells, run, table, digest=digest), __doc__)

"""Measure what a list of terms is worth to a tagger of a hundred sentences.

    python benchmarks/tagging.py                                   # both cells, five seeds, test rows
    python benchmarks/tagging.py --on dev                          # the rows of dev.jsonl: for choosing
    python benchmarks/tagging.py --measured --write docs/knowledge.md

A cell is `USE@ncbi_disease`: `none` (no rules) or `both` (a list of diseases, learnt from and as marks). Each seed
draws 100 sentences of the training part, for training and choosing; the list is the distinct mentions of all other
training sentences. `marks` are the rules beside the model of `none`, as `tunesmith fuse` sets them there; they are in
its line. Every training takes 15 epochs, without patience: with 15 dev rows and a patience of 4 a tagger may be given
up before it marks its first span.

A mention is held by the list where one of its terms stands there with the same bounds. Figures of mentions that it does
not hold say whether it harms what it does not know.

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/tagging.jsonl`; one that is there is
not run again. Seconds are those of the training; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import gzip
import json
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

from cells import DATA, Bench, Line, digest_of, main, spread, tell

WHERE = DATA / "ncbi_disease"
ROWS = 100
STOP = {"epochs": 15, "patience": None}
USES = ("none", "both")
PARTS = ("held", "not_held")
Rows = list[dict[str, list[str]]]


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train once and return the line of a cell."""
    from tunesmith import fuse, train
    from tunesmith.recipe.parse import parse

    use = cell.partition("@")[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        terms = lay(folder, seed)
        rules = folder / "rules.yaml"
        rules.write_text("lists: {diseases: diseases.txt}\nrules:\n  - {label: Disease, list: diseases}\n")
        asked: dict[str, Any] = {
            "task": "tag", "model": "minilm", "seed": seed, "stop": STOP,
            "data": {"train": str(folder / "train.jsonl"), "test": str(WHERE / f"{on}.jsonl")},
            "knowledge": {"rules": str(rules)} if use == "both" else {},
            "evaluate": {"forgetting": "off", "baselines": ["majority", "dictionary"], "folds": 0,
                         "resamples": 300},
        }  # fmt: skip
        done = train(parse(asked, sets=sets), folder=folder / "run", progress=tell)
        report = done.report()
        fused = {} if use == "both" else fuse(done.folder, rules, folder=folder / "fused").report()
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "terms": terms,
        "n_train": report["data"]["train"] + report["data"]["dev"], "n_test": report["data"]["test"],
        "test": report["test"], "knowledge": report.get("knowledge"), "marks": fused.get("test"),
        "marks_knowledge": fused.get("knowledge"),
        "alone": (fused or report)["baselines"]["rules"]["scores"], "dictionary": report["baselines"]["dictionary"],
        "notes": report["notes"], "precision": report["model"]["precision"],
        "seconds": report["speed"]["train_seconds"], "run_seconds": report["speed"]["run_seconds"],
    }  # fmt: skip


def lay(folder: Path, seed: int) -> int:
    """Write `train.jsonl` and `diseases.txt` into `folder`; return how many terms there are."""
    with gzip.open(WHERE / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows: Rows = [json.loads(line) for line in file]
    drawn = sorted(random.Random(seed).sample(range(len(rows)), ROWS))
    (folder / "train.jsonl").write_text("".join(json.dumps(rows[at]) + "\n" for at in drawn), encoding="utf-8")
    kept = set(drawn)
    terms = {term for at, row in enumerate(rows) if at not in kept for term in mentions(row)}
    (folder / "diseases.txt").write_text("\n".join(sorted(terms)) + "\n", encoding="utf-8")
    return len(terms)


def mentions(row: dict[str, list[str]]) -> list[str]:
    """Return the mentions in a row, as they stand in its text."""
    from tunesmith.data.joined import join_words

    found: list[list[str]] = []
    for token, tag in zip(row["tokens"], row["tags"], strict=True):
        if tag.startswith("B-"):
            found.append([token])
        elif tag.startswith("I-"):
            found[-1].append(token)
    return [join_words(tokens)[0] for tokens in found]


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    return digest_of([cell, ROWS, STOP])


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each seed and one for their mean."""
    rows = [
        "| seed | rules alone | no rules | marks | both | both over no rules | held: none, both | "
        "not held: none, marks, both | recall of these |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for on in ("test", "dev"):
        some = [line for line in lines if line["on"] == on and not line["sets"]]
        uses = {use: {one["seed"]: one for one in some if one["cell"].startswith(use)} for use in USES}
        seeds = [seed for seed in sorted(uses["none"]) if seed in uses["both"]]
        told = [figures(uses["none"][seed], uses["both"][seed]) for seed in seeds]
        title = "" if on == "test" else " (dev)"
        rows += [f"| {seed}{title} | {cells(one)} |" for seed, one in zip(seeds, told, strict=True)]
        if told:
            mean = {name: statistics.mean(one[name] for one in told) for name in told[0]}
            gaps = spread([one["both"] - one["none"] for one in told], sign=True)
            rows.append(f"| **mean**{title} | {cells(mean, gaps)} |")
    return "\n".join(rows)


def figures(none: Line, both: Line) -> dict[str, float]:
    """Return the figures of a seed, by name."""
    beside, learnt = (line["mentions"] for line in (none["marks_knowledge"], both["knowledge"]))
    found = {
        "alone": none["alone"], "none": none["test"], "marks": none["marks"], "both": both["test"],
        **{f"{part}.none": beside[part]["without"] for part in PARTS},
        **{f"{part}.marks": beside[part]["with"] for part in PARTS},
        **{f"{part}.both": learnt[part]["with"] for part in PARTS},
    }  # fmt: skip
    return {
        **{name: scores["span_f1"]["value"] for name, scores in found.items()},
        **{f"{name}.recall": scores["span_recall"]["value"] for name, scores in found.items()},
    }


def cells(one: dict[str, float], gaps: str = "") -> str:
    """Return the cells of a row of the table."""

    def said(*names: str) -> str:
        return ", ".join(f"{100 * one[name]:.1f}" for name in names)

    rest = [f"not_held.{use}" for use in ("none", "marks", "both")]
    parts = [
        said("alone"), said("none"), said("marks"), said("both"), gaps or f"{100 * (one['both'] - one['none']):+.1f}",
        said("held.none", "held.both"), said(*rest), said(*(f"{name}.recall" for name in rest)),
    ]  # fmt: skip
    return " | ".join(parts)


if __name__ == "__main__":
    main(Bench("tagging", {f"{use}@ncbi_disease": range(5) for use in USES}, run, table, digest=digest), __doc__)

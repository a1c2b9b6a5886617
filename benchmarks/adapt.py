"""Adapt mlm-tiny to biomedical text, and see what that is worth where labelled rows are few.

    python benchmarks/adapt.py                                # all cells, test rows
    python benchmarks/adapt.py biomed_text                    # perplexity before and after, on the domain and elsewhere
    python benchmarks/adapt.py biomed_text --on dev           # held-out lines of train: for choosing
    python benchmarks/adapt.py citation-untouched citation-adapted   # classify from either body, five seeds
    python benchmarks/adapt.py --write docs/tasks.md          # ... and put the table between the page's markers

Needs `../shared/data` beside the project, and mlm-tiny as a folder (`python ../shared/models/prepare.py mlm-tiny`).
A cell is a line of `benchmarks/results/adapt.jsonl`; one that is there is not run again, so the table grows and anybody
can redo a cell by deleting its line.

General text is the test part of ag_news, news of four kinds. The adapted body is that of seed 0; all else is the
defaults.
"""

from __future__ import annotations

import csv
import functools
import gzip
import statistics
import tempfile
from pathlib import Path
from typing import Any

from cells import DATA, TEST_MODELS, Bench, line_of, main, tell

MODEL = TEST_MODELS / "mlm-tiny"
SEEDS: dict[str, tuple[int, ...]] = {
    "biomed_text": (0,), "citation-untouched": (0, 1, 2, 3, 4), "citation-adapted": (0, 1, 2, 3, 4),
}  # fmt: skip
KEPT = tempfile.TemporaryDirectory(prefix="tunesmith-adapt-")
"""Adapted bodies, for as long as this works; the same seed gives the same body again."""


def general_text() -> Path:
    """Return a file with the texts of ag_news, a line each."""
    path = Path(KEPT.name) / "ag_news.txt"
    if not path.exists():
        with gzip.open(DATA / "ag_news" / "test.csv.gz", "rt", encoding="utf-8", newline="") as file:
            texts = [" ".join(row["text"].split()) for row in csv.DictReader(file)]
        path.write_text("\n".join(texts), encoding="utf-8")
    return path


@functools.cache
def adapted(seed: int, on: str, sets: tuple[str, ...]) -> Path:
    """Return the run that adapts the body to biomed_text."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    corpus = DATA / "biomed_text"
    data = {"train": str(corpus / "train.txt.gz"), "general": str(general_text())}
    if on == "test":
        data["test"] = str(corpus / "valid.txt.gz")
    asked = {"task": "masked", "model": str(MODEL), "data": data, "seed": seed, "evaluate": {"test_rows": 2000}}
    return train(parse(asked, sets=list(sets)), folder=Path(KEPT.name) / f"{seed}-{on}", progress=tell).folder


def run_cell(name: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Train once and return what is worth keeping of the report."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse
    from tunesmith.runs.store import Run

    if name == "biomed_text":
        report = Run.load(adapted(seed, on, tuple(sets))).report()
    else:
        body = MODEL if name == "citation-untouched" else adapted(0, "test", ()) / "model"
        parts = {part: str(DATA / "citation_intent" / f"{part}.csv") for part in ("train", "dev")}
        asked = {
            "task": "classify", "model": str(body),
            "data": {**parts, "test": str(DATA / "citation_intent" / f"{on}.csv")},
            "evaluate": {"baselines": ["majority"]}, "seed": seed,
        }  # fmt: skip
        with tempfile.TemporaryDirectory() as place:
            report = train(parse(asked, sets=sets), folder=Path(place) / "run", progress=tell).report()
    line = line_of(report, cell=name, task=report["task"], seed=seed, on=on, sets=sets)
    general = (report.get("forgetting") or {}).get("language")
    return {**line, "general": {when: general[when] for when in ("before", "after")} if general else None}


def table(lines: list[dict[str, Any]]) -> str:
    """Return a Markdown table: before and after of the adaptation, then both bodies on labelled rows."""
    rows = ["| what | text or model | figure | before | after | change | minutes |", "|---|---|---|---|---|---|---|"]
    for line in lines:
        if line["cell"] != "biomed_text":
            continue
        before, after = line["baselines"]["untuned"]["perplexity"], line["test"]["perplexity"]
        minutes = line["seconds"] / 60
        rows.append(_row("adapting", f"biomed_text, {line['n_test']} blocks", before, after, f"{minutes:.0f}"))
        before, after = (line["general"][name] for name in ("before", "after"))
        rows.append(_row("forgetting", f"ag_news, {after['n']} blocks", before, after, ""))
    both = {
        name: {line["seed"]: line["test"]["macro_f1"]["value"] for line in lines if line["cell"] == f"citation-{name}"}
        for name in ("untouched", "adapted")
    }
    if all(both.values()):
        seeds = sorted(set(both["untouched"]) & set(both["adapted"]))
        before, after = ([both[name][seed] for seed in seeds] for name in ("untouched", "adapted"))
        gaps = [late - early for early, late in zip(before, after, strict=True)]
        rows.append(
            f"| citation_intent | {len(seeds)} seeds | macro_f1 | {spread(before)} | {spread(after)} | "
            f"{statistics.mean(gaps):+.3f} ({min(gaps):+.3f} to {max(gaps):+.3f}) | |"
        )
    return "\n".join(rows)


def _row(what: str, name: str, before: dict[str, float], after: dict[str, float], minutes: str) -> str:
    shown = [f"{score['value']:.1f} ({score['low']:.1f} to {score['high']:.1f})" for score in (before, after)]
    change = 100 * (after["value"] / before["value"] - 1)
    return f"| {what} | {name} | perplexity | {shown[0]} | {shown[1]} | {change:+.1f} % | {minutes} |"


def spread(values: list[float]) -> str:
    """Return the mean and the range."""
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main(Bench("adapt", SEEDS, run_cell, table), __doc__)

"""Measure what a glossary is worth: its aliases, its definitions, its tokens, and beside an adaptation.

    python benchmarks/glossary.py                                          # all cells, test rows
    python benchmarks/glossary.py tokens@citation_intent:16 --on dev       # rows left over from train: for choosing
    python benchmarks/glossary.py --write docs/knowledge.md

A cell is `USE@DATA:ROWS`: `base` (no glossary), `aliases`, `definitions` or `tokens` (one use alone), `all` (the
three), `adapted` (no glossary, minilm adapted to the train texts with `tunesmith adapt` first) or `both` (that, and the
three), with so many rows a class, drawn as `rows.py` says. The weights are tuned once and plainly, which takes a
fraction of the time of what few rows get by default. The glossary is `benchmarks/glossaries/DATA.csv`, forty terms
of computational linguistics that were chosen by looking at train rows. A term becomes a token where two train rows have
it: with 16 rows a class few stand in five.

The adaptation reads all train texts without their labels, those of the dev rows among them, twice; it is
that of seed 0.

Needs `../shared/data` beside the project. A cell is a line of `benchmarks/results/glossary.jsonl`; one that is there is
not run again. Seconds are those of the training; run with `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from cells import Bench, Line, by_place, digest_of, main, spread, tell
from rows import read, trained

GLOSSARIES = Path(__file__).parent / "glossaries"
OFF: dict[str, Any] = {"aliases": False, "definitions": False, "tokens": False}
ALL: dict[str, Any] = {"aliases": True, "definitions": True, "tokens": 2}
USES: dict[str, dict[str, Any] | None] = {
    "base": None, "adapted": None, "all": ALL, "both": ALL,
    **{name: {**OFF, name: ALL[name]} for name in ("aliases", "definitions", "tokens")},
}  # fmt: skip
ON_ADAPTED = ("adapted", "both")
PLAIN: dict[str, Any] = {"strategies": [], "stop": {"refit": False}}
METRIC = "macro_f1"
KEPT = tempfile.TemporaryDirectory(prefix="tunesmith-glossary-")
"""Adapted bodies, for as long as this works; the same seed gives the same body again."""


def run(cell: str, seed: int, on: str, sets: list[str]) -> Line:
    """Train once and return the line of a cell."""
    use, _, where = cell.partition("@")
    data, settings = where.partition(":")[0], USES[use]
    knowledge = {} if settings is None else {"glossary": str(GLOSSARIES / f"{data}.csv"), **settings}
    asked: dict[str, Any] = {"model": str(adapted(data))} if use in ON_ADAPTED else {}
    evaluate = {"forgetting": "off", "baselines": ["majority"]}
    report = trained(where, seed, on, sets, knowledge=knowledge, evaluate=evaluate, **PLAIN, **asked)
    part = (report.get("knowledge") or {}).get("glossary") or {}
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell), "n_train": report["n_train"],
        "n_test": report["n_test"], "test": report["test"][METRIC],
        "glossary": {key: part[key] for key in ("rows", "aliases", "definitions") if key in part},
        "tokens": [word["text"] for word in part.get("tokens", ())],
        "precision": report["model"]["precision"], "seconds": report["speed"]["train_seconds"],
    }  # fmt: skip


@functools.cache
def adapted(data: str) -> Path:
    """Return the default model, adapted to the train texts of a data set."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    path = Path(KEPT.name) / f"{data}.txt"
    texts = [" ".join(row["text"].split()) for row in read(data, "train")]
    path.write_text("\n".join(texts), encoding="utf-8")
    evaluate, stop = {"forgetting": "off"}, {"epochs": 2}
    asked = {"task": "masked", "data": {"train": str(path)}, "seed": 0, "evaluate": evaluate, "stop": stop}
    return train(parse(asked), folder=Path(KEPT.name) / data, progress=tell).folder / "model"


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    use, _, where = cell.partition("@")
    words = hashlib.sha256((GLOSSARIES / f"{where.partition(':')[0]}.csv").read_bytes()).hexdigest()
    return digest_of([PLAIN, use, USES[use], words if USES[use] else ""])


def table(lines: list[Line]) -> str:
    """Return a Markdown table: a row for each use, with what it gained over the same rows without it."""
    rows = ["| data | rows a class | seeds | use | macro-F1 | over base |", "|---|---|---|---|---|---|"]
    for where, lines_of in by_place(lines).items():
        data, _, shots = where.partition(":")
        uses = {
            use: {seed: float(line["test"]["value"]) for seed, line in some.items()} for use, some in lines_of.items()
        }
        base = uses.get("base", {})
        for use in [name for name in USES if name in uses]:
            gaps = [value - base[seed] for seed, value in uses[use].items() if seed in base and use != "base"]
            scores = spread(list(uses[use].values()))
            gained = spread(gaps, sign=True)
            rows.append(f"| {data} | {shots} | {len(uses[use])} | {use} | {scores} | {gained} |")
    return "\n".join(rows)


if __name__ == "__main__":
    cells = {f"{use}@citation_intent:{shots}": range(2) for shots in (16,) for use in USES}
    main(Bench("glossary", cells, run, table, digest=digest), __doc__)

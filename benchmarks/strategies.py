"""Measure each strategy and each policy against plain fine-tuning, and print what they reach.

    python benchmarks/strategies.py                                 # everything; many hours on one core
    python benchmarks/strategies.py plain@trec6:16 l2sp@trec6:16    # some of it
    python benchmarks/strategies.py l2sp@trec6:16 --on dev          # rows left over from train: for choosing
    python benchmarks/strategies.py --measured                      # no training: the table of what was measured
    python benchmarks/strategies.py --measured --write docs/strategies.md

A cell is `STRATEGY@DATA:ROWS`: a strategy with its default options on top of nothing else (`plain`: all weights at
one rate), a policy, one of the usual recipes that `RECIPES` spells out, or `setfit`, a peer in an environment of its
own that the first such cell builds from `setfit.txt`; with so many rows a class, or `full`, which is at most 4,000.
What has several names is measured once, and stands in the table under each of them; `auto` is the policy it stands for.
What a frozen body with logistic regression and TF-IDF reach is in the first line of ours on the same rows. A cell is a
line of `benchmarks/results/strategies.jsonl` with the digest of what was asked; one that is there is not run again, so
the table grows and anybody can redo a cell by deleting its line. The digest does not see what code makes of a recipe:
where a strategy or a default changes, its lines are to be deleted.

Needs `../shared/data` beside the project. Rows are drawn as `rows.py` says; at most 128 tokens of each. Each cell is
trained in a process of its own, so that the peak of its memory can be told. Seconds are those of the training on the
wall times the share of a processor that the process had, so that what else the machine did does not count; run with
`OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cells import Bench, digest_of, main, spread
from rows import lay, trained

RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"strategies": []},
    "tutorial": {
        "strategies": [],
        "optimizer": {"learning_rate": 2e-5, "head_learning_rate": 2e-5, "warmup": 0.0},
        "stop": {"epochs": 3, "patience": None, "refit": False},
    },
    "tuned_plain": {
        "strategies": [],
        "optimizer": {"learning_rate": 1e-4, "head_learning_rate": 1e-4, "warmup": 0.1},
        "stop": {"epochs": 10, "patience": None, "refit": False},
    },
}
"""Recipes that others would write, beside strategies and policies."""
SETFIT = "setfit"
BASELINES = ("frozen", "tfidf")
OTHERS = ("tutorial", "tuned_plain", *BASELINES, SETFIT)
"""What `auto` stands beside."""
HERE = Path(__file__).parent
ALONE = ("trec6", "tweeteval_emotion")
ALONE_SHOTS = ("16", "64")
EACH = (*ALONE, "sst2", "banking77", "citation_intent")
EACH_SHOTS = ("8", "16", "64", "full")
METRIC = "macro_f1"
PRELOADED = [
    "tunesmith.jobs.conclude",
    "tunesmith.models.heads",
    "transformers.models.bert.modeling_bert",
    "sklearn.linear_model",
]
"""What every cell imports, which is done once."""


def cells() -> dict[str, Sequence[int]]:
    """Return every cell of the table with its seeds."""
    from tunesmith.recipe.catalogue import STRATEGIES
    from tunesmith.recipe.policies import POLICIES

    found: dict[str, Sequence[int]] = {}
    for data in EACH:
        for shots in EACH_SHOTS:
            seeds = range(3 if shots == "full" else 5)
            names = [*RECIPES, *POLICIES]
            names += [SETFIT] if shots != "full" else []  # of 4,000 rows it makes 160,000 pairs
            found |= {f"{same_as(name)[0]}@{data}:{shots}": seeds for name in names}
    for name in STRATEGIES:
        for data in ALONE:
            for shots in ALONE_SHOTS:
                found.setdefault(f"{same_as(name)[0]}@{data}:{shots}", range(3))
    return found


def asked(name: str) -> dict[str, Any]:
    """Return what a cell of that name asks for, apart from its rows; policies are spelt out."""
    from tunesmith.recipe.policies import POLICIES, spelt_out

    if name == SETFIT:
        return {"peer": [(HERE / file).read_text(encoding="utf-8") for file in ("peer_setfit.py", "setfit.txt")]}
    if name in RECIPES:
        return RECIPES[name]
    return {"strategies": spelt_out([name]) if name in POLICIES else [{name: {}}]}


def same_as(name: str) -> list[str]:
    """Return all names of what `name` asks for; cells are measured under the first."""
    from tunesmith.recipe.catalogue import STRATEGIES
    from tunesmith.recipe.policies import POLICIES

    recipe = asked(name)
    return [other for other in (*RECIPES, *POLICIES, *STRATEGIES, SETFIT) if asked(other) == recipe]


def digest(cell: str) -> str:
    """Return a short digest of what a cell asks for."""
    return digest_of(asked(cell.partition("@")[0]))


def run_cell(cell: str, seed: int, on: str, sets: list[str]) -> dict[str, Any]:
    """Train once, in a process of its own, and return what is worth keeping of the report."""
    if cell.startswith(f"{SETFIT}@"):
        return peer(cell, seed, on)
    return alone(measure, cell, seed, on, sets, with_baselines(cell, seed, on))


def with_baselines(cell: str, seed: int, on: str) -> bool:
    """Say whether no line has the baselines of these rows."""
    rows = cell.partition("@")[2], seed, on, []
    return all(
        (line["cell"].partition("@")[2], line["seed"], line["on"], line["sets"]) != rows or not line["baselines"]
        for line in BENCH.known().values()
    )


def alone(measure: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    """Return what `measure` returns, from a process of its own; what all of them import is imported once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with context.Pool(1) as pool:
        return pool.apply(measure, given)


def measure(cell: str, seed: int, on: str, sets: list[str], baselines: bool) -> dict[str, Any]:
    """Train once and return the line of the cell."""
    began = clocks()
    looked_at = {} if baselines else {"evaluate": {"baselines": ["majority"]}}
    report = trained(cell.partition("@")[2], seed, on, sets, **asked(cell.partition("@")[0]), **looked_at)
    share = processor_share(began)
    return {
        "cell": cell, "seed": seed, "on": on, "sets": sets, "digest": digest(cell),
        "n_train": report["n_train"], "n_test": report["n_test"], "classes": len(report["labels"]),
        "test": report["test"],
        "baselines": {key: side["scores"] for key, side in report["baselines"].items() if key in BASELINES},
        "forgetting": report.get("forgetting"), "kept_step": report["kept_step"],
        "precision": report["model"]["precision"],
        "seconds": round(report["speed"]["train_seconds"] * share, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "recipe": {key: value for key, value in report["recipe"].items() if key not in ("data", "model")},
    }  # fmt: skip


def peer(cell: str, seed: int, on: str) -> dict[str, Any]:
    """Train SetFit on the rows of the cell and return its line."""
    from dataclasses import asdict

    import numpy as np

    from tunesmith.evaluation.interval import bootstrap
    from tunesmith.evaluation.metrics import CLASSIFY
    from tunesmith.models.sources import resolve_model

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kept, measured = lay(folder, cell.partition("@")[2], seed, on)
        asked_of_it = [str(HERE / "peer_setfit.py"), place, str(resolve_model("minilm")), str(seed)]
        python = peer_python()
        began = clocks()
        subprocess.run([python, *asked_of_it], check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        share = processor_share(began)
        found = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    labels = sorted({row["label"] for row in [*kept, *measured]})
    targets = np.array([labels.index(row["label"]) for row in measured])
    given = np.eye(len(labels))[[labels.index(answer) for answer in found["answers"]]]
    scores = bootstrap({METRIC: CLASSIFY[METRIC]}, targets, given)
    return {
        "cell": cell, "seed": seed, "on": on, "sets": [], "digest": digest(cell), "n_train": len(kept),
        "n_test": len(measured), "classes": len(labels),
        "test": {name: asdict(score) for name, score in scores.items()}, "baselines": {},
        "forgetting": None, "seconds": round(found["seconds"] * share, 1), "peak_mib": found["peak_mib"],
    }  # fmt: skip


def clocks() -> tuple[float, float]:
    """Return seconds on the wall, and seconds of the processor of this process and those that it waited for."""
    spent = os.times()
    return time.monotonic(), spent.user + spent.system + spent.children_user + spent.children_system


def processor_share(began: tuple[float, float]) -> float:
    """Return how much of a processor there was since `began`: less than 1 where the machine did other work as well."""
    wall, processor = (now - before for now, before in zip(clocks(), began, strict=True))
    return processor / wall


def peer_python() -> str:
    """Return the Python that has setfit; its environment is built once."""
    python = HERE / ".setfit" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HERE / ".setfit")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "setfit.txt")], check=True)
    return str(python)


def table(lines: list[dict[str, Any]]) -> str:
    """Return two Markdown tables: `auto` beside what others do, and every strategy on each data set and size."""
    found = by_place(lines)
    rows = [
        "| strategy | data | rows a class | seeds | macro-F1 | over plain | general skill kept | seconds | MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (where, name), by_seed in sorted(found.items()):
        data, _, shots = where.partition(":")
        plain = found.get((where, "plain"), {})
        gaps = [score(line) - score(plain[seed]) for seed, line in by_seed.items() if seed in plain and name != "plain"]
        rows.append(
            f"| {name} | {data} | {shots} | {len(by_seed)} | {spread([score(x) for x in by_seed.values()])} | "
            f"{spread(gaps, sign=True)} | {costs(list(by_seed.values()))} |"
        )
    return "\n".join([*beside_others(found), "", *rows])


def beside_others(found: Mapping[tuple[str, str], Mapping[int, dict[str, Any]]]) -> list[str]:
    """Return the lines of a table of what `auto` gains over each of `OTHERS` on test rows, on the seeds that both have.

    Below them stand the mean of each data set's sizes, and of all.
    """
    head = f"| data | rows a class | auto | {' | '.join(f'over {name}' for name in OTHERS)} |"
    rows = [head, "|---" * (3 + len(OTHERS)) + "|"]
    everywhere: dict[str, list[float]] = {name: [] for name in OTHERS}
    for data in EACH:
        of_set: dict[str, list[float]] = {name: [] for name in OTHERS}
        for shots in EACH_SHOTS[:-1]:
            ours = found.get((f"{data}:{shots}", "auto"), {})
            if not ours:
                continue
            cells = []
            for name in OTHERS:
                theirs = found.get((f"{data}:{shots}", name), {})
                gaps = [score(ours[seed]) - score(theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]
                of_set[name] += [statistics.mean(gaps)] if gaps else []
                cells.append(spread(gaps, sign=True) + (f" of {len(gaps)}" if gaps else ""))
            rows.append(f"| {data} | {shots} | {spread([score(one) for one in ours.values()])} | {' | '.join(cells)} |")
        for name, gaps in of_set.items():
            everywhere[name] += gaps
        rows.append(f"| **{data}** | | | {' | '.join(mean_of(of_set[name]) for name in OTHERS)} |")
    return [*rows, f"| **all** | | | {' | '.join(mean_of(everywhere[name]) for name in OTHERS)} |"]


def mean_of(gaps: list[float]) -> str:
    """Return the mean of gains in points, and of how many sizes."""
    return f"**{100 * statistics.mean(gaps):+.1f}** of {len(gaps)}" if gaps else "–"


def by_place(lines: list[dict[str, Any]]) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    """Return (data:rows, each name of what was measured) → seed → its line."""
    from tunesmith.recipe.policies import policy_for

    found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for line in lines:
        name, _, where = line["cell"].partition("@")
        if line["sets"]:
            continue
        place = where + ("" if line["on"] == "test" else " (dev)")
        names = same_as(name)
        if policy_for("classify", line["n_train"], line["classes"]) in names:
            names = ["auto", *names]
        for known in names:
            found.setdefault((place, known), {})[line["seed"]] = line
        for key in BASELINES:
            if METRIC in line["baselines"].get(key, {}):
                found.setdefault((place, key), {})[line["seed"]] = {**line, "test": line["baselines"][key], "of": name}
    return found


def costs(lines: list[dict[str, Any]]) -> str:
    """Return the general skill that is kept, the seconds of training and the memory; nothing for a baseline."""
    if any("of" in line for line in lines):
        return "– | – | –"
    kept = [value for line in lines if (value := agreement(line)) is not None]
    seconds = statistics.median(line["seconds"] for line in lines)
    return f"{spread(kept)} | {seconds:.0f} | {max(line['peak_mib'] for line in lines):,}"


def score(line: dict[str, Any]) -> float:
    """Return the figure of a line."""
    return float(line["test"][METRIC]["value"])


def agreement(line: dict[str, Any]) -> float | None:
    """Return how much of the general skill is left, 1 for all of it; None where it was not measured."""
    found = (line.get("forgetting") or {}).get("agreement")
    return None if found is None else float(found["value"])


BENCH = Bench("strategies", cells(), run_cell, table, usual=(0, 1, 2), digest=digest)

if __name__ == "__main__":
    main(BENCH, __doc__)

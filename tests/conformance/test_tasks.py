"""Every task of the table on every architecture: trained, saved, loaded, asked, and asked through `pipeline`."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.bundle.load import load_bundle
from tunesmith.jobs.train import train
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.recipe import catalogue

TASKS = ["classify", "multilabel", "pair", "regress"]
DOCS = Path(__file__).parents[2] / "docs" / "tasks"


def write(path: Path, header: list[str], lines: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> dict[str, Path]:
    """A file per task, all made from the same ninety rows, in a mixed order."""
    folder = tmp_path_factory.mktemp("tables")
    mixed = [rows[(i * 37) % len(rows)] for i in range(len(rows))]
    value = {"good": 2.5, "odd": 0.25, "bad": -1.75}
    both = [
        (f"{text}, {mixed[(i * 7 + 1) % len(mixed)][0]}", sorted({label, mixed[(i * 7 + 1) % len(mixed)][1]}))
        for i, (text, label) in enumerate(mixed)
    ]
    pairs = [(text, *mixed[(i * 11 + 1) % len(mixed)], label) for i, (text, label) in enumerate(mixed)]
    return {
        "classify": write(folder / "classify.csv", ["text", "label"], [list(row) for row in mixed]),
        "regress": write(
            folder / "regress.csv",
            ["text", "score"],
            [[text, value[label] + (i % 7) / 100] for i, (text, label) in enumerate(mixed)],
        ),
        "multilabel": write(
            folder / "multi.csv", ["text", "labels"], [[text, "|".join(names)] for text, names in both]
        ),
        "pair": write(
            folder / "pair.csv",
            ["text_a", "text_b", "label"],
            [[a, b, "same" if label == other else "different"] for a, b, other, label in pairs],
        ),
    }


@pytest.fixture(scope="module")
def trained(tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Any:
    """Train (task, family, head) once and remember the run folder."""
    known: dict[tuple[str, str, str], Path] = {}
    place = tmp_path_factory.mktemp("trained")

    def get(task: str, family: str = "bert", head: str = "own") -> Path:
        key = (task, family, head)
        if key not in known:
            model = save_tiny(place / "-".join(("model", *key)), [text for text, _ in rows], family=family)
            recipe = {
                "task": task, "model": str(model), "head": head, "data": {"train": str(tables[task])},
                "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2},
                "stop": {"epochs": 3, "refit": False}, "evaluate": {"folds": 0, "resamples": 20},
                "strategies": [],
            }  # fmt: skip
            known[key] = train(recipe, folder=place / "-".join(("run", *key))).folder
        return known[key]

    return get


def texts(path: Path, task: str) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))[:20]
    return [(r["text_a"], r["text_b"]) for r in lines] if task == "pair" else [r["text"] for r in lines]


def test_the_table_is_walked() -> None:
    assert set(TASKS) >= {"classify", "multilabel", "regress", "pair"}


@pytest.mark.parametrize("task", TASKS)
def test_it_has_a_page_and_a_docstring(task: str) -> None:
    assert (DOCS / f"{task}.md").is_file()
    assert len(catalogue.load_entry("tasks", task).__doc__ or "") > 40


@pytest.mark.parametrize("task", TASKS)
def test_its_state_builds_an_equal_task(task: str, trained: Any) -> None:
    bundle = load_bundle(trained(task))
    again = type(bundle.task).load(bundle.task.state())  # type: ignore[attr-defined]
    assert again == bundle.task


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("task", TASKS)
def test_it_trains_saves_and_predicts(task: str, family: str, trained: Any, tables: dict[str, Path]) -> None:
    run = trained(task, family)
    bundle = load_bundle(run)
    said = bundle.predict(texts(tables[task], task))
    assert len(said) == 20
    for prediction in said:
        if task == "regress":
            assert -4 < float(prediction.label) < 5  # type: ignore[arg-type]
        else:
            assert list(prediction.scores) == list(bundle.labels)
            assert all(0 <= p <= 1 for p in prediction.scores.values())
        if task in ("classify", "pair"):
            assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_the_report_holds_the_figures_of_the_saved_bundle(task: str, trained: Any, tables: dict[str, Path]) -> None:
    from tunesmith.jobs.retest import retest
    from tunesmith.runs.store import Run

    report = Run.load(trained(task)).report()
    found = retest(trained(task))
    metric = found.task.metrics()[report["metric"]]
    again = float(metric(found.task.truth(found.examples), found.outputs))
    assert again == pytest.approx(report["test"][report["metric"]]["value"], abs=1e-6, nan_ok=True)
    for score in report["test"].values():
        assert score["low"] <= score["value"] <= score["high"]
        assert score["n"] == report["data"]["test"] > 0


def pipeline_says(folder: Path, inputs: list[Any], first: str = "") -> list[dict[str, float]]:
    """Ask `transformers.pipeline` in a process of its own."""
    code = f"""
import json, sys, warnings
warnings.simplefilter("ignore")
{first}
from transformers import pipeline
ask = pipeline("text-classification", {str(folder)!r}, top_k=None)
inputs = [{{"text": t[0], "text_pair": t[1]}} if isinstance(t, list) else t for t in json.load(sys.stdin)]
print("ANSWER" + json.dumps([{{s["label"]: s["score"] for s in row}} for row in (ask([i])[0] for i in inputs)]))
"""
    import json

    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(inputs), capture_output=True, text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False,
    )  # fmt: skip
    assert "ANSWER" in done.stdout, done.stderr
    return json.loads(done.stdout.rpartition("ANSWER")[2])  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("task", "head", "first"),
    [("classify", "own", ""), ("multilabel", "own", ""), ("regress", "own", ""), ("pair", "own", ""),
     ("classify", "pooled", "import tunesmith"), ("multilabel", "pooled", "import transformers, tunesmith"),
     ("regress", "pooled", "import tunesmith")],
)  # fmt: skip
def test_pipeline_gives_the_same_labels_and_probabilities(
    task: str, head: str, first: str, trained: Any, tables: dict[str, Path]
) -> None:
    run = trained(task, head=head)
    inputs = texts(tables[task], task)
    ours = load_bundle(run).predict(inputs)
    theirs = pipeline_says(run / "model", [list(i) if isinstance(i, tuple) else i for i in inputs], first)
    for mine, row in zip(ours, theirs, strict=True):
        if task == "regress":
            [value] = row.values()
            assert value == pytest.approx(mine.score, abs=1e-4)
        else:
            assert row == pytest.approx(dict(mine.scores), abs=1e-5)
            if task != "multilabel":
                assert max(row, key=lambda name: row[name]) == mine.label


def test_a_text_longer_than_the_window_is_read_to_its_end_where_windows_are_asked_for(
    tables: dict[str, Path], tmp_path: Path, tiny: Path
) -> None:
    recipe = {
        "task": "classify", "model": str(tiny), "data": {"train": str(tables["classify"])},
        "text": {"long": "window", "max_tokens": 8, "overlap": 2}, "stop": {"epochs": 1, "refit": False},
        "evaluate": {"folds": 0, "resamples": 20}, "strategies": [],
    }  # fmt: skip
    bundle = load_bundle(train(recipe, folder=tmp_path / "run").folder)
    start = "the film was so so so so so so so so so so so so so "
    ends = bundle.answers(bundle.examples([start + "good", start + "bad"]))
    assert not np.allclose(ends[0], ends[1], atol=1e-6), "the last word is seen"

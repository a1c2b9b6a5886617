"""Every kind of knowledge in every task that takes it: learnt from, kept, taken along, stopped, and done again."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.bundle.load import load_bundle
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.recipe import catalogue

RULES = {
    "classify": "rules:\n  - {label: good, words: [good, great]}\n  - {label: bad, words: [awful]}\n",
    "pair": "rules:\n  - {label: same, words: [good]}\n  - {label: different, words: [awful]}\n",
    "tag": "rules:\n  - {label: good, words: [good, great]}\n  - {label: bad, words: [awful]}\n",
}
"""Rules for each task that takes them."""
ROWS = ("classify", "multilabel", "pair", "regress")
"""Tasks that take rows whose labels nobody has checked, and a glossary."""
TERMS = "term,definition,aliases\nmoving picture,a tale told on a screen,film|movie\ntrip looked,a day out,\n"
SHARES = {"classify": {"good": 0.6, "bad": 0.3, "odd": 0.1}, "pair": {"same": 0.7, "different": 0.3}}
"""Shares of the labels for each task whose rows have one."""
TAKEN = {"rules": tuple(RULES), "weak": ROWS, "glossary": ROWS, "error": tuple(SHARES), "priors": tuple(SHARES)}
KINDS = [(kind, task) for kind, tasks in TAKEN.items() for task in tasks]
OTHERS = [(kind, task) for kind in TAKEN for task in sorted(catalogue.TASKS) if (kind, task) not in KINDS]


def known(kind: str, task: str, table: Path, folder: Path) -> dict[str, Any]:
    """The parts of a recipe that name the rows and what is known beside them; all files lie in `folder`."""
    here = Path(shutil.copy(table, folder))
    data: dict[str, Any] = {"train": str(here)}
    if kind == "rules":
        (folder / "rules.yaml").write_text(RULES.get(task, RULES["classify"]), encoding="utf-8")
        return {"data": data, "knowledge": {"rules": str(folder / "rules.yaml")}}
    if kind == "glossary":
        (folder / "terms.csv").write_text(TERMS, encoding="utf-8")
        how = {"aliases": True, "definitions": 14, "tokens": 3}
        return {"data": data, "knowledge": {"glossary": str(folder / "terms.csv"), **how}}
    if kind in ("error", "priors"):
        asked = {"error": 0.4} if kind == "error" else {"priors": SHARES.get(task, SHARES["classify"])}
        return {"data": data, "knowledge": asked}
    if here.suffix == ".csv":
        head, *rows = csv.reader(here.read_text(encoding="utf-8").splitlines())
        with (folder / "weak.csv").open("w", newline="", encoding="utf-8") as file:
            some = [[f"{cell} once more" if "text" in name else cell for name, cell in zip(head, row, strict=True)]
                    for row in rows[:20]]  # fmt: skip
            csv.writer(file).writerows([[*head, "weight"], *([*row, "0.5"] for row in some)])
        return {"data": {**data, "weak": str(folder / "weak.csv")}}
    return {"data": {**data, "weak": str(here)}}


Known = Callable[[str, str], tuple[dict[str, Any], Path]]


@pytest.fixture(scope="module")
def informed(tables: dict[str, Path], tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Train (kind, task) once; return the recipe and the run folder."""
    done: dict[tuple[str, str], tuple[dict[str, Any], Path]] = {}

    def get(kind: str, task: str) -> tuple[dict[str, Any], Path]:
        if (kind, task) not in done:
            folder = tmp_path_factory.mktemp(f"{kind}-{task}")
            recipe = {**recipe_of(task, tiny), **known(kind, task, tables[task], folder)}
            done[kind, task] = (recipe, train(recipe, folder=folder / "run").folder)
        return done[kind, task]

    return get


def recipe_of(task: str, tiny: Path) -> dict[str, Any]:
    return {
        "task": task, "model": str(tiny), "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2},
        "stop": {"epochs": 2, "patience": None}, "text": {"max_tokens": 64}, "strategies": [],
        "evaluate": {"folds": 0, "resamples": 20, "baselines": ["majority"], "forgetting": "off"}, "precision": "fp32",
        "checkpoint_seconds": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "task"), KINDS)
def test_it_is_told_in_the_report(kind: str, task: str, informed: Known) -> None:
    report = json.loads((informed(kind, task)[1] / "report.json").read_text(encoding="utf-8"))
    if kind == "rules":
        part = report["knowledge"]
        assert len(part["rules"]) == 2
        assert part["without"].keys() == report["test"].keys()
        assert "rules" in report["baselines"]
    elif kind == "weak":
        assert report["data"]["weak"] == 20
    elif kind == "glossary":
        part = report["knowledge"]["glossary"]
        assert part["terms"] == 2
        assert part["aliases"]["train"] > 0
        assert part["definitions"]["train"] > 0
        assert part["tokens"], "a term has become a token"
    elif kind == "error":
        assert report["selective"]["wish"]["verdict"]
    else:
        assert {row["label"]: row["prior"] for row in report["priors"]["shares"]} == pytest.approx(SHARES[task])


@pytest.mark.parametrize(("kind", "task"), KINDS)
def test_the_bundle_is_whole_without_the_files(kind: str, task: str, informed: Known, tmp_path: Path) -> None:
    _, run = informed(kind, task)
    asked = [("the film was good", "so awful"), ("the food was great", "a bad film")]
    texts: list[Any] = asked if task == "pair" else [text for pair in asked for text in pair]
    before = load_bundle(run).predict(texts)
    away = tmp_path / "elsewhere"
    shutil.copytree(run / "model", away)
    assert not list(away.rglob("*.yaml"))
    after = load_bundle(away).predict(texts)
    assert after == before
    if kind == "rules":
        assert any(one.evidence for one in after), "a rule that is heard says so"


@pytest.mark.parametrize(("kind", "task"), KINDS)
def test_a_stopped_training_goes_on_as_if_nothing_had_been(
    kind: str, task: str, informed: Known, tmp_path: Path
) -> None:
    recipe, run = informed(kind, task)

    def stop(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        train(recipe, folder=tmp_path / "part", progress=stop)
    part = train(recipe, folder=tmp_path / "part", resume=True)
    for name in ("model.safetensors", "knowledge.json", "reading.json", "tunesmith.json"):
        one, other = (folder / "model" / name for folder in (part.folder, run))
        assert one.exists() == other.exists()
        assert not one.exists() or one.read_bytes() == other.read_bytes(), name


@pytest.mark.parametrize(("kind", "task"), KINDS)
def test_it_is_done_again_to_the_last_bit(kind: str, task: str, informed: Known) -> None:
    assert reproduce(informed(kind, task)[1])["level"] == "weights"


@pytest.mark.parametrize(("kind", "task"), OTHERS)
def test_other_tasks_refuse_it(kind: str, task: str, tables: dict[str, Path], tiny: Path, tmp_path: Path) -> None:
    recipe = {**recipe_of(task, tiny), **known(kind, task, tables[task], tmp_path)}
    with pytest.raises(InputError) as caught:
        train(recipe, folder=tmp_path / "run")
    assert {fault.code for fault in caught.value.faults} & {"K134", "K210", "K808", "K819"}

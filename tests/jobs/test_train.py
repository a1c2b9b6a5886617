"""The main job, seen from outside: what a run holds, says and repeats."""

from __future__ import annotations

import csv
import json
import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from tunesmith.core.strategy import Setup, Strategy
from tunesmith.errors import InputError
from tunesmith.jobs.train import train
from tunesmith.recipe.catalogue import STRATEGIES

FIGURES = {"accuracy", "macro_f1", "weighted_f1", "mcc", "roc_auc", "log_loss"}


@pytest.fixture(scope="module")
def run(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    said: list[dict[str, Any]] = []
    train(quick, folder=folder, progress=said.append)
    kinds = {event["kind"] for event in said}
    assert kinds >= {"say", "stage", "step", "dev"}
    return folder


def test_the_folder_holds_what_the_design_says(run: Path) -> None:
    for name in ("recipe.yaml", "lock.json", "events.jsonl", "report.json", "report.html", "README.md"):
        assert (run / name).stat().st_size > 100, name
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tunesmith.json"):
        assert (run / "model" / name).is_file(), name
    assert not list(run.rglob("*.bin"))
    assert not list(run.rglob("*.pt"))


def test_the_report_has_every_figure_with_interval_and_count(run: Path) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert set(report["test"]) == FIGURES
    assert set(report["baselines"]) == {"majority", "tfidf", "frozen", "untrained"}
    assert set(report["comparison"]["against"]) == set(report["baselines"])
    for score in report["test"].values():
        assert score["low"] <= score["value"] <= score["high"]
        assert score["n"] == report["data"]["test"] == 18
    assert report["data"]["train"] + report["data"]["dev"] + report["data"]["test"] == 90
    for name in ("train_seconds", "tokens", "tokens_per_second", "peak_memory_bytes", "padding_share"):
        assert report["speed"][name] is not None, name


def test_folds_without_rows_to_choose_by_are_refused_before_a_training(quick: dict[str, Any], tmp_path: Path) -> None:
    rows = [("good", "ann"), ("good", "bob"), ("bad", "cid")] * 10
    path = tmp_path / "rows.csv"
    lines = [f"{number} {mood},{mood},{user}" for number, (mood, user) in enumerate(rows)]
    path.write_text("\n".join(["text,mood,user", *lines]))
    data = {"train": str(path), "text": "text", "label": "mood", "group": "user"}
    said: list[dict[str, Any]] = []
    with pytest.raises(InputError, match=r"K128 rows\.csv: rows that stay together are so many") as raised:
        train({**quick, "data": data, "evaluate": {"folds": 3}}, folder=tmp_path / "run", progress=said.append)
    assert "data.group" in str(raised.value)
    assert not any(event["kind"] == "step" for event in said)


def test_what_a_strategy_does_before_the_steps_counts_as_training(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Strategy):
        """Takes its time."""

        def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
            time.sleep(0.5)
            return model

    monkeypatch.setitem(sys.modules, "toy_slow", SimpleNamespace(Slow=Slow))  # type: ignore[arg-type]
    monkeypatch.setitem(STRATEGIES, "slow", "toy_slow:Slow")
    recipe = {**quick, "strategies": ["slow"], "stop": {"epochs": 1, "refit": False}}
    speed = train(recipe, folder=tmp_path / "slow").report()["speed"]
    assert speed["train_seconds"] - speed["tokens"] / speed["tokens_per_second"] >= 0.45


def test_the_recipe_in_the_run_leaves_nothing_open(run: Path) -> None:
    from tunesmith.recipe.parse import parse

    recipe = parse(run / "recipe.yaml")
    assert None not in recipe.optimizer.model_dump().values()
    left = {name for name, value in recipe.text if value is None}
    assert left == {"source_language", "target_language"}, "which a model that reads is not told"
    left = {name for name, value in recipe.stop if value is None}
    assert left == {"steps", "seconds", "patience"}
    assert recipe.task == "classify"
    assert recipe.class_weights is False


def test_the_lock_names_versions_threads_and_hashes(run: Path) -> None:
    lock = json.loads((run / "lock.json").read_text(encoding="utf-8"))
    assert lock["machine"]["threads"] >= 1
    assert len(lock["files"]["train"]["sha256"]) == 64
    assert any(name.startswith("model/") for name in lock["files"])
    assert lock["seed"] == 13


def test_the_events_tell_the_story(run: Path) -> None:
    kinds = [json.loads(line)["kind"] for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert kinds[0] == "opened"
    assert kinds[-1] == "finished"
    assert kinds.count("dev") >= 4


def test_the_same_recipe_gives_the_same_weights_and_reproduce_says_so(run: Path) -> None:
    from tunesmith.jobs.reproduce import reproduce

    assert reproduce(run)["level"] == "weights"


def test_reproduce_names_a_changed_data_file(quick: dict[str, Any], reviews: Path, tmp_path: Path) -> None:
    from tunesmith.jobs.reproduce import reproduce

    data = tmp_path / "copy.csv"
    data.write_bytes(reviews.read_bytes())
    folder = tmp_path / "run"
    train({**quick, "data": {"train": str(data)}, "stop": {"steps": 2, "refit": False}}, folder=folder)
    with data.open("a", encoding="utf-8") as file:
        file.write("one row more,good\n")
    found = reproduce(folder)
    assert found["level"] is None
    assert "copy.csv" in str(found["changed"])


def test_few_rows_are_cross_validated_and_every_row_is_tested(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "evaluate": {"resamples": 20}, "stop": {"epochs": 1, "refit": False}}
    report = train(recipe, folder=tmp_path / "run").report()
    assert report["protocol"]["name"] == "folds"
    assert "5-fold" in report["protocol"]["text"]
    assert report["test"]["accuracy"]["n"] == 90
    assert {s["n"] for b in report["baselines"].values() for s in b["scores"].values()} == {90}
    assert report["recipe"]["evaluate"]["folds"] == 5


def test_a_killed_cross_validation_does_no_fold_twice(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "evaluate": {"resamples": 20, "folds": 3}, "stop": {"epochs": 1, "refit": False}}

    class Killed(Exception):
        pass

    def kill(event: dict[str, Any]) -> None:
        if event["kind"] == "stage" and event["name"] == "fold-3":
            raise Killed

    with pytest.raises(Killed):
        train(recipe, folder=tmp_path / "run", progress=kill)
    stages: list[str] = []
    report = train(
        recipe, folder=tmp_path / "run", resume=True,
        progress=lambda event: stages.append(event["name"]) if event["kind"] == "stage" else None,
    ).report()  # fmt: skip
    assert stages == ["fold-3", "select"]
    assert report["test"]["accuracy"]["n"] == 90


def test_a_learning_curve_grows_and_is_put_into_words(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "evaluate": {"resamples": 20, "folds": 0, "curve": True}, "stop": {"epochs": 1, "refit": False}}
    report = train(recipe, folder=tmp_path / "run").report()
    rows = [point["rows"] for point in report["curve"]]
    assert len(rows) == 4
    assert rows == sorted(rows)
    assert rows[-1] == report["data"]["train"]
    assert f"{rows[-2]} to {rows[-1]} rows" in report["curve_text"]


@pytest.mark.parametrize(("limit", "points"), [(2, [1, 2]), (1, None)])
def test_a_learning_curve_of_hardly_any_rows(
    quick: dict[str, Any], tmp_path: Path, limit: int, points: list[int] | None
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,stars", *(f"film {number} good,{number}" for number in range(12))]))
    recipe = {
        **quick, "task": "regress", "stop": {"epochs": 1, "refit": False},
        "data": {"train": str(path), "limit": limit, "near_duplicates": "ignore"},
        "evaluate": {"resamples": 20, "folds": 0, "curve": True, "forgetting": "off", "baselines": ["majority"]},
    }  # fmt: skip
    report = train(recipe, folder=tmp_path / "run").report()
    assert ([point["rows"] for point in report["curve"]] if points else report.get("curve")) == points


def test_there_is_no_learning_curve_where_dev_cannot_give_the_figure(quick: dict[str, Any], tmp_path: Path) -> None:
    dev, said = tmp_path / "dev.csv", list[str]()
    dev.write_text("review,mood\nthe film was good,good\n")
    recipe = {
        **quick, "data": {**quick["data"], "dev": str(dev)}, "stop": {"epochs": 1, "metric": "roc_auc"},
        "evaluate": {"resamples": 20, "folds": 0, "curve": True, "forgetting": "off", "baselines": ["majority"]},
    }  # fmt: skip
    report = train(recipe, folder=tmp_path / "run", progress=lambda event: said.append(str(event.get("text")))).report()
    assert "curve" not in report
    assert any("There is no learning curve: 1 dev rows" in text for text in said)


def test_tfidf_winning_is_said_plainly(tiny: Path, tmp_path: Path) -> None:
    rng = random.Random(3)
    lines = []
    for _ in range(300):
        word, label = rng.choice([("zig", "a"), ("zag", "b")])
        noise = [rng.choice(["good", "bad", "odd", "film", "book", "bike", "day"]) for _ in range(9)]
        noise.insert(rng.randrange(9), word)
        lines.append((" ".join(noise), label))
    data = tmp_path / "words.csv"
    with data.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *lines])
    recipe = {
        "model": str(tiny), "data": {"train": str(data)}, "stop": {"steps": 1, "refit": False},
        "optimizer": {"learning_rate": 1e-6, "head_learning_rate": 1e-6}, "strategies": [],
        "evaluate": {"folds": 0, "resamples": 100},
    }  # fmt: skip
    report = train(recipe, folder=tmp_path / "run").report()
    assert report["comparison"]["against"]["tfidf"]["outcome"] == "baseline better"
    assert report["verdict"].startswith("TF-IDF with logistic regression wins")
    assert report["verdict"][:40] in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_rare_classes_weigh_more_by_the_stated_rule(tiny: Path, tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    from tunesmith.core.example import TextExample
    from tunesmith.jobs.workshop import weigh

    few = [row for row in rows if row[1] != "odd"] + [row for row in rows if row[1] == "odd"][:8]
    data = tmp_path / "uneven.csv"
    with data.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *few])
    recipe = {
        "model": str(tiny), "data": {"train": str(data)}, "stop": {"steps": 2, "refit": False}, "strategies": [],
        "evaluate": {"folds": 0, "resamples": 20},
    }  # fmt: skip
    assert train(recipe, folder=tmp_path / "run").report()["recipe"]["class_weights"] is True

    examples = [TextExample(id=str(i), source="", text="", target="ab"[i >= 40]) for i in range(50)]
    weights = {e.target: e.weight for e in weigh(examples)}
    assert weights["b"] / weights["a"] == pytest.approx(2.0)  # √(40 / 10)
    assert sum(e.weight for e in weigh(examples)) == pytest.approx(50)


def test_faults_of_recipe_and_model_come_before_any_folder(quick: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        train({**quick, "strategies": [{"layerwise_lr": {"decay": 3}}, {"frez": {}}]}, folder=tmp_path / "run")
    assert len(caught.value.faults) == 2
    assert 'Did you mean "freeze"?' in str(caught.value)
    with pytest.raises(InputError, match="K31"):
        train({**quick, "model": str(tmp_path / "nowhere")}, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_label_in_the_test_file_is_named_with_its_row(
    quick: dict[str, Any], reviews: Path, tmp_path: Path
) -> None:
    test = tmp_path / "test.csv"
    test.write_text("review,mood\nthe film was good,good\nthe film was bad,goood\n", encoding="utf-8")
    with pytest.raises(InputError, match=r'K107 test.csv row 2: label "goood"') as caught:
        train({**quick, "data": {"train": str(reviews), "test": str(test)}}, folder=tmp_path / "run")
    assert 'Did you mean "good"?' in str(caught.value)


def test_half_precision_trains_resumes_exactly_and_saves_full_precision(quick: dict[str, Any], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    recipe = {**quick, "precision": "bf16", "stop": {"epochs": 2, "refit": False}}

    class Killed(Exception):
        pass

    def kill(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 7:
            raise Killed

    whole = train(recipe, folder=tmp_path / "whole")
    assert whole.report()["model"]["precision"] == "bf16"
    with pytest.raises(Killed):
        train(recipe, folder=tmp_path / "killed", progress=kill)
    train(recipe, folder=tmp_path / "killed", resume=True)
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "killed"))
    for name, value in one.items():
        assert value.dtype == torch.float32
        assert torch.equal(value, other[name]), name


def test_accumulation_changes_the_memory_not_the_result(quick: dict[str, Any], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    # Without dropout, whose draws depend on the shape of a batch, only rounding is left of the difference.
    recipe = {**quick, "stop": {"steps": 3, "refit": False}, "optimizer": {"epsilon": 1e-3}}
    saved = []
    for parts in (1, 3):
        folder = tmp_path / str(parts)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tunesmith.engine.dropout.dropout", lambda value, *_, **__: value)
            train({**recipe, "batching": {"size": 16, "accumulate": parts}}, folder=folder)
        saved.append(load_file(folder / "model" / "model.safetensors"))
    for name, value in saved[0].items():
        assert torch.allclose(value, saved[1][name], atol=1e-5), name

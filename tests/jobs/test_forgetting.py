"""General skill before and after every training, the balance that chooses by it, and overfitting that is watched."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.data.general import SHIPPED
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.train import train
from tunesmith.models.tiny import SMALL, save_tiny, tiny_tokenizer


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """A tiny BERT with the head that it was pretrained with, and tokens for general text."""
    from transformers import AutoModelForMaskedLM, BertConfig

    folder = tmp_path_factory.mktemp("models") / "whole"
    tokenizer = tiny_tokenizer([*SHIPPED.read_text(encoding="utf-8").splitlines(), *(text for text, _ in rows)])
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), **SMALL)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def recipe(quick: dict[str, Any], whole: Path, **more: Any) -> dict[str, Any]:
    base = {**quick, "model": str(whole), "strategies": [], "stop": {"epochs": 4, "patience": None, "refit": False},
            "evaluate": {"folds": 0, "resamples": 50, "baselines": ["majority"]}}  # fmt: skip
    return {**base, **{key: {**base.get(key, {}), **value} for key, value in more.items()}}


@pytest.fixture(scope="module")
def moved(quick: dict[str, Any], whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose body moved far."""
    folder = tmp_path_factory.mktemp("runs") / "moved"
    train(recipe(quick, whole), folder=folder)
    return folder


@pytest.fixture(scope="module")
def balanced(quick: dict[str, Any], whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, which weighs what is forgotten."""
    folder = tmp_path_factory.mktemp("runs") / "balanced"
    train(recipe(quick, whole, stop={"balance": 1.0}), folder=folder)
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    from tunesmith.runs.store import Run

    return Run.load(folder).report()


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_a_body_that_hardly_moved_forgot_nothing(quick: dict[str, Any], whole: Path, tmp_path: Path) -> None:
    asked = recipe(quick, whole, optimizer={"learning_rate": 1e-9}, stop={"epochs": 1})
    found = train(asked, folder=tmp_path / "run").report()["forgetting"]
    assert found["agreement"]["value"] == pytest.approx(1.0, abs=1e-4)
    assert [item["layer"] for item in found["layers"]] == list(range(SMALL["num_hidden_layers"] + 1))
    assert all(item["cka"] == pytest.approx(1.0, abs=1e-5) for item in found["layers"])
    assert found["language"]["difference"]["value"] == pytest.approx(0.0, abs=1e-3)
    assert found["probe"]["topics"] == 10
    assert found["probe"]["before"]["n"] == found["texts"] == 160


def test_a_body_that_moved_is_told_apart_from_the_one_before(moved: Path) -> None:
    report = report_of(moved)
    found = report["forgetting"]
    assert found["agreement"]["value"] < 0.99
    assert found["layers"][-1]["cka"] < 0.999
    assert found["language"]["before"] != found["language"]["after"]
    assert "agrees with the model before" in found["verdict"]
    assert "general" in report["lock"]["files"]
    page = (moved / "report.html").read_text(encoding="utf-8")
    assert "What was forgotten" in page
    assert "linear CKA" in page
    assert "agreement on general texts" in page


def test_the_balance_chooses_what_it_says(moved: Path, balanced: Path) -> None:
    report = report_of(balanced)
    moments = [moment for moment in report["history"] if "general" in moment]
    assert len(moments) == 5
    assert moments[0]["general"] == pytest.approx(1.0)
    worth = [(moment["dev_score"] - (1 - moment["general"]), -moment["dev_loss"]) for moment in moments]
    assert report["kept_step"] == moments[worth.index(max(worth))]["step"]
    alone = report_of(moved)
    scores = [(moment["dev_score"], -moment["dev_loss"]) for moment in alone["history"]]
    assert alone["kept_step"] == alone["history"][scores.index(max(scores))]["step"]
    assert [moment["general"] for moment in alone["history"]] == [moment["general"] for moment in moments]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_a_stopped_run_chooses_the_same(balanced: Path, quick: dict[str, Any], whole: Path, tmp_path: Path) -> None:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 7:
            os.kill(os.getpid(), signal.SIGINT)

    asked = recipe(quick, whole, stop={"balance": 1.0})
    with pytest.raises(Interrupted):
        train(asked, folder=tmp_path / "run", progress=listen)
    again = train(asked, folder=tmp_path / "run", resume=True)
    assert weights(again.folder) == weights(balanced)
    report = report_of(balanced)
    assert [m.get("general") for m in again.report()["history"]] == [m.get("general") for m in report["history"]]
    assert again.report()["forgetting"] == report["forgetting"]


def test_it_can_be_left_out_but_not_while_it_counts(quick: dict[str, Any], whole: Path, tmp_path: Path) -> None:
    asked = recipe(quick, whole, evaluate={"forgetting": "off"}, stop={"epochs": 1})
    report = train(asked, folder=tmp_path / "run").report()
    assert "forgetting" not in report
    assert not any("general" in moment for moment in report["history"])
    with pytest.raises(InputError, match=r"K210.*stop\.balance"):
        train(recipe(quick, whole, evaluate={"forgetting": "off"}, stop={"balance": 0.5}), folder=tmp_path / "other")


def test_rows_learnt_by_heart_are_told_while_training_and_in_the_report(tmp_path: Path) -> None:
    draw = random.Random(3)
    letters = "bcdfgklmnprstv"
    names = list(dict.fromkeys("".join(draw.choices(letters, k=2)) + draw.choice("aeiou") for _ in range(200)))[:72]
    texts = [(f"{name} {name}", draw.choice(["up", "down"])) for name in names]  # nothing to learn but by heart
    for file, part in (("train.csv", texts[:48]), ("dev.csv", texts[48:])):
        (tmp_path / file).write_text("text,label\n" + "\n".join(map(",".join, part)), encoding="utf-8")
    said: list[dict[str, Any]] = []
    asked = {
        "model": str(save_tiny(tmp_path / "tiny", [text for text, _ in texts])), "strategies": [],
        "data": {"train": str(tmp_path / "train.csv"), "dev": str(tmp_path / "dev.csv")}, "batching": {"size": 8},
        "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2},
        "stop": {"epochs": 16, "patience": None, "evaluations_per_epoch": 0.5},
        "evaluate": {"folds": 0, "resamples": 50, "baselines": ["majority"], "forgetting": "off"},
    }  # fmt: skip
    report = train(asked, folder=tmp_path / "run", progress=said.append).report()
    told = [event for event in said if event["kind"] == "finding" and event["code"] == "K519"]
    assert len(told) == 1
    assert "l2sp" in told[0]["remedy"]
    found = report["overfitting"]
    assert [finding["code"] for finding in found["findings"]][:1] == ["K519"]
    [rows] = [finding for finding in found["findings"] if finding["code"] == "K521"]
    assert 0 < len(found["by_heart"]) < 48
    assert found["by_heart"][0].startswith("train.csv row ")
    assert found["by_heart"][0] in rows["message"]
    dev = {moment["step"]: moment["dev_loss"] for moment in report["history"]}
    assert found["turn"]["step"] == min(dev, key=lambda step: dev[step])
    assert "dev loss turns" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")

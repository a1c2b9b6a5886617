"""Adapting to running text: exact to resume, told honestly, and a start for every other recipe."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from tunesmith.cli.main import app
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.train import train
from tunesmith.models.load import load_model, trained_pooling
from tunesmith.models.tiny import LIMIT, SMALL, save_tiny, tiny_tokenizer
from tunesmith.models.tinywriters import save_tiny_writer

WORDS = ["the", "film", "book", "bike", "was", "seems", "felt", "good", "bad", "odd", "and", "or", "so", "very", "much"]


def lines(seed: int, count: int, words: list[str] = WORDS) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=draw.randint(4, 16))) for _ in range(count)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus whose words come in a fixed order, which can be learnt; other text in another order; and models."""
    folder = tmp_path_factory.mktemp("adapt")
    ordered = [" ".join(WORDS[(at + k) % len(WORDS)] for k in range(4 + at % 9)) for at in range(160)]
    (folder / "c.txt").write_text("\n".join(f"{text} {at % 7}" for at, text in enumerate(ordered)), encoding="utf-8")
    (folder / "g.txt").write_text("\n".join(lines(2, 40)), encoding="utf-8")
    save_tiny(folder / "body", lines(1, 50))
    save_filler(folder / "whole")
    save_tiny_writer(folder / "decoder", lines(1, 50), family="gpt2")
    return folder


def save_filler(folder: Path) -> None:
    """Write a tiny BERT with its masked-LM head."""
    from transformers import AutoModelForMaskedLM, BertConfig

    tokenizer = tiny_tokenizer(lines(1, 50))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), **SMALL)
    assert config.max_position_embeddings == LIMIT
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def recipe(place: Path, model: str = "whole", **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "task": "masked", "model": str(place / model), "data": {"train": str(place / "c.txt")},
        "text": {"max_tokens": 16}, "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 5e-3},
        "stop": {"epochs": 3, "patience": None}, "evaluate": {"resamples": 50}, "checkpoint_seconds": 0,
    }  # fmt: skip
    return {**base, **more}


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def stopped_at(stage: str, step: int) -> Any:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["stage"] == stage and event["step"] == step:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize(
    ("model", "stage"), [("whole", "select"), ("body", "head"), ("body", "select"), ("decoder", "select")]
)
def test_a_stopped_run_goes_on_bit_for_bit(place: Path, tmp_path: Path, model: str, stage: str) -> None:
    asked = recipe(place, model, masking={"unit": "span"}, stop={"epochs": 1, "patience": None})
    first = train(asked, folder=tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(asked, folder=tmp_path / "parts", progress=stopped_at(stage, 5))
    second = train(asked, folder=tmp_path / "parts", resume=True)
    assert weights(second.folder) == weights(first.folder)
    assert second.report()["test"] == first.report()["test"]
    assert not (second.folder / "tokens").exists()
    assert not (second.folder / "start").exists()


def test_what_was_gained_and_what_was_forgotten_is_told(place: Path, tmp_path: Path) -> None:
    asked = recipe(place, data={"train": str(place / "c.txt"), "general": str(place / "g.txt")}, stop={"epochs": 8})
    report = train(asked, folder=tmp_path / "run").report()
    before = report["baselines"]["untuned"]["scores"]["perplexity"]
    assert report["metric"] == "perplexity"
    assert report["test"]["perplexity"]["value"] < 0.7 * before["value"]
    assert report["comparison"]["against"]["untuned"]["outcome"] == "tuned better"
    forgetting = report["forgetting"]
    general = forgetting["language"]
    gap = general["after"]["value"] - general["before"]["value"]
    assert general["difference"]["value"] == pytest.approx(gap)
    assert forgetting["verdict"].startswith(("Something was forgotten", "Nothing was forgotten", "On g.txt"))
    notes = " ".join(report["notes"])
    assert "pseudo-perplexity" in notes
    assert "without the head" not in notes
    assert "not measured" not in notes
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What was forgotten" in page
    assert "Blocks of text" in page


def test_a_body_without_its_head_gets_one_first_and_it_is_said(place: Path, tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    report = train(recipe(place, "body"), folder=tmp_path / "run", progress=said.append).report()
    stages = list(dict.fromkeys(event["stage"] for event in said if event["kind"] == "step"))
    assert stages == ["head", "select"]
    assert report["baselines"]["untuned"]["title"] == "pretrained body with a head trained for it"
    assert any("without the head" in note for note in report["notes"])
    assert report["forgetting"]["text"] == "the general text of the package"
    tied = load_model(tmp_path / "run" / "model", _head(), seed=0)
    assert not tied.has_new_head
    model: Any = tied.model
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def _head() -> Any:
    from tunesmith.tasks.masked import Masked

    return Masked().head()


def test_the_body_stands_still_while_its_head_is_trained(place: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(recipe(place, "body"), folder=tmp_path / "run", progress=stopped_at("select", 1))
    before, after = (load_model(f, _head(), seed=0).model for f in (place / "body", tmp_path / "run" / "start"))
    moved = {name for name, value in after.named_parameters() if not torch.equal(value, before.get_parameter(name))}
    assert moved
    assert all(name.startswith("cls.") for name in moved)


def test_another_recipe_starts_from_what_comes_out(place: Path, tmp_path: Path, quick: dict[str, Any]) -> None:
    body = tmp_path / "pooled"
    save_tiny(body, lines(1, 50))
    (body / "1_Pooling").mkdir()
    (body / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])
    )
    (body / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    run = train({**recipe(place), "model": str(body)}, folder=tmp_path / "run")
    adapted = run.folder / "model"
    assert trained_pooling(adapted) == "cls"
    report = train({**quick, "model": str(adapted)}, folder=tmp_path / "classify").report()
    assert report["model"]["head"] == "pooled (cls)"
    assert report["recipe"]["text"]["max_tokens"] > 0
    from safetensors.torch import load_file

    before, after = (load_file(folder / "model.safetensors") for folder in (body, adapted))
    assert torch.equal(before["pooler.dense.weight"], after["bert.pooler.dense.weight"])
    assert not torch.equal(before["embeddings.word_embeddings.weight"], after["bert.embeddings.word_embeddings.weight"])


def test_an_adapter_of_a_decoder_is_merged(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    run = train(recipe(place, "decoder", strategies=[{"lora": {}}]), folder=tmp_path / "run")
    assert (run.folder / "model" / "model.safetensors").is_file()
    assert not (run.folder / "model" / "adapter_config.json").exists()
    assert run.report()["model"]["trained_parameters"] < run.report()["model"]["parameters"]


def test_an_adapter_of_an_encoder_learns_too(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    report = train(recipe(place, strategies=[{"lora": {}}]), folder=tmp_path / "run").report()
    assert report["comparison"]["against"]["untuned"]["outcome"] == "tuned better"


def test_what_makes_no_sense_for_running_text_is_refused(place: Path, tmp_path: Path) -> None:
    asked = recipe(place, evaluate={"folds": 3}, head="pooled")
    with pytest.raises(InputError) as caught:
        train(asked, folder=tmp_path / "run")
    assert {fault.code for fault in caught.value.faults} == {"K210"}
    assert len(caught.value.faults) == 2


def test_the_verb_ends_with_the_line_to_type_next(place: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    sets = ["text.max_tokens=16", "stop.epochs=1", "evaluate.resamples=50"]
    typed = ["adapt", str(place / "whole"), str(place / "c.txt"), "--general", str(place / "g.txt"), "--out", folder]
    done = CliRunner().invoke(app, [*typed, *(part for one in sets for part in ("--set", one))])
    assert done.exit_code == 0, done.output
    assert f"tunesmith train data.csv --model {folder}/model" in done.output
    assert "forgotten" in done.output
    asked = CliRunner().invoke(app, ["predict", folder, "the film was"])
    assert asked.exit_code == 2
    assert "K609" in asked.output
    measured = CliRunner().invoke(app, ["evaluate", folder, "--data", str(place / "g.txt"), "--json"])
    assert measured.exit_code == 0, measured.output
    assert json.loads(measured.stdout)["perplexity"]["value"] > 1
    checked = CliRunner().invoke(app, ["check", str(Path(folder) / "recipe.yaml"), "--json"])
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout)["rows_read"] == 160

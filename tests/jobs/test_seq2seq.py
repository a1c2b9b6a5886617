"""Texts from texts, from the recipe to the bundle: languages, instructions, adapters, models made of two encoders."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from tunesmith.bundle.load import load_bundle
from tunesmith.core.task import HeadSpec
from tunesmith.engine.write import writer_of
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.check import check
from tunesmith.jobs.evaluate import evaluate
from tunesmith.jobs.predict import predict
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.start import start_folder
from tunesmith.jobs.train import train
from tunesmith.models.adapter import is_adapter, merge
from tunesmith.models.tiny import save_tiny
from tunesmith.models.tinywriters import save_tiny_writer
from tunesmith.models.write import decoder_start, load_writer
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Generate
from tunesmith.runs.files import sha256_of
from tunesmith.runs.store import Run
from tunesmith.text.windows import Encoder

SEQ2SEQ = HeadSpec("seq2seq", ())


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """Texts, and their class twice."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        mixed = [rows[(at * 37) % len(rows)] for at in range(len(rows))]
        csv.writer(file).writerows([["en", "fr"], *([text, f"{label} {label}"] for text, label in mixed)])
    return path


def recipe_of(model: Any, pairs: Path, **parts: Any) -> dict[str, Any]:
    data = {"train": str(pairs), "source": "en", "target": "fr", **parts.pop("data", {})}
    return {
        "task": "seq2seq", "model": str(model), "data": data, "optimizer": {"learning_rate": 5e-3},
        "stop": {"epochs": 2, "patience": None}, "evaluate": {"resamples": 20, "baselines": ["copy"]}, **parts,
    }  # fmt: skip


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> tuple[Path, Path]:
    """Two encoders with one vocabulary."""
    place = tmp_path_factory.mktemp("bodies")
    texts = [text for text, _ in rows]
    return save_tiny(place / "reads", texts, seed=1), save_tiny(place / "writes", texts, seed=2)


def test_two_encoders_become_a_model_that_goes_on_exactly_and_can_be_reproduced(
    bodies: tuple[Path, Path], pairs: Path, tmp_path: Path
) -> None:
    asked = recipe_of("+".join(map(str, bodies)), pairs, checkpoint_seconds=0)
    del asked["evaluate"]["baselines"]
    run = train(asked, folder=tmp_path / "whole")
    report = run.report()
    assert run.recipe.strategies == ()
    assert report["model"]["trained_parameters"] == report["model"]["parameters"]
    assert set(report["baselines"]) == {"copy", "lead"}, "what was never trained is no base model"
    files = run.lock["files"]
    assert files["model/model.safetensors"]["sha256"] == sha256_of(bodies[0] / "model.safetensors")
    assert files["decoder/model.safetensors"]["sha256"] == sha256_of(bodies[1] / "model.safetensors")
    assert not (run.folder / "start").exists(), "the bundle has all of it"

    half = tmp_path / "half"
    with pytest.raises(Interrupted):
        train(asked, folder=half, progress=interrupt_at(5))
    assert (half / "start" / "config.json").is_file()
    said: list[dict[str, Any]] = []
    train(asked, folder=half, resume=True, progress=said.append)
    assert next(event for event in said if event["kind"] == "stage")["resumed_at"] == 5
    assert not any("is made of" in event.get("text", "") for event in said), "it is found again"
    assert sha256_of(half / "model" / "model.safetensors") == sha256_of(run.folder / "model" / "model.safetensors")
    assert Run.load(half).report()["test"] == report["test"]
    assert reproduce(half)["level"] == "weights"


def interrupt_at(step: int) -> Any:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == step:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


def test_which_models_are_made_and_which_are_taken(
    bodies: tuple[Path, Path], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    said: list[str] = []

    def start(*folders: Path, head: HeadSpec = SEQ2SEQ, seed: int = 3) -> Path:
        return start_folder(folders, head, tmp_path, seed=seed, say=said.append)

    t5 = save_tiny_writer(tmp_path / "t5", [text for text, _ in rows], family="t5")
    assert start(t5) == t5
    classes = HeadSpec("single_label_classification", ("a", "b"))
    assert start(bodies[0], head=classes) == bodies[0]
    assert not said
    with pytest.raises(InputError, match=r"K307(.|\n)*task seq2seq"):
        start(*bodies, head=classes)
    made = start(bodies[0])
    assert made == tmp_path / "start"
    before = sha256_of(made / "model.safetensors")
    assert start(bodies[0], seed=4) == made
    assert sha256_of(made / "model.safetensors") == before, "what is there is taken"
    assert len(said) == 1
    model, tokenizer = load_writer(made, "seq2seq")
    assert decoder_start(made, tokenizer) == tokenizer.cls_token_id == model.generation_config.decoder_start_token_id


def test_languages_instruction_and_adapter_travel_with_the_bundle(
    pairs: Path, rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    pytest.importorskip("peft", reason="needs the write extra")
    model = save_tiny_writer(tmp_path / "nllb", [f"{text} {label}" for text, label in rows], family="nllb")
    asked = recipe_of(
        model, pairs, data={"instruction": "the film:"}, text={"target_language": "deu_Latn"},
        evaluate={"resamples": 20, "test_rows": 10}, generate={"max_tokens": 8},
    )  # fmt: skip
    run = train(asked, folder=tmp_path / "run")
    assert run.recipe.strategies == ({"lora": {}},)
    assert run.recipe.text.languages == ("eng_Latn", "deu_Latn"), "what the tokenizer says is written down"
    assert set(run.report()["baselines"]) == {"copy", "lead", "untuned"}
    assert run.report()["data"]["test"] == 10

    folder = run.folder / "model"
    assert is_adapter(folder)
    assert json.loads((folder / "tunesmith.json").read_text(encoding="utf-8"))["text"]["target_language"] == "deu_Latn"
    bundle = load_bundle(run.folder)
    texts = [text for text, _ in rows[::9]]
    said = [found.label for found in bundle.predict(texts)]
    assert len(set(map(str, said))) > 1

    plain = merge(bundle.model)
    plain.save_pretrained(tmp_path / "plain")  # type: ignore[operator]
    bundle.encoder.tokenizer.save_pretrained(tmp_path / "plain")
    theirs, tokenizer = alone(tmp_path / "plain")
    assert [theirs(f"the film: {text}") for text in texts] == said
    german = tokenizer.convert_tokens_to_ids("deu_Latn")
    assert tokenizer(text_target="good")["input_ids"][0] == german

    figures = evaluate(run.folder, str(pairs))
    assert figures["perplexity"]["n"] == len(rows)
    done = predict(run.folder, data=str(pairs), out=tmp_path / "out.csv")
    assert done["columns"] == ["written"]
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    again = load_bundle(run.folder).predict([row["en"] for row in written])
    assert [row["written"] for row in written] == [found.label for found in again]


def alone(folder: Path) -> tuple[Any, Any]:
    """Return what `transformers` writes with the folder and nothing else, and the tokenizer."""
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def write(text: str) -> str:
        found = model.generate(**tokenizer(text, return_tensors="pt"))
        return str(tokenizer.decode(found[0], skip_special_tokens=True)).strip()

    return write, tokenizer


def test_languages_that_are_unknown_or_missing_are_refused(
    pairs: Path, rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    texts = [text for text, _ in rows]
    nllb, t5 = (save_tiny_writer(tmp_path / family, texts, family=family) for family in ("nllb", "t5"))
    wrong = {"source_language": "eng_Lat", "target_language": "fr"}
    with pytest.raises(InputError) as caught:
        train(recipe_of(nllb, pairs, text=wrong), folder=tmp_path / "run")
    assert [fault.code for fault in caught.value.faults] == ["K309", "K309"]
    assert 'Did you mean "eng_Latn"?' in str(caught.value)
    assert "Known: fra_Latn, deu_Latn" in str(caught.value), "those that begin alike stand first"
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="K309"):
        train(recipe_of(t5, pairs, text={"source_language": "en"}), folder=tmp_path / "run")
    settings = json.loads((nllb / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["tgt_lang"] = None
    (nllb / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(InputError, match=r"K325 text.target_language(.|\n)*eng_Latn(.|\n)*fra_Latn"):
        train(recipe_of(nllb, pairs), folder=tmp_path / "run")


def test_settings_that_contradict_each_other() -> None:
    def codes(**asked: Any) -> list[str]:
        with pytest.raises(InputError) as caught:
            resolve(parse(asked))
        return [fault.code for fault in caught.value.faults]

    for asked in (
        {"task": "chat", "data": {"train": "x.csv", "source": "a"}},
        {"task": "classify", "data": {"train": "x.csv", "instruction": "Say:"}},
        {"task": "classify", "data": {"train": "x.csv"}, "text": {"target_language": "fr_XX"}},
        {"task": "seq2seq", "data": {"train": "x.csv"}, "text": {"long": "window"}},
        {"task": "seq2seq", "data": {"train": "x.csv"}, "stop": {"metric": "chrf"}},
        {"task": "seq2seq", "data": {"train": "x.csv"}, "evaluate": {"baselines": ["nearest"]}},
    ):
        assert codes(**asked) == ["K210"], asked
    resolve(parse({"task": "seq2seq", "data": {"train": "x.csv", "source": "a", "instruction": "summarize:"}}))


def test_a_check_reads_the_columns_and_the_tokens_of_the_first_model(bodies: tuple[Path, Path], pairs: Path) -> None:
    found = check(parse(recipe_of("+".join(map(str, bodies)), pairs, task="auto")))
    assert found.task == "seq2seq"
    assert found.columns == {"source": "en", "target": "fr"}
    assert found.lengths["unit"] == "tokens"


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_how_texts_are_written(family: str, rows: list[tuple[str, str]], tmp_path: Path) -> None:
    """As `generate` writes them one by one: beams, draws, and no more than the decoder has positions for."""
    texts = [text for text, _ in rows[::30]]
    model, tokenizer = load_writer(save_tiny_writer(tmp_path / family, texts, family=family), "seq2seq")
    encoder = Encoder(tokenizer, 64, layout="source", start=model.generation_config.decoder_start_token_id)
    prompts = [encoder.tokenizer(text)["input_ids"] for text in texts]

    def written(size: int = 8, seed: int = 0, **how: Any) -> list[str]:
        return writer_of(model, encoder, SEQ2SEQ, Generate(**how))(prompts, size=size, seed=seed)

    beams = written(max_tokens=6, beams=3)
    assert beams == written(size=1, max_tokens=6, beams=3)
    with torch.inference_mode():
        theirs = [
            model.generate(torch.tensor([ids]), num_beams=3, max_new_tokens=6, do_sample=False) for ids in prompts
        ]
    assert beams == [tokenizer.decode(ids[0], skip_special_tokens=True).strip() for ids in theirs]
    draws = [written(max_tokens=6, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    long = writer_of(model, encoder, SEQ2SEQ, Generate(max_tokens=500))
    assert long.most == (128 if family == "bart" else 500)
    if family == "bart":
        assert all(isinstance(text, str) for text in long(prompts[:1], size=1))

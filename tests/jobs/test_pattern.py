"""A run with `head: pattern`, from the recipe to the bundle."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tunesmith.bundle.load import load_bundle
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.merge import merge
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.models.load import load_model
from tunesmith.recipe.schema import Pattern
from tunesmith.runs.store import Run

PATTERN = {"text": "{text} so {mask}", "words": {"good": "lovely", "bad": "awful", "odd": "curious"}}


@pytest.fixture(scope="session")
def asked(quick: dict[str, Any], with_head: Path) -> dict[str, Any]:
    return {
        **quick,
        "model": str(with_head),
        "head": "pattern",
        "pattern": PATTERN,
        "optimizer": {"learning_rate": 1e-2},
        "stop": {"epochs": 12, "patience": None},
    }


@pytest.fixture(scope="session")
def run(asked: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(train(asked, folder=tmp_path_factory.mktemp("runs") / "pattern").folder)


def test_it_learns_and_is_compared_with_what_the_pattern_says_untuned(run: Path, with_head: Path) -> None:
    report = Run.load(run).report()
    before = report["baselines"]["untrained"]
    assert before["title"] == "pretrained model, asked with the pattern"
    assert report["test"]["macro_f1"]["value"] > 0.8 > before["scores"]["macro_f1"]["value"]
    assert report["model"]["head"] == "pattern"
    assert report["model"]["pattern"] == "{text} so [MASK]"
    assert report["model"]["words"] == PATTERN["words"]


def test_the_bundle_puts_texts_into_the_pattern(run: Path) -> None:
    bundle = load_bundle(run)
    texts = ["the film was lovely", "a book so nasty", "this bike is queer " + "so " * 200, "[MASK] [SEP] awful"]
    [first, second, long, odd] = bundle.answers(bundle.examples(texts))
    assert [found.label for found in bundle.predict(texts[:2])] == ["good", "bad"]
    assert np.isfinite(long).all()
    assert np.isfinite(odd).all()
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    model = AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    for text, mine in ((texts[0], first), (texts[1], second)):
        with torch.inference_mode():
            theirs = model(**tokenizer(f"{text} so [MASK]", return_tensors="pt")).logits.softmax(-1)[0]
            without = model(**tokenizer(text, return_tensors="pt")).logits
        assert np.allclose(mine, theirs.numpy(), atol=1e-5)
        assert without.isnan().all()


def test_the_card_shows_how_to_write_the_pattern(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "Words at the start: bad: awful, good: lovely, odd: curious" in card
    [code] = [block for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if "pipeline" in block]
    monkeypatch.chdir(run)
    found: dict[str, Any] = {}
    exec(code.replace("predict(pattern", "found = predict(pattern").replace("a text", "a book so nasty"), found)
    [said] = found["found"]
    [mine] = load_bundle(run).predict(["a book so nasty"])
    assert said["label"] == mine.label
    assert said["score"] == pytest.approx(mine.score, abs=1e-5)


def test_stopped_and_gone_on_with_ends_in_the_same_weights(asked: dict[str, Any], run: Path, tmp_path: Path) -> None:
    def stop(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 9:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(asked, folder=tmp_path / "run", progress=stop)
    train(asked, folder=tmp_path / "run", resume=True)
    parts, whole = (folder / "model" / "model.safetensors" for folder in (tmp_path / "run", run))
    assert parts.read_bytes() == whole.read_bytes()


def test_it_is_reproduced_bit_for_bit(run: Path) -> None:
    assert reproduce(run)["level"] == "weights"


def test_words_are_the_labels_where_none_are_named(asked: dict[str, Any], with_head: Path, tmp_path: Path) -> None:
    recipe = {**asked, "pattern": {}, "stop": {"epochs": 1, "refit": False}, "strategies": None}
    report = train(recipe, folder=tmp_path / "run").report()
    assert report["recipe"]["pattern"] == {
        "text": "{text} It was {mask}.", "words": {"bad": "bad", "good": "good", "odd": "odd"},
    }  # fmt: skip
    assert {"probe_start": {}} not in report["recipe"]["strategies"]
    assert report["recipe"]["text"]["max_tokens"] == 16, "the pattern has its room beside the longest text"
    bundle = load_bundle(tmp_path / "run")
    [features] = bundle.encoder.encode(bundle.examples(["our trip looked superb"]))
    assert bundle.encoder.tokenizer.decode(features.inputs["input_ids"]) == (
        "[CLS] our trip looked superb it was [MASK]. [SEP]"
    )


@pytest.mark.parametrize("strategy", [{"lora": {"merge": False}}, {"adapters": {}}, {"prompt": {"size": 4}}])
def test_an_adapter_brings_its_head_and_pattern(
    strategy: dict[str, Any], asked: dict[str, Any], tmp_path: Path
) -> None:
    recipe = {
        **asked, "strategies": [strategy], "stop": {"epochs": 4, "patience": None, "refit": False},
        "evaluate": {"folds": 0, "resamples": 20, "forgetting": "off", "baselines": ["majority"]},
    }  # fmt: skip
    train(recipe, folder=tmp_path / "run")
    contents = json.loads((tmp_path / "run" / "model" / "tunesmith.json").read_text(encoding="utf-8"))
    assert contents["base"]
    bundle = load_bundle(tmp_path / "run")
    assert bundle.encoder.pattern == PATTERN["text"]
    texts = ["the film was lovely", "a book so nasty"]
    answers = bundle.answers(bundle.examples(texts))
    assert not np.allclose(answers, answers[0])
    start = Pattern.model_validate(PATTERN)
    before = load_model(Path(recipe["model"]), bundle.task.head(), kind="pattern", seed=1, pattern=start).model
    plain = bundle
    if "lora" in strategy:
        plain = load_bundle(merge(tmp_path / "run", tmp_path / "plain"))
        assert np.allclose(plain.answers(plain.examples(texts)), answers, atol=1e-5)
    for name in ("transform.dense.weight", "classifier.weight"):
        assert not torch.allclose(plain.model.get_parameter(name), before.get_parameter(name)), (
            "what was learnt is back"
        )


def test_two_texts_are_asked_for_one_word(asked: dict[str, Any], tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    words = ["good", "bad", "odd", "fine", "dire", "weird"]
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text_a", "text_b", "label"])
        writer.writerows([a, b, "same" if a == b else "other"] for a in words for b in words for _ in range(2))
    recipe = {
        **asked, "data": {"train": str(table), "text_a": "text_a", "text_b": "text_b"}, "task": "pair",
        "stop": {"epochs": 1, "refit": False}, "pattern": {"words": {"same": "good", "other": "bad"}},
    }  # fmt: skip
    report = train(recipe, folder=tmp_path / "run").report()
    assert report["task"] == "pair"
    assert report["model"]["pattern"] == "{text_a} ? [MASK], {text_b}"
    bundle = load_bundle(tmp_path / "run")
    [features] = bundle.encoder.encode(bundle.examples([("good", "bad")]))
    assert bundle.encoder.tokenizer.decode(features.inputs["input_ids"]) == "[CLS] good? [MASK], bad [SEP]"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pattern": {"words": {"good": "fine", "bad": "poor"}}}, r'K215 .*there is no word for "odd"'),
        ({"pattern": {"words": {"good": "fine", "bad": "fine", "odd": "odd"}}}, r'K524 .*"bad" and "good"'),
        ({"pattern": {"text": "{text} [MASK] {mask}"}}, r"K214 .*\[MASK\] stands in it beside"),
        (
            {"pattern": {"text": "{text} " + "so " * 12 + "{mask}"}, "text": {"max_tokens": 15}},
            r"K214 .*it takes 15 tokens, and a window of 15 has none",
        ),
    ],
)
def test_what_does_not_fit_rows_or_tokenizer_is_told_before_training(
    change: dict[str, Any], told: str, asked: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        train({**asked, **change}, folder=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_body_alone_is_told(asked: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"K522 .*no head that foresees hidden words"):
        train({**asked, "model": str(tiny)}, folder=tmp_path / "run")


def test_numbers_have_no_words(asked: dict[str, Any], tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    lines = [f"the film was good {at * at},a book {at},{at / 7:.3f}" for at in range(60)]
    table.write_text("\n".join(["text_a,text_b,score", *lines]), encoding="utf-8")
    with pytest.raises(InputError, match=r"K210 recipe: head: .*the labels are numbers"):
        train({**asked, "pattern": {}, "task": "pair", "data": {"train": str(table)}}, folder=tmp_path / "run")

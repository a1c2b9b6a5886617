"""A glossary of a recipe: read with in every path, in the bundle, in the report, and exact after a kill."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs import tune
from tunesmith.jobs.check import check
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.knowledge.glossary import Glossary
from tunesmith.knowledge.memory import Memory
from tunesmith.models.load import load_tokenizer
from tunesmith.models.sliced import Sliced
from tunesmith.recipe.parse import parse

TABLE = """term,definition,aliases,class
moving picture,a tale,film|movie,
trip looked,a day,,
superb,,,good
unheard of,nothing,,
"""


@pytest.fixture(scope="module")
def recipe(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("glossary") / "terms.csv"
    path.write_text(TABLE, encoding="utf-8")
    knowledge = {"glossary": str(path), "aliases": True, "tokens": 3, "definitions": 14}
    return {**quick, "knowledge": knowledge}


@pytest.fixture(scope="module")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "glossed"
    train(recipe, folder=folder)
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def with_settings(recipe: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {**recipe, "knowledge": {**recipe["knowledge"], **settings}}


def test_the_report_says_what_it_did(run: Path) -> None:
    report = report_of(run)
    part = report["knowledge"]["glossary"]
    assert (part["file"], part["terms"], part["budget"], part["moved"]) == ("terms.csv", 4, 14, True)
    assert [one["text"] for one in part["tokens"]] == ["moving picture", "trip looked"]
    assert all(one["pieces"] > 1 and one["rows"] >= 3 for one in part["tokens"])
    assert part["looked"]["train"] == report["data"]["train"]
    assert part["looked"]["test"] == report["data"]["test"]
    assert 0 < part["aliases"]["train"] < part["rows"]["train"] < part["looked"]["train"]
    assert 0 < part["definitions"]["train"] <= part["rows"]["train"]
    assert {one["term"] for one in part["found"]} == {"moving picture", "trip looked", "superb"}
    assert [rule["label"] for rule in report["knowledge"]["rules"]] == ["good"]
    assert report["knowledge"]["file"] == "terms.csv"
    assert "glossary" in report["lock"]["files"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "2 terms are tokens now" in page
    assert "moving picture" in page
    assert not (run / "start").exists()
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "reads aliases as their terms and puts definitions behind texts; transformers alone does not" in card


def test_the_bundle_reads_with_it_and_needs_no_files(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "model")
    bundle = tunesmith.load(tmp_path / "model")
    assert isinstance(bundle.encoder.reading, Glossary)
    alias, term = bundle.predict(["the film was superb", "the moving picture was superb"])
    assert alias.scores == term.scores
    assert alias.evidence[0].startswith("glossary, good (superb) votes for good: +")
    [inputs] = (one.inputs for one in bundle.encoder.encode(bundle.examples(["the movie"])))
    read = bundle.encoder.tokenizer.decode(inputs["input_ids"])
    assert read == "[CLS] the moving picture [SEP] moving picture : a tale [SEP]"
    [row] = tunesmith.predict(tmp_path / "model", ["the film was superb"])
    assert row["text"] == "the film was superb"


def test_its_words_are_tokens_of_a_plain_model(run: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    model = AutoModelForSequenceClassification.from_pretrained(run / "model")
    token = tokenizer.convert_tokens_to_ids("trip looked")
    assert tokenizer("our trip looked good")["input_ids"].count(token) == 1
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)


def test_figures_are_found_again(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    other = train({**recipe, "knowledge": {}}, folder=tmp_path / "plain")
    [paired] = tunesmith.compare([run, other.folder])["pairs"].values()
    assert paired["paired"]
    found = report_of(run)["test"]["macro_f1"]["value"] - report_of(other.folder)["test"]["macro_f1"]["value"]
    assert paired["difference"]["value"] == pytest.approx(found)
    assert "knowledge" not in report_of(other.folder)


def test_it_comes_out_the_same_again(run: Path) -> None:
    assert reproduce(run)["level"] == "weights"


def test_a_stopped_run_goes_on_to_the_same(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    def stop(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 2:
            os.kill(os.getpid(), signal.SIGINT)

    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted):
        train(recipe, folder=folder, progress=stop)
    assert (folder / "start" / "config.json").is_file()
    train(recipe, folder=folder, resume=True)
    whole, resumed = (tunesmith.load(place).model.state_dict() for place in (run, folder))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_changed_glossary_is_another_run(recipe: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "terms.csv"
    path.write_text(TABLE, encoding="utf-8")
    folder = train(with_settings(recipe, glossary=str(path)), folder=tmp_path / "run").folder
    path.write_text(TABLE.replace("a tale", "a story"), encoding="utf-8")
    found = reproduce(folder)
    assert found["level"] is None
    assert "terms.csv" in " ".join(found["changed"])


def test_in_folds_and_without_dev_or_test_files(recipe: dict[str, Any], tmp_path: Path) -> None:
    folds = {**recipe["evaluate"], "folds": 3}
    report = train({**recipe, "evaluate": folds}, folder=tmp_path / "run").report()
    assert report["test"]["accuracy"]["n"] == 90
    assert report["knowledge"]["glossary"]["looked"]["test"] == 90
    assert report["knowledge"]["without"]["accuracy"]["n"] == 90


def test_evaluate_memory_and_fuse_read_alike(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    aliased = tmp_path / "aliased.csv"
    rows = [("the film was superb", "good"), ("the film was dire", "bad"), ("the film was odd", "odd")]
    for name, word in (("aliased.csv", "film"), ("termed.csv", "moving picture")):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [("review", "mood"), *((text.replace("film", word), mood) for text, mood in rows)]
            )
    assert tunesmith.evaluate(run, aliased) == tunesmith.evaluate(run, tmp_path / "termed.csv")
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    fresh = [(f"{name}.csv", f"{name} was quite dire") for name in ("film", "moving picture")]
    vectors = []
    for name, text in fresh:
        (tmp_path / name).write_text(f"review,mood\n{text},bad\n", encoding="utf-8")
        assert tunesmith.add_memory(copy, tmp_path / name)["added"] == 1
        [memory] = [one for one in tunesmith.load(copy).fusions if isinstance(one, Memory)]
        vectors.append(memory.vectors[memory.texts.index(text)])
    np.testing.assert_array_equal(*vectors)  # the text is stored as it came, and read with its term
    (tmp_path / "rules.yaml").write_text("rules:\n  - {label: bad, words: [dire]}\n", encoding="utf-8")
    fused = tunesmith.fuse(run, tmp_path / "rules.yaml", folder=tmp_path / "fused")
    part = fused.report()["knowledge"]
    assert [rule["label"] for rule in part["rules"]] == ["bad", "good"]
    assert part["glossary"] == report_of(run)["knowledge"]["glossary"]
    assert isinstance(tunesmith.load(fused.folder).encoder.reading, Glossary)


def test_rules_of_a_file_stand_beside_its_classes(recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n  - {label: bad, words: [dire]}\n", encoding="utf-8")
    report = train(with_settings(recipe, rules=str(tmp_path / "rules.yaml")), folder=tmp_path / "run").report()
    assert [rule["name"] for rule in report["knowledge"]["rules"]] == ["dire", "glossary, good"]
    assert report["knowledge"]["file"] == "rules.yaml and terms.csv"


@pytest.mark.parametrize("name", ["adapters", "prefix", "prompt", "ptuning"])
def test_what_cannot_be_merged_is_refused_beside_new_tokens(name: str, recipe: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"K210.*knowledge.tokens"):
        parse({**recipe, "strategies": [name]})
    parse({**with_settings(recipe, tokens=False), "strategies": [name]})


@pytest.mark.parametrize(
    "strategies", [[{"lora": {"rank": 2}}], [{"ia3": {}}], [{"bitfit": {}}], [{"freeze": {}}]], ids=str
)
def test_where_embeddings_stand_still_tokens_stay_where_they_started(
    strategies: list[Any], recipe: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    found = train({**recipe, "strategies": strategies}, folder=tmp_path / "run")
    part = found.report()["knowledge"]["glossary"]
    bundle = tunesmith.load(found.folder)
    weight = body_weight(bundle)
    old = load_tokenizer(tiny)[0]
    for word in part["tokens"]:
        token = bundle.encoder.tokenizer.convert_tokens_to_ids(word["text"])
        pieces = old(word["text"], add_special_tokens=False)["input_ids"]
        start = weight[pieces].mean(dim=0)
        assert torch.equal(weight[token], start) != part["moved"]
    assert not part["moved"]
    assert "still that mean" in (found.folder / "report.html").read_text(encoding="utf-8")
    assert bundle.predict(["the film was superb"])[0].label in ("good", "bad", "odd")


def test_few_rows_move_the_tokens_although_their_last_training_does_not(recipe: dict[str, Any], tmp_path: Path) -> None:
    found = train({**recipe, "strategies": ["few_shot"]}, folder=tmp_path / "run").report()
    assert found["knowledge"]["glossary"]["moved"]


def body_weight(bundle: Any) -> torch.Tensor:
    from tunesmith.models.body import body_of

    weight: torch.Tensor = body_of(bundle.model).get_input_embeddings().weight.detach()
    return weight


def test_on_the_embeddings_of_its_own_tokens_it_ends_where_on_all_of_them(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Clipping adds up squares of gradients in an order of its own for each shape.
    optimizer = {**recipe["optimizer"], "weight_decay": 0.0, "clip_norm": None}
    found = []
    for name in ("cut", "whole"):
        folder = train({**recipe, "optimizer": optimizer}, folder=tmp_path / name).folder
        assert report_of(folder)["knowledge"]["glossary"]["moved"]
        found.append(tunesmith.load(folder).model.state_dict())
        monkeypatch.setattr(tune, "sliced", lambda model, tokens: Sliced())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_with_a_pattern_and_its_head(recipe: dict[str, Any], with_head: Path, tmp_path: Path) -> None:
    words = {"good": "good", "bad": "bad", "odd": "odd"}
    asked = {**recipe, "model": str(with_head), "head": "pattern", "pattern": {"words": words}, "strategies": []}
    asked["evaluate"] = {**recipe["evaluate"], "forgetting": "auto"}
    found = train(asked, folder=tmp_path / "run").report()
    assert [one["text"] for one in found["knowledge"]["glossary"]["tokens"]] == ["moving picture", "trip looked"]
    assert found["forgetting"]["language"]["before"]["value"] > 0
    assert tunesmith.load(tmp_path / "run").predict(["the film"])[0].label in words


def test_of_pairs_several_labels_and_numbers(recipe: dict[str, Any], rows: Any, tmp_path: Path) -> None:
    made = {
        "pair": (["text_a", "text_b", "label"], lambda text, label: [text, f"our trip looked {text[::-1]}", label]),
        "multilabel": (["text", "label"], lambda text, label: [text, f"{label}|{text.split()[1]}"]),
        "regress": (["text", "label"], lambda text, label: [text, len(text) / 7]),
    }
    for task, (head, line) in made.items():
        path = tmp_path / f"{task}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *(line(text, label) for text, label in rows)])
        asked = {**recipe, "task": task, "data": {"train": str(path)}}
        report = train(asked, folder=tmp_path / task).report()
        part = report["knowledge"]
        assert part["glossary"]["definitions"]["train"] > 0, task
        assert ("rules" in part) == (task == "pair")
        said = [found["message"] for found in report["data"]["findings"] if found["code"] == "K819"]
        assert [("its classes say nothing here" in message) for message in said] == [True] * (task != "pair")


@pytest.mark.parametrize(
    ("table", "settings", "said"),
    [
        ("term\nquark\n", {"tokens": True}, "none of its 1 terms stands in any train row"),
        ("term\ngood\n", {}, "none of its aliases, definitions and terms"),
        ("term,definition\ngood,a b c d e f g h\n", {"definitions": 3}, "no definition takes 3 tokens"),
        ("term,aliases\ngood,fine\n", {"tokens": 50}, "no term becomes a token"),
    ],
)
def test_what_has_no_effect_is_said(
    table: str, settings: dict[str, Any], said: str, recipe: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    knowledge = {"glossary": str(tmp_path / "t.csv"), **settings}
    report = train({**recipe, "knowledge": knowledge}, folder=tmp_path / "run").report()
    found = [one for one in report["data"]["findings"] if one["code"] == "K819"]
    assert any(said in one["message"] for one in found)
    assert all(one["remedy"] for one in found)


def test_a_class_that_no_row_has_is_refused_with_all_others(recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("term,class\ngood,god\nbad,bda\nodd,odd\n", encoding="utf-8")
    asked = parse({**recipe, "knowledge": {"glossary": str(tmp_path / "t.csv")}})
    for look in (lambda: check(asked), lambda: train(asked, folder=tmp_path / "run")):
        with pytest.raises(InputError) as caught:
            look()
        assert [(fault.code, fault.where[-6:]) for fault in caught.value.faults] == [
            ("K818", "line 2"),
            ("K818", "line 3"),
        ]
        assert 'Did you mean "good"?' in caught.value.faults[0].remedy
    assert not (tmp_path / "run").exists()


def test_tasks_that_read_otherwise_refuse_it(recipe: dict[str, Any], rows: Any, tmp_path: Path) -> None:
    for task in ("tag", "answer", "embed", "chat", "seq2seq", "masked"):
        with pytest.raises(InputError, match=r"K210.*glossary"):
            parse({"task": task, "data": {"train": "x.csv"}, "knowledge": {"glossary": "g.csv"}})
    path = tmp_path / "qa.jsonl"
    asked = [
        {"question": f"what was {text}?", "context": f"{text} and so on", "answers": [label]} for text, label in rows
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in asked if one["answers"][0] in one["context"]), "utf-8")
    with pytest.raises(InputError, match="K819"):
        train({**recipe, "data": {"train": str(path)}}, folder=tmp_path / "run")


def test_the_command_line_takes_it(recipe: dict[str, Any], reviews: Path, tmp_path: Path) -> None:
    sets = [f"model={recipe['model']}", "stop.epochs=1", "evaluate.folds=0", "evaluate.forgetting=off"]
    sets += ["evaluate.resamples=20", "strategies=[]"]
    options = [part for entry in sets for part in ("--set", entry)]
    path = recipe["knowledge"]["glossary"]
    found = CliRunner().invoke(
        app, ["train", str(reviews), "--glossary", path, "--out", str(tmp_path / "run"), "--json", *options]
    )
    assert found.exit_code == 0, found.output
    report = report_of(tmp_path / "run")
    assert report["recipe"]["knowledge"]["glossary"] == path
    assert np.isfinite(report["test"]["accuracy"]["value"])

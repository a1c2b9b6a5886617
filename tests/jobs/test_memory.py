"""Labelled rows are added to a finished run, kept in its bundle, and asked by its predictions."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError
from tunesmith.jobs import memory
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.retest import retest
from tunesmith.jobs.train import train


@pytest.fixture(scope="module")
def untaught(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """A run that has seen two words of each class, and hardly learnt anything."""
    folder = tmp_path_factory.mktemp("memory")
    some = [row for row in rows if row[0].split()[-1] in ("good", "bad", "odd", "great", "awful", "weird")]
    write(folder / "train.csv", some)
    data = {"train": str(folder / "train.csv"), "near_duplicates": "ignore"}
    asked = {**quick, "data": data, "stop": {"epochs": 1, "patience": None}}
    return train(asked, folder=folder / "run").folder


@pytest.fixture
def run(untaught: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untaught, tmp_path / "run"))


NEW = [
    (f"{word} {word} {word} {filler}", label)
    for word, label in (("fine", "good"), ("poor", "bad"), ("strange", "odd"), ("dire", "bad"))
    for filler in ("the", "a", "this", "my", "that", "our")
]
"""Rows whose word says more than what is around it, also to a body of noise."""


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write(tmp_path / "new.csv", NEW)


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("review", "mood"), *rows])
    return path


def test_added_rows_are_asked_and_told(run: Path, new: Path) -> None:
    texts, labels = zip(*((f"{text} so", label) for text, label in NEW), strict=True)
    before = tunesmith.load(run).predict(texts)
    value = tunesmith.add_memory(run, new)
    assert (value["added"], value["known"], value["rows"], value["heard"]) == (24, 0, 24, True)
    assert value["right"]["with"] > value["right"]["without"]
    bundle = tunesmith.load(run)
    right = [
        np.mean([one.label == label for one, label in zip(said, labels, strict=True)])
        for said in (before, bundle.predict(texts))
    ]
    assert right[1] > right[0]
    [found] = bundle.predict(["fine fine fine the"])
    assert found.evidence[0].startswith('near "fine fine fine the" (good, cosine 1.00, new.csv row ')
    assert found.evidence[-1].startswith("without memory: ")
    [row] = tunesmith.predict(run, ["fine fine fine the"])
    assert row["evidence"] == list(found.evidence)


def test_it_travels_with_the_bundle(run: Path, new: Path, tmp_path: Path) -> None:
    tunesmith.add_memory(run, new)
    expected = tunesmith.load(run).predict(["the film was fine"])
    shutil.move(run / "model", tmp_path / "elsewhere")
    assert list(tunesmith.load(tmp_path / "elsewhere").predict(["the film was fine"])) == list(expected)


def test_rows_that_are_known_are_passed_over(run: Path, new: Path, untaught: Path) -> None:
    tunesmith.add_memory(run, new)
    states = [path.read_bytes() for path in sorted((run / "model").glob("knowledge*"))]
    value = tunesmith.add_memory(run, new)
    assert (value["added"], value["known"], value["rows"]) == (0, 24, 24)
    assert [path.read_bytes() for path in sorted((run / "model").glob("knowledge*"))] == states
    value = tunesmith.add_memory(run, untaught.parent / "train.csv")
    assert value["known"] == 29  # rows of train and dev; those of test are new to the model
    assert value["added"] == 7


def test_adding_in_two_steps_is_adding_at_once(run: Path, new: Path, untaught: Path, tmp_path: Path) -> None:
    once = Path(shutil.copytree(untaught, tmp_path / "once"))
    tunesmith.add_memory(once, new)
    lines = list(csv.reader(new.read_text(encoding="utf-8").splitlines()))[1:]
    for part in (lines[:10], lines[10:]):
        write(new, [(text, label) for text, label in part])
        tunesmith.add_memory(run, new)
    texts = ["fine fine so", "my day felt dire", "so what"]
    said = [[one.scores for one in tunesmith.load(each).predict(texts)] for each in (once, run)]
    for one, other in zip(*said, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_forgetting_gives_the_model_back(run: Path, new: Path) -> None:
    before = list(tunesmith.load(run).predict(["the film was fine"]))
    tunesmith.add_memory(run, new)
    assert tunesmith.clear_memory(run) == {"forgotten": 24}
    assert list(tunesmith.load(run).predict(["the film was fine"])) == before
    assert not list((run / "model").glob("knowledge-*"))
    assert tunesmith.clear_memory(run) == {"forgotten": 0}


def test_the_run_is_tested_again_as_it_was_trained(run: Path, new: Path) -> None:
    tunesmith.add_memory(run, new)
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    found = retest(run)
    metric = found.task.metrics()["accuracy"](found.task.truth(found.examples), found.answers)
    assert metric == pytest.approx(report["test"]["accuracy"]["value"])


def test_what_cannot_be_remembered_is_said(run: Path, new: Path, tmp_path: Path) -> None:
    unknown = write(tmp_path / "unknown.csv", [("the film was fine", "god")])
    with pytest.raises(InputError, match='label "god"'):
        tunesmith.add_memory(run, unknown)
    with pytest.raises(InputError) as error:
        tunesmith.add_memory(Path(shutil.copytree(run / "model", tmp_path / "alone")), new)
    assert error.value.faults[0].code == "K809"


def test_the_command_line(run: Path, new: Path) -> None:
    invoke = CliRunner().invoke
    result = invoke(app, ["memory", "add", str(run), str(new)])
    assert result.exit_code == 0, result.output
    assert "24 rows are added." in result.stdout
    assert "Of the 24 rows added so far the model alone gets " in result.stdout
    value = json.loads(invoke(app, ["memory", "add", str(run), str(new), "--json"]).stdout)
    assert (value["added"], value["known"]) == (0, 24)
    assert "24 rows are forgotten." in invoke(app, ["memory", "clear", str(run)]).stdout
    for wrong in (
        ["ad", str(run), str(new)],
        ["add", str(run)],
        ["clear", str(run), str(new)],
        ["clear", str(run), "--text", "review"],
    ):
        result = invoke(app, ["memory", *wrong])
        assert result.exit_code == 2
        assert "K710" in result.output


def test_a_label_that_was_put_right_counts(run: Path, new: Path) -> None:
    tunesmith.add_memory(run, new)
    write(new, [(text, "odd" if label == "bad" else label) for text, label in NEW])
    value = tunesmith.add_memory(run, new)
    assert (value["added"], value["corrected"], value["known"], value["rows"]) == (0, 12, 12, 24)
    [found] = tunesmith.load(run).predict(["poor poor poor the"])
    assert any('"poor poor poor the" (odd' in line for line in found.evidence)


def test_rows_that_cannot_be_used_are_counted(run: Path, tmp_path: Path) -> None:
    rows = [("fine fine fine the", "good"), ("", "good"), ("so so", ""), ("fine fine fine the", "bad"), ("dire", "bad")]
    value = tunesmith.add_memory(run, write(tmp_path / "few.csv", rows))
    assert (value["added"], value["left_out"]) == (2, 3)


def test_train_rows_that_are_not_kept_are_not_new_either(run: Path, untaught: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "MOST", 8)
    value = tunesmith.add_memory(run, untaught.parent / "train.csv")
    assert (value["added"], value["known"]) == (7, 29)
    monkeypatch.undo()
    assert tunesmith.add_memory(run, untaught.parent / "train.csv")["known"] == 36


def test_a_run_that_has_not_ended_and_one_from_standard_input_are_refused(run: Path, new: Path) -> None:
    recipe = (run / "recipe.yaml").read_text(encoding="utf-8")
    train_file = next(line for line in recipe.splitlines() if line.startswith("  train: "))
    (run / "recipe.yaml").write_text(recipe.replace(train_file, "  train: '-'"), encoding="utf-8")
    with pytest.raises(InputError) as error:
        tunesmith.add_memory(run, new)
    assert error.value.faults[0].code == "K404"
    (run / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (run / "state" / "finished.json").unlink()
    with pytest.raises(InputError) as error:
        tunesmith.add_memory(run, new)
    assert error.value.faults[0].code == "K413"


def test_its_vectors_are_no_weights(run: Path, new: Path, quick: dict[str, Any], tmp_path: Path) -> None:
    tunesmith.add_memory(run, new)
    assert reproduce(run)["level"] == "weights"
    later = train({**quick, "model": str(run / "model"), "stop": {"epochs": 1}}, folder=tmp_path / "later")
    assert not [role for role in later.lock["files"] if "knowledge" in role]


def test_torn_knowledge_is_said_to_be_torn(run: Path, new: Path) -> None:
    tunesmith.add_memory(run, new)
    [arrays] = (run / "model").glob("knowledge-*")
    whole = arrays.read_bytes()
    plain = run / "model" / "knowledge.json"
    for spoil in (lambda: arrays.write_bytes(whole[:100]), arrays.unlink, lambda: plain.write_text("{")):
        spoil()
        with pytest.raises(InputError) as error:
            tunesmith.load(run)
        assert error.value.faults[0].code == "K613"
    plain.unlink()
    assert tunesmith.load(run).fusions == ()

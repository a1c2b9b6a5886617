"""Rules that mark spans: in the training, in the figures, the bundle, the predictions and the report of `tag`."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.cli.main import app
from tunesmith.errors import InputError
from tunesmith.jobs.train import train
from tunesmith.models.tiny import save_tiny

KNOWN = ["red glide", "blue drift", "old pack", "front light", "bell", "drift pack"]
OTHERS = ["seat", "wheel", "left pedal"]
AROUND = [("my", "is broken"), ("the", "makes noise"), ("where is the", "please"), ("a new", "for me today")]
RULES = "lists: {parts: parts.txt}\nrules:\n  - {label: PART, list: parts}\n  - {label: PART, words: [broken]}\n"


@pytest.fixture(scope="module")
def recipe(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("parts")
    rows = [
        {"text": f"{left} {part} {right}", "spans": [[len(left) + 1, len(left) + 1 + len(part), "PART"]]}
        for part in (*KNOWN, *OTHERS) for left, right in AROUND
    ]  # fmt: skip
    rows += [{"text": text, "spans": []} for text in ("nothing is new", "please call me today", "where is my help")]
    random.Random(3).shuffle(rows)
    for name, some in (("train", rows[:28]), ("test", rows[28:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
    (folder / "parts.txt").write_text("\n".join(KNOWN), encoding="utf-8")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    tiny = save_tiny(folder / "tiny", [str(row["text"]) for row in rows])
    return {
        **quick, "task": "tag", "model": str(tiny), "stop": {"epochs": 2, "patience": None},
        "data": {"train": str(folder / "train.jsonl"), "test": str(folder / "test.jsonl")},
        "knowledge": {"rules": str(folder / "rules.yaml")},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(recipe, folder=tmp_path_factory.mktemp("runs") / "marked").folder


@pytest.fixture(scope="module")
def plain(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plain"
    return train({**recipe, "knowledge": {}}, folder=folder).folder


def test_the_report_says_what_rules_gave(run: Path) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    part = report["knowledge"]
    assert [rule["name"] for rule in part["rules"]] == ["list parts", "broken"]
    assert part["rules"][0]["weight"] > 0 == part["rules"][1]["weight"]
    assert part["rules"][0]["accuracy"]["value"] == 1.0
    assert part["rules"][0]["found"]["n"] == report["per_class"][0]["support"]
    assert part["misses"]["PART"] > 0
    assert part["learnt"] is True
    assert any("copies of train rows" in note for note in report["notes"])
    difference = part["compared"]["difference"]["value"]
    assert difference == pytest.approx(report["test"]["span_f1"]["value"] - part["without"]["span_f1"]["value"])
    assert report["baselines"]["rules"]["title"] == "rules alone"
    assert [found["code"] for found in report["data"]["findings"] if found["code"].startswith("K8")] == ["K814"]


def test_figures_of_what_lists_hold_and_of_the_rest_are_all(run: Path, recipe: dict[str, Any]) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    parts = report["knowledge"]["mentions"]
    rows = [json.loads(line) for line in Path(recipe["data"]["test"]).read_text(encoding="utf-8").splitlines()]
    marked = [row["text"][start:end] for row in rows for start, end, _ in row["spans"]]
    assert parts["held"]["spans"] == sum(part in KNOWN for part in marked)
    assert parts["not_held"]["spans"] == sum(part in OTHERS for part in marked)
    for side, whole in (("with", report["test"]), ("without", report["knowledge"]["without"])):
        recalls = [parts[name]["spans"] * parts[name][side]["span_recall"]["value"] for name in parts]
        assert sum(recalls) / len(marked) == pytest.approx(whole["span_recall"]["value"])


def test_the_page_separates_them(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    for said in ('id="knowledge"', "list parts", "that the rules hold", "that they do not hold"):
        assert said in page, said


def test_the_bundle_needs_no_files_and_says_who_spoke(run: Path, tmp_path: Path) -> None:
    bundle = load_bundle(run)
    [said] = bundle.predict(["the red glide is broken"])
    assert [span.text for span in said.spans] == ["red glide"]
    assert said.evidence[0].startswith('list parts marks "red glide" as PART: +')
    assert said.evidence[-1].startswith("without rules: ")
    rows = tunesmith.predict(run, ["the red glide is broken"])
    assert next(iter(rows))["evidence"] == list(said.evidence)


def test_rules_that_weigh_nothing_change_nothing(run: Path) -> None:
    from dataclasses import replace

    bundle = load_bundle(run)
    [marks] = bundle.fusions
    silent = replace(marks, weights=marks.weights * 0, misses=marks.misses * 0)  # type: ignore[type-var,attr-defined]
    examples = bundle.examples(["the red glide is broken", "nothing is new", ""])
    answers, asked = bundle.said(examples)
    assert silent.adjust(answers, asked) is answers
    assert list(silent.evidence(answers, asked)) == [(), (), ()]


def test_other_rules_are_set_beside_a_model_without_a_training(
    plain: Path, recipe: dict[str, Any], tmp_path: Path
) -> None:  # fmt: skip
    new = tunesmith.fuse(plain, recipe["knowledge"]["rules"], folder=tmp_path / "fused")
    asked = {**recipe, "knowledge": {**recipe["knowledge"], "terms": False}}
    trained = train(asked, folder=tmp_path / "trained")
    one, other = new.report(), trained.report()
    assert one["knowledge"]["learnt"] is False
    for name, score in other["test"].items():
        assert one["test"][name]["value"] == pytest.approx(score["value"], abs=1e-6), name
    assert one["knowledge"]["rules"][0]["weight"] == pytest.approx(other["knowledge"]["rules"][0]["weight"], abs=1e-4)
    assert {name: each["scores"] for name, each in one["baselines"].items()} == {
        name: each["scores"] for name, each in other["baselines"].items()
    }
    again = tunesmith.fuse(new.folder, recipe["knowledge"]["rules"], folder=tmp_path / "again")
    assert again.report()["test"] == one["test"]


def test_under_cross_validation_every_fold_weighs_its_rules(recipe: dict[str, Any], tmp_path: Path) -> None:
    data = {"train": recipe["data"]["train"]}
    asked = {**recipe, "data": data, "evaluate": {**recipe["evaluate"], "folds": 2}}
    report = train(asked, folder=tmp_path / "run").report()
    assert report["knowledge"]["mentions"]["held"]["spans"] > 0


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{against: PART, words: [help]}", "K812"), ("{learn: true, words: [help]}", "K812"),
        ("{label: PART, length: {max: 3}}", "K813"), ("{label: PORT, words: [help]}", "K801"),
    ],
)  # fmt: skip
def test_rules_that_can_mark_nothing_are_refused_with_their_line(
    recipe: dict[str, Any], tmp_path: Path, rule: str, code: str
) -> None:  # fmt: skip
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"rules:\n  - {{label: PART, words: [bell]}}\n  - {rule}\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        train({**recipe, "knowledge": {"rules": str(rules)}}, folder=tmp_path / "run")
    assert [(fault.code, fault.where) for fault in error.value.faults] == [(code, f"{rules} line 3")]


def test_a_list_that_is_wrong_is_not_heard(plain: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {label: PART, words: [is, my, the, new, for me]}\n", encoding="utf-8")
    new = tunesmith.fuse(plain, str(rules), folder=tmp_path / "wrong")
    report, before = new.report(), json.loads((plain / "report.json").read_text(encoding="utf-8"))
    assert report["knowledge"]["rules"][0]["weight"] == 0
    assert report["knowledge"]["misses"] == {"PART": 0}
    assert report["knowledge"]["changed"] == 0
    assert report["test"] == before["test"]
    trained = train({**recipe, "knowledge": {"rules": str(rules)}}, folder=tmp_path / "run").report()
    assert trained["knowledge"]["learnt"] is False, "nothing is put in the place of spans that does not stand for them"


def test_rules_are_tried_on_rows_with_spans(recipe: dict[str, Any]) -> None:
    value = tunesmith.try_rules(recipe["knowledge"]["rules"], recipe["data"]["train"])
    rows = [json.loads(line) for line in Path(recipe["data"]["train"]).read_text(encoding="utf-8").splitlines()]
    marked = [row["text"][start:end] for row in rows for start, end, _ in row["spans"]]
    held = sum(part in KNOWN for part in marked)
    rule, wrong = value["rules"]
    assert rule["fires"] == rule["accuracy"]["n"] == held
    assert rule["found"]["value"] == pytest.approx(held / len(marked))
    assert wrong["accuracy"]["value"] == 0
    assert wrong["examples"][0]["found"] == ["broken"]
    assert value["vote"]["found"]["value"] == pytest.approx(held / len(marked))
    asked = ["rules", "test", recipe["knowledge"]["rules"], recipe["data"]["train"]]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert f"They find {held} of {len(marked)} spans" in result.stdout
    assert np.isfinite(rule["accuracy"]["low"])

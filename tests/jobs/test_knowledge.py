"""Rules of a recipe vote beside the model: in its figures, its bundle, its predictions and its report."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row

WithSource = Callable[[Path, Callable[[str, str], str]], dict[str, str]]

RULES = """
lists:
  praise: [good, great]
rules:
  - {label: good, list: praise}
  - {label: bad, words: [awful], strength: 2}
  - {name: from the app, against: odd, column: {source: app}}
  - {name: never, label: odd, words: [unheard of]}
"""


@pytest.fixture(scope="module")
def recipe(quick: dict[str, Any], with_source: WithSource, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    data = with_source(folder, lambda _, mood: "app" if mood == "good" else "web")
    stop = {"epochs": 1, "patience": None}  # it has not learnt much then, so that rules have something to say
    return {**quick, "data": data, "stop": stop, "knowledge": {"rules": str(folder / "rules.yaml")}}


@pytest.fixture(scope="module")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "voted"
    train(recipe, folder=folder)
    return folder


def test_the_report_says_what_rules_gave(run: Path) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    part = report["knowledge"]
    assert part["file"] == "rules.yaml"
    assert [rule["name"] for rule in part["rules"]] == ["list praise", "awful", "from the app", "never"]
    assert all(rule["weight"] > 0 for rule in part["rules"][:3])
    assert part["rules"][3]["fires"] == 0
    assert 0 < part["reached"] <= report["data"]["test"]
    difference = part["compared"]["difference"]["value"]
    values = report["test"]["macro_f1"]["value"], part["without"]["macro_f1"]["value"]
    assert difference == pytest.approx(values[0] - values[1])
    assert report["baselines"]["rules"]["title"] == "rules alone"
    assert report["baselines"]["rules"]["scores"]["accuracy"]["value"] > 0.3
    assert [found["code"] for found in report["data"]["findings"] if found["code"].startswith("K8")] == ["K803"]
    assert set(report["lock"]["files"]) >= {"rules"}


def test_the_page_shows_it(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="knowledge"' in page
    assert "list praise" in page


def test_the_bundle_votes_without_the_files(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "model")
    bundle = tunesmith.load(tmp_path / "model")
    [plain] = bundle.predict(["the film was great"])
    [told] = bundle.predict(["the film was great"], columns=[{"source": "app"}])
    assert plain.evidence[0].startswith("list praise (great) votes for good: +")
    assert plain.evidence[-1].startswith("without rules: ")
    assert told.scores["odd"] < plain.scores["odd"]
    assert any("from the app" in line for line in told.evidence)
    assert bundle.predict(["the film was"])[0].evidence == ()
    examples = bundle.examples(["the film was great"])
    np.testing.assert_allclose(bundle.fused(*bundle.said(examples))[0], [plain.scores[name] for name in bundle.labels])


def test_evaluate_and_compare_find_the_figures_again(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    other = train({**recipe, "knowledge": {}}, folder=tmp_path / "plain")
    found = tunesmith.compare([run, other.folder])
    [paired] = found["pairs"].values()
    assert paired["paired"]
    assert paired["difference"]["value"] == pytest.approx(report["knowledge"]["compared"]["difference"]["value"])
    assert tunesmith.evaluate(run, recipe["data"]["train"])["accuracy"]["n"] == 90


def test_predicting_a_file_looks_at_its_columns(run: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.jsonl"
    lines = [{"review": "the film was", "source": source} for source in ("app", "web", None)] + [{"review": "so so"}]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = list(tunesmith.predict(run, data=str(data)))
    assert [bool(row.get("evidence")) for row in found] == [True, False, False, False]


def test_in_folds_the_rules_are_weighed_in_each(recipe: dict[str, Any], tmp_path: Path) -> None:
    evaluate = {**recipe["evaluate"], "folds": 3}
    report = train({**recipe, "evaluate": evaluate}, folder=tmp_path / "run").report()
    part = report["knowledge"]
    assert report["test"]["accuracy"]["n"] == part["without"]["accuracy"]["n"] == 90
    assert part["reached"] > 0
    values = report["test"]["macro_f1"]["value"], part["without"]["macro_f1"]["value"]
    assert part["compared"]["difference"]["value"] == pytest.approx(values[0] - values[1])


def test_rules_that_contradict_rows_end_without_weight(recipe: dict[str, Any], tmp_path: Path) -> None:
    wrong = tmp_path / "rules.yaml"
    wrong.write_text("rules:\n  - {label: bad, words: [good, great, fine, lovely, superb]}\n", encoding="utf-8")
    report = train({**recipe, "knowledge": {"rules": str(wrong)}}, folder=tmp_path / "run").report()
    assert report["knowledge"]["rules"][0]["weight"] == pytest.approx(0, abs=1e-6)
    assert report["test"]["macro_f1"]["value"] == report["knowledge"]["without"]["macro_f1"]["value"]


@pytest.mark.parametrize(
    ("rules", "code", "said"),
    [
        ("rules:\n  - {label: god, words: [fine]}\n", "K801", 'rules.yaml line 2: there is no label "god"'),
        ("rules:\n  - {label: good, pattern: '('}\n", "K802", "rules.yaml line 2"),
        ("rules:\n  - {label: good, column: {from: app}}\n", "K106", 'there is no column "from"'),
        ("rules:\n  - {label: good, words: [a]}\n  - {label: bad, words: [a]}\n", "K804", "rules.yaml line 3"),
        ("rules:\n  - {label: good, column: {mood: good}}\n", "K810", "rules.yaml line 2"),
    ],
)
def test_mistakes_are_told_before_training(
    recipe: dict[str, Any], tmp_path: Path, rules: str, code: str, said: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    asked = {**recipe, "knowledge": {"rules": str(path)}}
    for verb in (lambda: train(asked, folder=tmp_path / "run"), lambda: tunesmith.check(tunesmith.Recipe(**asked))):
        with pytest.raises(InputError) as error:
            verb()
        assert [fault.code for fault in error.value.faults] == [code]
        assert said in str(error.value.faults[0])
    assert not (tmp_path / "run").exists()


def test_tasks_without_one_label_have_no_use_for_rules(recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        train({**recipe, "task": "multilabel"}, folder=tmp_path / "run")
    assert [fault.code for fault in error.value.faults] == ["K210"]


def test_the_command_line_takes_rules(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({**recipe, "knowledge": {}}), encoding="utf-8")
    asked = ["train", str(tmp_path / "recipe.json"), "--rules", recipe["knowledge"]["rules"], "--out"]
    result = CliRunner().invoke(app, [*asked, str(tmp_path / "run"), "--json"])
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert value["recipe"]["knowledge"]["rules"] == recipe["knowledge"]["rules"]
    first = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert value["knowledge"] == first["knowledge"]


def test_a_run_with_rules_goes_on_as_if_nothing_had_happened(recipe: dict[str, Any], run: Path, tmp_path: Path) -> None:
    def at_step_three(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(recipe, folder=tmp_path / "run", progress=at_step_three)
    resumed = train(recipe, folder=tmp_path / "run", resume=True)
    for name in ("model.safetensors", "knowledge.json"):
        assert (resumed.folder / "model" / name).read_bytes() == (run / "model" / name).read_bytes()
    assert resumed.report()["knowledge"] == json.loads((run / "report.json").read_text(encoding="utf-8"))["knowledge"]


def test_rules_that_have_changed_stop_a_resume_and_a_reproduction(recipe: dict[str, Any], tmp_path: Path) -> None:
    for name in ("rules.yaml", "rows.csv"):
        shutil.copy(Path(recipe["knowledge"]["rules"]).with_name(name), tmp_path)
    here = {**recipe["data"], "train": str(tmp_path / "rows.csv")}
    asked = {**recipe, "data": here, "knowledge": {"rules": str(tmp_path / "rules.yaml")}}
    folder = train(asked, folder=tmp_path / "run").folder
    assert reproduce(folder)["level"] == "weights"
    (tmp_path / "rules.yaml").write_text(RULES.replace("great", "grand"), encoding="utf-8")
    assert "rules" in reproduce(folder)["changed"][0]


def test_it_is_the_same_with_rules_that_several_processes_hand_on(recipe: dict[str, Any]) -> None:
    rules = read_rules(recipe["knowledge"]["rules"])
    again = pickle.loads(pickle.dumps(rules))
    rows = [Row(text, {"source": "app"}) for text in ("good, great", "awful", "nothing")]
    np.testing.assert_array_equal(again.counts(rows), rules.counts(rows))


def test_a_rule_that_learns_is_told_with_what_it_learnt(recipe: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {learn: true, words: [awful, poor, dire, bad]}\n", encoding="utf-8")
    run = train({**recipe, "knowledge": {"rules": str(rules)}}, folder=tmp_path / "run")
    [rule] = run.report()["knowledge"]["rules"]
    assert (rule["label"], rule["votes"], rule["accuracy"], rule["chance"]) == ("", "for bad", None, None)
    assert "learnt:" in (run.folder / "report.html").read_text(encoding="utf-8")
    [said] = tunesmith.load(run.folder).predict(["the film was awful"])
    assert said.evidence[0].startswith("awful, poor, dire … (awful) votes for bad: +")


def test_rules_of_pairs_look_at_both_texts(quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    lines = [f"thing number {at},{text},{label}" for at, (text, label) in enumerate(rows)]
    table.write_text("\n".join(["text_a,text_b,label", *lines]), encoding="utf-8")
    (tmp_path / "rules.yaml").write_text("rules:\n  - {label: good, words: [good, great]}\n", encoding="utf-8")
    asked = {**quick, "task": "pair", "data": {"train": str(table)}, "stop": {"epochs": 1, "patience": None}}
    run = train({**asked, "knowledge": {"rules": str(tmp_path / "rules.yaml")}}, folder=tmp_path / "run")
    assert run.report()["knowledge"]["rules"][0]["fires"] > 0
    [said] = tunesmith.load(run.folder).predict([("the thing", "the film was great")])
    assert said.evidence[0].startswith("good, great (great) votes for good: +")


def test_the_command_line_shows_evidence_below_a_row(run: Path) -> None:
    asked = ["predict", str(run), "the film was great", "nothing"]
    plain, told = (CliRunner().invoke(app, [*asked, *more]).stdout.splitlines() for more in ([], ["--evidence"]))
    assert len(plain) == 2
    assert [line for line in told if not line.startswith("  ")] == plain
    assert told[1].startswith("  list praise (great) votes for good: +")
    assert told[2].startswith("  without rules: ")


def test_a_file_without_a_column_of_the_rules_is_refused(run: Path, reviews: Path) -> None:
    with pytest.raises(InputError) as error:
        tunesmith.evaluate(run, reviews)
    assert error.value.faults[0].code == "K106"


def test_a_condition_on_an_empty_cell_is_none_on_a_missing_one(recipe: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {label: bad, column: {source: ''}}\n", encoding="utf-8")
    run = train({**recipe, "knowledge": {"rules": str(rules)}}, folder=tmp_path / "run").folder
    [bare] = tunesmith.predict(run, ["the film was"])
    assert "evidence" not in bare
    (tmp_path / "new.jsonl").write_text('{"review": "the film was", "source": null}\n', encoding="utf-8")
    [empty] = tunesmith.predict(run, data=str(tmp_path / "new.jsonl"))
    assert empty["evidence"]


def test_lists_of_one_name_in_two_folders_are_both_locked(recipe: dict[str, Any], tmp_path: Path) -> None:
    for folder, word in (("one", "good"), ("two", "bad")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.txt").write_text(word, encoding="utf-8")
    rules = tmp_path / "rules.yaml"
    lines = [
        "lists: {a: one/words.txt, b: two/words.txt}",
        "rules:",
        "  - {label: good, list: a}",
        "  - {label: bad, list: b}",
    ]
    rules.write_text("\n".join(lines), encoding="utf-8")
    run = train({**recipe, "knowledge": str(rules)}, folder=tmp_path / "run")
    locked = [file["path"] for role, file in run.lock["files"].items() if role.startswith("rules")]
    assert len(locked) == len(set(locked)) == 3


def test_rules_that_neither_vote_nor_teach_are_said_to(recipe: dict[str, Any], tmp_path: Path) -> None:
    report = train({**recipe, "knowledge": {**recipe["knowledge"], "vote": False}}, folder=tmp_path / "run").report()
    assert "knowledge" not in report
    assert any("had no part in it" in note for note in report["notes"])

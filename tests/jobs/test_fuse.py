"""Other rules beside a finished model: the same figures as a training with them gives, without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train

WithSource = Callable[[Path, Callable[[str, str], str]], dict[str, str]]

RULES = "rules:\n  - {label: good, words: [good, great]}\n  - {label: bad, words: [awful], column: {source: app}}\n"


@pytest.fixture(scope="module")
def recipe(quick: dict[str, Any], with_source: WithSource, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("fused")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    data = with_source(folder, lambda text, _: "app" if len(text) % 2 else "web")
    return {**quick, "data": data, "stop": {"epochs": 1, "patience": None}}


@pytest.fixture(scope="module")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(recipe, folder=tmp_path_factory.mktemp("runs") / "plain").folder


def rules_of(recipe: dict[str, Any]) -> str:
    return str(Path(recipe["data"]["train"]).with_name("rules.yaml"))


def test_it_is_what_a_training_with_the_rules_gives(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    new = tunesmith.fuse(run, rules_of(recipe), folder=tmp_path / "fused")
    trained = train({**recipe, "knowledge": {"rules": rules_of(recipe)}}, folder=tmp_path / "trained")
    model = "model/model.safetensors"
    assert (new.folder / model).read_bytes() == (run / model).read_bytes() == (trained.folder / model).read_bytes()
    one, other = new.report(), trained.report()
    for name, score in other["test"].items():
        assert one["test"][name]["value"] == pytest.approx(score["value"], abs=1e-5), name
    assert [rule["weight"] for rule in one["knowledge"]["rules"]] == pytest.approx(
        [rule["weight"] for rule in other["knowledge"]["rules"]], abs=1e-4
    )
    assert set(one["baselines"]) == set(other["baselines"])
    assert one["comparison"]["verdict"] == other["comparison"]["verdict"]
    assert one["recipe"] == other["recipe"]
    assert set(one["lock"]["files"]) == set(other["lock"]["files"])
    assert str(run) in one["notes"][0]
    assert 'id="knowledge"' in (new.folder / "report.html").read_text(encoding="utf-8")
    texts = ["the film was great", "so awful"]
    cells = [{"source": "app"}] * 2
    said = [tunesmith.load(each.folder).predict(texts, columns=cells) for each in (new, trained)]
    for a, b in zip(*said, strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-4)


def test_it_can_be_done_again_and_leaves_the_first_as_it_was(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    first = tunesmith.fuse(run, rules_of(recipe), folder=tmp_path / "first")
    other = tmp_path / "other.yaml"
    other.write_text("rules:\n  - {label: odd, words: [weird]}\n", encoding="utf-8")
    second = tunesmith.fuse(first.folder, other, folder=tmp_path / "second")
    assert [rule["name"] for rule in second.report()["knowledge"]["rules"]] == ["weird"]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    [paired] = tunesmith.compare([second.folder, run])["pairs"].values()
    told = second.report()["knowledge"]["compared"]
    assert paired["difference"] == told["difference"], "the run with rules against the model alone"
    assert tunesmith.evaluate(second.folder, recipe["data"]["train"])["accuracy"]["n"] == 90


def test_what_cannot_be_given_rules_is_said(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    folds = train({**recipe, "evaluate": {**recipe["evaluate"], "folds": 2}}, folder=tmp_path / "folds").folder
    new = tunesmith.fuse(run, rules_of(recipe), folder=tmp_path / "new").folder
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("rules:\n  - {label: god, words: [fine]}\n", encoding="utf-8")
    old = Path(shutil.copytree(run, tmp_path / "old"))
    (old / "state" / "said.safetensors").unlink()
    for work, code in (
        (lambda: tunesmith.fuse(folds, rules_of(recipe)), "K811"), (lambda: reproduce(new), "K811"),
        (lambda: tunesmith.fuse(run, wrong, folder=tmp_path / "no"), "K801"),
        (lambda: tunesmith.fuse(old, rules_of(recipe)), "K811"),
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            work()
        assert [fault.code for fault in error.value.faults] == [code]
    assert not (tmp_path / "no").exists()


def test_the_command_line(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    asked = ["fuse", str(run), "--rules", rules_of(recipe), "--out", str(tmp_path / "new")]
    result = CliRunner().invoke(app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["knowledge"]["file"] == "rules.yaml"
    again = CliRunner().invoke(app, asked)
    assert again.exit_code == 2
    assert "K401" in again.output

"""Rules label rows that nobody has labelled, and a training learns from them beside checked ones."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train

RULES = "rules:\n  - {label: good, words: [good, great]}\n  - {label: bad, words: [awful, bad]}\n"


@pytest.fixture
def files(tmp_path: Path, rows: list[tuple[str, str]]) -> tuple[str, str, Path]:
    """Rules, texts without labels, and where labelled ones may go."""
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    with (tmp_path / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["number", "review"], *([at, f"{text} {text}"] for at, (text, _) in enumerate(rows))]
        )
    return str(tmp_path / "rules.yaml"), str(tmp_path / "texts.csv"), tmp_path / "weak.csv"


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_rows_are_written_with_label_and_weight(files: tuple[str, str, Path]) -> None:
    value = tunesmith.label_rows(*files)
    written = read(files[2])
    assert value["rows"] == 90
    assert value["labelled"] == len(written) > 20
    assert value["labels"] == Counter(row["label"] for row in written)
    for row in written:
        words = set(row["review"].split())
        assert words & ({"good", "great"} if row["label"] == "good" else {"awful", "bad"})
        assert 0 < float(row["weight"]) <= 1
        assert row["number"].isdigit(), "other columns stay"
    assert [rule["fires"] for rule in value["rules"]] == [value["labels"]["good"], value["labels"]["bad"]]
    assert all(0.5 < rule["right"] <= 1 for rule in value["rules"])


def test_the_command_writes_and_tells(files: tuple[str, str, Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["rules", "label", *files[:2], "--out", str(files[2]), "--label", "mood"])
    assert done.exit_code == 0, done.output
    assert "rows were labelled" in done.output
    assert "change it with --text" in done.output, "options are those of this command"
    assert set(read(files[2])[0]) == {"number", "review", "mood", "weight"}
    plain = tmp_path / "texts.txt"
    plain.write_text("good\nawful\nnothing\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["rules", "label", files[0], str(plain), "--out", str(files[2])])
    assert done.exit_code == 0, done.output
    assert [row["text"] for row in read(files[2])] == ["good", "awful"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["label"], "K710"), (["test", "--out", "x.csv"], "K710"), (["mark"], "K710")],
)
def test_options_that_do_not_go_together(files: tuple[str, str, Path], arguments: list[str], code: str) -> None:
    done = CliRunner().invoke(app, ["rules", arguments[0], *files[:2], *arguments[1:]])
    assert done.exit_code == 2
    assert code in done.output


def test_what_is_read_is_not_written_over(files: tuple[str, str, Path]) -> None:
    before = Path(files[1]).read_bytes()
    done = CliRunner().invoke(app, ["rules", "label", *files[:2], "--out", files[1]])
    assert done.exit_code == 2
    assert "K131" in done.output
    assert Path(files[1]).read_bytes() == before


def test_what_cannot_be_labelled_is_said(files: tuple[str, str, Path], tmp_path: Path) -> None:
    rules, texts, out = files
    tunesmith.label_rows(*files)
    with pytest.raises(InputError) as caught:
        tunesmith.label_rows(rules, out, tmp_path / "again.csv")
    assert [fault.code for fault in caught.value.faults] == ["K821", "K821"]
    one = tmp_path / "one.yaml"
    one.write_text("rules:\n  - {label: good, words: [good]}\n", encoding="utf-8")
    with pytest.raises(InputError, match="all rules vote on good"):
        tunesmith.label_rows(one, texts, out)
    never = tmp_path / "never.yaml"
    never.write_text("rules:\n  - {label: a, words: [qq]}\n  - {label: b, words: [zz]}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        tunesmith.label_rows(never, texts, tmp_path / "none.csv")
    assert caught.value.faults[0].code == "K803"
    assert not (tmp_path / "none.csv").exists()


@pytest.fixture
def recipe(quick: dict[str, Any], files: tuple[str, str, Path]) -> dict[str, Any]:
    tunesmith.label_rows(*files, label="mood")
    return {**quick, "data": {**quick["data"], "weak": str(files[2])}, "class_weights": True}


def test_a_training_learns_from_weak_rows_and_is_not_measured_by_them(
    recipe: dict[str, Any], quick: dict[str, Any], files: tuple[str, str, Path], tmp_path: Path
) -> None:
    run = train(recipe, folder=tmp_path / "run")
    report, plain = run.report(), train({**quick, "class_weights": True}, folder=tmp_path / "plain").report()
    weak = len(read(files[2]))
    assert report["data"]["weak"] == weak
    assert {name: report["data"][name] for name in ("train", "dev", "test")} == {
        name: plain["data"][name] for name in ("train", "dev", "test")
    }
    assert "weak" not in plain["data"]
    assert f"{weak} rows more, whose labels nobody has checked" in (run.folder / "README.md").read_text(
        encoding="utf-8"
    )
    assert f"and {weak}\u00a0weak" in (run.folder / "report.html").read_text(encoding="utf-8")
    assert report["test"]["macro_f1"]["n"] == plain["test"]["macro_f1"]["n"]
    assert report["history"] != plain["history"]
    lock = json.loads((run.folder / "lock.json").read_text(encoding="utf-8"))
    assert lock["files"]["weak"]["path"] == str(files[2])
    assert reproduce(run.folder)["level"] == "weights"


def test_weak_rows_of_no_weight_are_as_if_they_were_not_there(
    recipe: dict[str, Any], quick: dict[str, Any], files: tuple[str, str, Path], tmp_path: Path
) -> None:
    rows = [{**row, "weight": "0"} for row in read(files[2])]
    with files[2].open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    without = train({**quick, "class_weights": True}, folder=tmp_path / "without").report()
    assert train(recipe, folder=tmp_path / "none").report()["test"] == without["test"]


def test_a_stopped_training_goes_on_with_its_weak_rows(recipe: dict[str, Any], tmp_path: Path) -> None:
    import os
    import signal

    def stop(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 6:
            os.kill(os.getpid(), signal.SIGINT)

    whole = train(recipe, folder=tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(recipe, folder=tmp_path / "part", progress=stop)
    part = train(recipe, folder=tmp_path / "part", resume=True)
    assert part.report()["test"] == whole.report()["test"]


def test_cross_validation_measures_checked_rows_alone(recipe: dict[str, Any], tmp_path: Path) -> None:
    crossed = {**recipe, "evaluate": {**recipe["evaluate"], "folds": 2}, "stop": {"epochs": 1, "patience": None}}
    report = train(crossed, folder=tmp_path / "run").report()
    assert report["test"]["macro_f1"]["n"] == 90


def test_the_bundle_needs_no_weak_rows(recipe: dict[str, Any], files: tuple[str, str, Path], tmp_path: Path) -> None:
    run = train({**recipe, "stop": {"epochs": 1, "patience": None}}, folder=tmp_path / "run")
    files[2].unlink()
    shutil.move(run.folder, tmp_path / "moved")
    assert next(iter(tunesmith.predict(tmp_path / "moved", ["so good"])))["label"] in ("bad", "good", "odd")


def test_a_run_with_weak_rows_is_compared_and_given_rules(
    recipe: dict[str, Any], files: tuple[str, str, Path], tmp_path: Path
) -> None:
    one = train({**recipe, "stop": {"epochs": 1, "patience": None}}, folder=tmp_path / "run")
    new = tunesmith.fuse(one.folder, files[0], folder=tmp_path / "fused")
    trained = train(
        {**recipe, "stop": {"epochs": 1, "patience": None}, "knowledge": {"rules": files[0]}}, folder=tmp_path / "both"
    )
    weights = [[rule["weight"] for rule in run.report()["knowledge"]["rules"]] for run in (new, trained)]
    assert weights[0] == pytest.approx(weights[1], abs=1e-4)
    assert all(pair["paired"] for pair in tunesmith.compare([one.folder, new.folder])["pairs"].values())
    assert new.report()["data"]["weak"] == one.report()["data"]["weak"]

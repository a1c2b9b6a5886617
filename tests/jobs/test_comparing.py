"""Evaluate, compare, list and show: what is asked of runs that have ended."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError
from tunesmith.runs.store import Run

MakeRun = Callable[..., Path]


def test_evaluate_on_the_test_rows_gives_the_report(make_run: MakeRun, holdout: Path) -> None:
    run = make_run()
    assert tunesmith.evaluate(run, holdout) == Run.load(run).report()["test"]
    done = CliRunner().invoke(app, ["evaluate", str(run), "--data", str(holdout), "--json"])
    assert json.loads(done.stdout) == Run.load(run).report()["test"]
    shown = CliRunner().invoke(app, ["evaluate", str(run), "--data", str(holdout)]).stdout
    assert "Accuracy" in shown
    assert "Macro-F1" in shown


def test_labels_are_matched_whatever_their_case(make_run: MakeRun, holdout: Path, tmp_path: Path) -> None:
    run = make_run()
    with holdout.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    other = tmp_path / "other.csv"
    with other.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["said", "feels"])
        writer.writerows([row["review"], row["mood"].upper()] for row in rows)
    assert tunesmith.evaluate(run, other, columns=["said"], label="feels") == Run.load(run).report()["test"]


def test_unknown_labels_are_all_named(make_run: MakeRun, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    lines = ["the film was good,good", "a book so bad,bda", "this bike is odd,strange", "our trip looked odd,strange"]
    data.write_text("review,mood\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        tunesmith.evaluate(make_run(), data)
    assert [fault.code for fault in caught.value.faults] == ["K107", "K107"]
    assert '"strange" (2 rows)' in caught.value.faults[0].message
    assert 'Did you mean "bad"?' in caught.value.faults[1].remedy


def test_runs_on_the_same_rows_are_paired(make_run: MakeRun) -> None:
    first, second = make_run("first"), make_run("second", ("seed=14", "stop.epochs=2"))
    value = tunesmith.compare([first, second])
    (found,) = value["pairs"].values()
    assert found["paired"]
    figures = [value["runs"][str(run)]["test"]["macro_f1"]["value"] for run in (first, second)]
    assert found["difference"]["value"] == pytest.approx(figures[0] - figures[1])
    assert found["difference"]["n"] == 30
    assert value["verdict"] == found["verdict"]
    assert value["recipe_differences"] == {"stop.epochs": [None, 2.0], "seed": [13, 14]}
    done = CliRunner().invoke(app, ["compare", str(first), str(second)])
    assert value["verdict"] in done.stdout
    assert "stop.epochs: None | 2.0" in done.stdout


def test_cross_validated_runs_are_paired_by_their_folds(make_run: MakeRun) -> None:
    folds = ("data.test=null", "evaluate.folds=3", "evaluate.repeats=2")
    first, second = make_run("first", folds), make_run("second", (*folds, "seed=14"))
    (found,) = tunesmith.compare([first, second])["pairs"].values()
    assert found["paired"], "other seeds make other folds, and yet every row has an answer of either run"
    figures = [Run.load(run).report()["test"]["macro_f1"]["value"] for run in (first, second)]
    assert found["difference"]["value"] == pytest.approx(figures[0] - figures[1])
    assert found["difference"]["n"] == 90


def test_runs_on_other_rows_are_set_side_by_side(make_run: MakeRun, reviews: Path) -> None:
    first, second = make_run("first"), make_run("second", (f"data.test={reviews}",))
    (found,) = tunesmith.compare([first, second])["pairs"].values()
    assert not found["paired"]
    assert "30 and 90 test rows" in found["verdict"]
    assert "difference" not in found


def test_a_changed_test_file_is_named(make_run: MakeRun, holdout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(holdout.read_bytes())
    first, second = make_run("first"), make_run("second", (f"data.test={copy}",))
    assert tunesmith.compare([first, second])["pairs"][str(second)]["paired"], "another path, the same rows"
    copy.write_bytes(holdout.read_bytes().replace(b"good", b"fine"))
    (found,) = tunesmith.compare([first, second])["pairs"].values()
    assert not found["paired"]
    assert "copy.csv" in found["reason"]


def test_what_cannot_be_compared_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    with pytest.raises(InputError, match="K712"):
        tunesmith.compare([run, run])
    with pytest.raises(InputError, match="K406"):
        tunesmith.compare([run, tmp_path / "none"])
    (run / "state" / "finished.json").rename(tmp_path / "finished.json")
    with pytest.raises(InputError, match="K413"):
        tunesmith.compare([run, tmp_path])


def test_runs_are_listed_shown_and_removed(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("kept")
    runner = CliRunner()
    (line,) = json.loads(runner.invoke(app, ["runs", "--root", str(tmp_path), "--json"]).stdout)["runs"]
    assert (line["name"], line["status"], line["task"]) == ("kept", "finished", "classify")
    assert "finished" in runner.invoke(app, ["runs", "--root", str(tmp_path)]).stdout
    shown = json.loads(runner.invoke(app, ["runs", "show", str(run), "--json"]).stdout)
    assert shown["report"]["verdict"] == "It was not trained."
    assert shown["lock"]["files"].keys() == {"train", "test"}
    assert "It was not trained." in runner.invoke(app, ["runs", "show", str(run)]).stdout
    refused = runner.invoke(app, ["runs", "remove", str(run)])
    assert (refused.exit_code, run.exists()) == (2, True)
    removed = runner.invoke(app, ["runs", "remove", str(run), "--yes", "--json"])
    assert (json.loads(removed.stdout), run.exists()) == ({"removed": str(run)}, False)

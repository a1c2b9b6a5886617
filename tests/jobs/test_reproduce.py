from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tunesmith.cli.main import app
from tunesmith.jobs.reproduce import reproduce

MakeRun = Callable[..., Path]
Trainer = Callable[..., None]


@pytest.fixture
def trained_again(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Say how the second training differs from the first."""
    spec = importlib.util.spec_from_file_location("jobs_conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    helpers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helpers)

    def arrange(**how: Any) -> None:
        def train(recipe: Any, *, folder: Path, progress: Any, command: str) -> Any:
            return helpers.build_run(recipe, folder, command=command, **how)

        monkeypatch.setattr("tunesmith.jobs.train.train", train)

    return arrange


@pytest.mark.parametrize(
    ("how", "level"),
    [({}, "weights"), ({"nudge": 1e-6}, "predictions"), ({"nudge": -9.0}, None)],
)
def test_the_strictest_level_that_matches_is_said(
    make_run: MakeRun, trained_again: Trainer, how: dict[str, float], level: str | None
) -> None:
    run = make_run()
    trained_again(**how)
    done = CliRunner().invoke(app, ["reproduce", str(run), "--json"])
    value = json.loads(done.stdout)
    assert value["level"] == level
    assert done.exit_code == (0 if level else 1)
    assert (value["same_labels"] == value["rows"] == 30) == (level is not None)
    assert value["changed"] == []


def test_scores_within_their_intervals_are_said(make_run: MakeRun, trained_again: Trainer) -> None:
    run = make_run()
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    for score in report["test"].values():
        score |= {"low": -100.0, "high": 100.0}
    (run / "report.json").write_text(json.dumps(report), encoding="utf-8")
    trained_again(nudge=-9.0)
    value = reproduce(run)
    assert value["level"] == "scores"
    assert value["same_labels"] < value["rows"]
    assert f"{value['rows'] - value['same_labels']} of 30 test rows" in value["verdict"]


def test_a_changed_data_file_is_named_and_nothing_is_trained(
    make_run: MakeRun, holdout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(holdout.read_bytes())
    run = make_run("run", (f"data.test={copy}",))
    copy.write_bytes(holdout.read_bytes() + b"31,the film was odd,odd,kept\n")
    monkeypatch.setattr("tunesmith.jobs.train.train", None)
    done = CliRunner().invoke(app, ["reproduce", str(run)])
    assert done.exit_code == 1
    assert "Not reproduced" in done.stdout
    assert "copy.csv" in done.stdout


def test_other_versions_are_said(make_run: MakeRun, trained_again: Trainer) -> None:
    run = make_run()
    lock = json.loads((run / "lock.json").read_text(encoding="utf-8"))
    lock["versions"]["torch"] = "1.0"
    (run / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    trained_again()
    (line,) = reproduce(run)["changed"]
    assert line.startswith("versions.torch: 1.0 → ")

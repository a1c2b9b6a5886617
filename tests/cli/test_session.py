"""A user's session, from a recipe to a prediction, in the words of the program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tunesmith.cli.main import app


@pytest.fixture
def desk(tmp_path: Path, quick: dict[str, Any], reviews: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, its data and its model."""
    shutil.copy(reviews, tmp_path / "reviews.csv")
    shutil.copytree(quick["model"], tmp_path / "tiny")
    recipe = {**quick, "model": "tiny", "data": "reviews.csv"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_train_shows_progress_and_prints_the_report(desk: Path) -> None:
    words = ["train", "recipe.json", "--out", "runs/first", "--seed", "3", "--set", "stop.epochs=2"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    report = json.loads((desk / "runs/first/report.json").read_text(encoding="utf-8"))
    assert document == {"folder": "runs/first", **report}
    assert (document["recipe"]["seed"], document["recipe"]["stop"]["epochs"]) == (3, 2.0)
    assert 'The text is column "review"' in done.stderr
    assert "dev Macro-F1" in done.stderr
    assert not any("\r" in line for line in done.stderr.splitlines() if "dev" in line), "plain lines, no bar"

    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "K401" in again.stderr
    resumed = CliRunner().invoke(app, ["train", "runs/first", "--resume"])
    assert resumed.exit_code == 0, resumed.stderr
    assert document["verdict"] in resumed.stdout
    predicted = CliRunner().invoke(app, ["predict", "runs/first", "the film was good", "--json"])
    assert json.loads(predicted.stdout)["label"] in document["labels"]
    label_counts = {"bad": 30, "good": 30, "odd": 30}
    checked = json.loads(CliRunner().invoke(app, ["check", "recipe.json", "--json"]).stdout)
    assert (checked["rows_read"], checked["rows_kept"], checked["labels"]) == (90, 90, label_counts)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_ends_with_3_and_the_run_goes_on(desk: Path) -> None:
    words = ["train", "recipe.json", "--out", "runs/first", "--set", "stop.epochs=5000"]
    command = [sys.executable, "-m", "tunesmith", *words]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    events = desk / "runs/first/events.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if events.is_file() and '"kind": "dev"' in events.read_text(encoding="utf-8"):
            break
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 3, err
    assert out == ""
    assert "Traceback" not in err
    assert "--resume" in err
    assert list((desk / "runs/first/checkpoints").iterdir())

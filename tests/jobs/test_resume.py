"""What stops a run before its end is said, and the run can go on."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import Interrupted, RunError
from tunesmith.jobs.train import train
from tunesmith.runs.store import Run


def model_bytes(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_a_corrupt_checkpoint_is_said_and_the_one_before_it_used(quick: dict[str, Any], tmp_path: Path) -> None:
    expected = tmp_path / "expected"
    train(quick, folder=expected)
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(quick, folder=folder, progress=_signal_at_step(12))
    [file] = (folder / "checkpoints" / "select" / "last").glob("*.safetensors")
    damaged = bytearray(file.read_bytes())
    damaged[-10] ^= 1
    file.write_bytes(damaged)
    said: list[dict[str, Any]] = []
    train(quick, folder=folder, resume=True, progress=said.append)
    assert any(event["kind"] == "finding" and event["code"] == "K407" for event in said)
    assert model_bytes(folder) == model_bytes(expected)


def test_ctrl_c_saves_and_says_how_to_go_on(quick: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Interrupted, match=r"--resume"):
        train(quick, folder=folder, progress=_signal_at_step(7))
    said: list[dict[str, Any]] = []
    train(quick, folder=folder, resume=True, progress=said.append)
    stages = [event for event in said if event["kind"] == "stage"]
    assert stages[0]["resumed_at"] == 7
    assert Run.load(folder).is_finished


def test_a_loss_that_is_not_a_number_names_step_and_rows(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "optimizer": {"learning_rate": 1e30, "head_learning_rate": 1e30, "clip_norm": None}}
    with pytest.raises(RunError, match=r"K501 step \d+: the loss is .*reviews.csv row \d+"):
        train(recipe, folder=tmp_path / "run")


def test_a_full_disk_is_said_and_the_run_can_go_on(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from tunesmith.runs import checkpoint

    folder = tmp_path / "run"
    written = checkpoint._write
    calls = 0

    def full(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(*arguments)

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(RunError, match="space"):
        train(quick, folder=folder)
    monkeypatch.setattr(checkpoint, "_write", written)
    train(quick, folder=folder, resume=True)
    expected = tmp_path / "expected"
    train(quick, folder=expected)
    assert model_bytes(folder) == model_bytes(expected)


def test_a_budget_of_seconds_ends_the_training(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "stop": {"epochs": 100_000, "seconds": 2.0, "patience": None, "refit": False}}
    run = train(recipe, folder=tmp_path / "run")
    seconds = run.report()["speed"]["train_seconds"]
    steps = run.report()["history"][-1]["step"]
    assert steps < 50_000
    assert seconds < 2.0 + 30 * seconds / steps, "it ends within a few steps of the budget"


def _signal_at_step(number: int) -> Any:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == number:
            os.kill(os.getpid(), signal.SIGINT)

    return listen

"""A training that was stopped in the middle ends in the same weights, bit for bit, whatever its strategies hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import Interrupted
from tunesmith.jobs.train import train

CASES: dict[str, tuple[dict[str, Any], ...]] = {
    "stalls and fades": ({"unfreeze": {"by": "stall", "warmup_steps": 6}}, {"average": {"decay": 0.9}}),
    "anew and soup": ({"reinit": {}}, {"average": {"kind": "soup", "start": 0.2}}),
    "biases and mean": ({"bitfit": {}}, {"dropout": {}}, {"decay": {}}, {"average": {"kind": "swa", "start": 0.3}}),
}


def stop_at(number: int, stage: str) -> Callable[[dict[str, Any]], None]:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and (event["step"], event["stage"]) == (number, stage):
            os.kill(os.getpid(), signal.SIGINT)

    return listen


@pytest.mark.parametrize("case", sorted(CASES))
def test_stopped_while_choosing_and_while_refitting(quick: dict[str, Any], tmp_path: Path, case: str) -> None:
    recipe = {
        **quick, "strategies": list(CASES[case]), "stop": {"epochs": 4, "patience": None, "refit": True},
        "evaluate": {"folds": 0, "resamples": 20, "baselines": []},
    }  # fmt: skip
    train(recipe, folder=tmp_path / "whole")
    for number, stage in ((9, "select"), (13, "refit")):
        with pytest.raises(Interrupted):
            train(recipe, folder=tmp_path / "parts", resume=stage == "refit", progress=stop_at(number, stage))
    train(recipe, folder=tmp_path / "parts", resume=True)
    whole, parts = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()

"""What frozen blocks give of a row is computed once, and the training ends where it does without."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith.errors import Interrupted
from tunesmith.jobs import frozen as ground
from tunesmith.jobs.train import train
from tunesmith.models.frozen import Frozen
from tunesmith.models.kept import Kept
from tunesmith.models.tiny import save_tiny
from tunesmith.runs.states import ENDING, States, states_folder
from tunesmith.tasks.classify import Classify  # noqa: F401 - the family is loaded before anything is counted

BODY = [{"freeze": {"blocks": 1}}]
HEAD = [{"freeze": {"names": "."}}]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "states"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows were given and how many batches computed, and how often a batch was not to be had."""
    seen: Counter[str] = Counter()
    read, computed = Kept.read, Kept._computed

    def counting(self: Kept, inputs: Any) -> Any:
        found = read(self, inputs)
        seen["none" if found is None else "given"] += 1
        return found

    def computing(self: Kept, key: bytes) -> Any:
        seen["computed"] += 1
        return computed(self, key)

    monkeypatch.setattr(Kept, "read", counting)
    monkeypatch.setattr(Kept, "_computed", computing)
    return seen


def weights(recipe: dict[str, Any], folder: Path, **how: Any) -> dict[str, torch.Tensor]:
    evaluate = {**recipe["evaluate"], "baselines": ["majority"]}
    train({**recipe, "precision": "fp32", "evaluate": evaluate, **how}, folder=folder)
    return load_file(folder / "model" / "model.safetensors")


def both(recipe: dict[str, Any], folder: Path, **how: Any) -> tuple[dict[str, torch.Tensor], ...]:
    """Return the weights without and with what is kept."""
    batching = recipe.get("batching", {})
    return tuple(
        weights({**recipe, "batching": {**batching, "cache_frozen": cached}}, folder / str(cached), **how)
        for cached in (False, True)
    )


def assert_close(slow: dict[str, torch.Tensor], fast: dict[str, torch.Tensor]) -> None:
    assert slow.keys() == fast.keys()
    for name, value in slow.items():
        torch.testing.assert_close(fast[name], value, atol=2e-4, rtol=1e-3, msg=name)


STRATEGIES: list[list[Any]] = [
    BODY, [*BODY, "rdrop"], [*BODY, "mixup", "l2sp"], [*BODY, "distil_from_base"], [*BODY, "average", "layerwise_lr"],
    [*BODY, "multi_sample_dropout", "mixout"], [*BODY, {"contrastive": {"steps": 2}}], [*BODY, "probe_start"],
    [*BODY, {"unfreeze": {"by": "epoch"}}],
]  # fmt: skip


@pytest.mark.parametrize("strategies", STRATEGIES, ids=str)
def test_the_weights_are_those_without(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str], strategies: list[Any]
) -> None:
    slow, fast = both({**quick, "strategies": strategies, "stop": {"epochs": 3, "steps": 8}}, tmp_path)
    assert_close(slow, fast)
    assert asked["given"] > asked["computed"] > 0

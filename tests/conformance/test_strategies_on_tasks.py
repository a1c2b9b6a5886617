"""Every strategy on every task: it trains, or is refused with a reason before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import InputError
from tunesmith.jobs.train import train
from tunesmith.recipe import catalogue
from tunesmith.recipe.policies import POLICIES

NAMES = [*catalogue.STRATEGIES, *POLICIES]
REFUSED = ("K210", "K213", "K507", "K509", "K516")
"""Of the task, or of the architecture."""


@pytest.mark.parametrize("task", sorted(catalogue.TASKS))
def test_it_trains_or_says_why_not(task: str, tables: dict[str, Path], models: dict[str, Path], tmp_path: Path) -> None:
    recipe: dict[str, Any] = {
        "task": task, "model": str(models[task]), "data": {"train": str(tables[task])},
        "stop": {"steps": 2, "refit": False}, "text": {"max_tokens": 16 if task == "masked" else 64},
        "evaluate": {"folds": 0, "resamples": 10, "baselines": [], "forgetting": "off"}, "precision": "fp32",
    }  # fmt: skip
    if task != "masked":
        recipe["data"]["limit"] = 24
    trained, wrong = set(), {}
    for name in NAMES:
        said: list[dict[str, Any]] = []
        try:
            asked = {**recipe, "strategies": [name] if name in POLICIES else [{name: {}}]}
            report = train(asked, folder=tmp_path / name, progress=said.append).report()
            assert report["history"]
            trained.add(name)
        except InputError as error:
            if not str(error).startswith(REFUSED) or any(event["kind"] == "step" for event in said):
                wrong[name] = str(error)
        except Exception as error:
            wrong[name] = repr(error)
    assert not wrong
    assert trained >= {"layerwise_lr", "standard", "large_data"}

"""Every strategy of the table, by walking the table: what it must do to be let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Strategy
from tunesmith.jobs.train import train
from tunesmith.recipe import catalogue
from tunesmith.recipe.complete import SMALL_CHANGES
from tunesmith.recipe.support import conflict_of

NAMES = sorted(catalogue.STRATEGIES)
DOCS = Path(__file__).parents[2] / "docs" / "strategies"


class Halve(Strategy):
    """A toy: half the loss. Enough of a strategy to be trained with."""

    share: float = 0.5
    """What is left of the loss."""

    def wrap(self, objective: Objective, model: torch.nn.Module) -> Objective:
        """Scale the values."""

        def wrapped(batch: Batch) -> Loss:
            loss = objective(batch)
            loss.values = loss.values * self.share
            return loss

        return wrapped


FINISHED: list[str] = []
"""Stages of the toys below, in the order in which they finished."""


class Early(Strategy):
    """A toy that notes when it finishes."""

    stage = "adapter"

    def finish(self, model: torch.nn.Module) -> torch.nn.Module:
        """Note it."""
        FINISHED.append(self.stage)
        return model


class Late(Early):
    """The same, put on last."""

    stage = "average"


@pytest.fixture
def with_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.STRATEGIES, "halve", f"{__name__}:Halve")  # one line


def tuned(quick: dict[str, Any], folder: Path, *strategies: dict[str, Any], **stop: Any) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    recipe = {**quick, "strategies": list(strategies), "stop": {"steps": 6, "epochs": 4, "refit": False, **stop}}
    train(recipe, folder=folder)
    [weights] = (folder / "model").glob("*.safetensors")  # those of the model, or what stands beside it
    return load_file(weights)


def test_the_table_is_walked() -> None:
    assert len(NAMES) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_when_at_what_cost_and_from_where(name: str) -> None:
    kind = catalogue.load_entry("strategies", name)
    text = kind.__doc__ or ""
    for word in ("Use it when", "Cost:", "Source:"):
        assert word in text, f"the docstring of {name} does not say {word!r}"
    for option, field in kind.model_fields.items():
        assert field.description, f"{name}.{option} has no docstring"
    assert (DOCS / f"{name}.md").is_file(), f"{name} has no page"


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_in_half_precision_and_is_deterministic(quick: dict[str, Any], tmp_path: Path, name: str) -> None:
    half = {**quick, "precision": "bf16"}
    first = tuned(half, tmp_path / "a", {name: {}})
    second = tuned(half, tmp_path / "b", {name: {}})
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.isfinite(value).all()
        assert torch.equal(value, second[key]), f"{key} differs between two runs"


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_what_there_is_to_learn(quick: dict[str, Any], tmp_path: Path, name: str) -> None:
    # The matrices of the tiny model are noise, and what trains few weights, or stays near, learns around them.
    epochs = 30 if name in ("bitfit", "ewc") or name in SMALL_CHANGES else 12
    recipe = {**quick, "strategies": [{name: {}}], "stop": {"epochs": epochs, "patience": None}}
    if name in SMALL_CHANGES:
        recipe["optimizer"] = {"learning_rate": 2e-2, "head_learning_rate": 1e-2}  # their steps are small ones
    if catalogue.load_entry("strategies", name).leads:
        # The first token of a body of random weights hardly sees the others: its head is not found in these few steps.
        recipe["strategies"] = [{name: {}}, {"probe_start": {}}]
    gains = []
    for seed in (13, 0, 1):  # from some starts a body of noise learns next to nothing
        report = train({**recipe, "seed": seed}, folder=tmp_path / str(seed)).report()
        chance = report["baselines"]["majority"]["scores"]["accuracy"]["value"]
        gains.append(report["test"]["accuracy"]["value"] - chance)
    assert sum(gains) / len(gains) > 0.2, gains


def teams() -> list[list[str]]:
    """Every strategy of the table, in as few recipes as there must be: those of one go together."""
    found: list[list[str]] = []
    for name in NAMES:
        team = next((team for team in found if not any(conflict_of(name, other) for other in team)), None)
        if team is None:
            found.append(team := [])
        team.append(name)
    return found


@pytest.mark.parametrize("team", teams(), ids=" ".join)
def test_all_that_go_together_train_together(quick: dict[str, Any], tmp_path: Path, team: list[str]) -> None:
    assert len(team) > 1 or any(conflict_of(team[0], name) for name in NAMES)
    for value in tuned(quick, tmp_path / "run", *({name: {}} for name in team)).values():
        assert torch.isfinite(value).all()


@pytest.mark.usefixtures("with_toy")
def test_a_new_strategy_takes_one_class_and_one_line(quick: dict[str, Any], tmp_path: Path) -> None:
    plain = tuned(quick, tmp_path / "plain", {"layerwise_lr": {"decay": 1.0}})
    toy = tuned(quick, tmp_path / "toy", {"layerwise_lr": {"decay": 1.0}}, {"halve": {"share": 0.1}})
    assert any(not torch.equal(value, toy[key]) for key, value in plain.items())


def test_what_is_put_on_last_finishes_first(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FINISHED.clear()
    for name in ("Early", "Late"):
        monkeypatch.setitem(catalogue.STRATEGIES, name.lower(), f"{__name__}:{name}")
    tuned(quick, tmp_path / "run", {"late": {}}, {"early": {}}, steps=1)
    assert FINISHED == ["average", "adapter"]

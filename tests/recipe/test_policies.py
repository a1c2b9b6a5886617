"""Policies are lists: spelt out when a recipe is read."""

from __future__ import annotations

import pytest

from tunesmith.recipe.parse import parse
from tunesmith.recipe.policies import POLICIES
from tunesmith.recipe.resolve import resolve


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_written_out_as_its_list_and_can_be_built(name: str) -> None:
    recipe = parse({"data": "rows.csv", "strategies": name})
    assert recipe.strategies == POLICIES[name]
    assert len(resolve(recipe).strategies) == len(POLICIES[name])


def test_what_stands_beside_a_policy_wins() -> None:
    asked = ["standard", {"layerwise_lr": {"decay": 0.8}}]
    strategies = parse({"data": "rows.csv", "strategies": asked}).strategies or ()
    assert [item["layerwise_lr"] for item in strategies if "layerwise_lr" in item] == [{"decay": 0.8}]
    assert len(strategies) == len(POLICIES["standard"])


@pytest.mark.parametrize("asked", ["auto", ["auto"]])
def test_auto_says_nothing(asked: str | list[str]) -> None:
    assert parse({"data": "rows.csv", "strategies": asked}) == parse({"data": "rows.csv"})


def test_policies_are_set_from_the_command_line() -> None:
    assert parse("rows.csv", sets=["strategies=bold"]).strategies == POLICIES["bold"]

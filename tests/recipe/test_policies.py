"""Policies are lists: spelt out when a recipe is read."""

from __future__ import annotations

import pytest

from tunesmith.recipe.complete import Facts, complete
from tunesmith.recipe.parse import parse
from tunesmith.recipe.policies import FEW_A_CLASS, POLICIES, policy_for
from tunesmith.recipe.resolve import resolve

FACTS = Facts(
    task="classify", metric="macro_f1", baselines=(), rows=16, counts=[8, 8], longest=20, limit=512, width=384,
    dev_given=False, crossed=False, labels=("a", "b"),
)  # fmt: skip
LESS = ({"freeze": {"embeddings": True}}, {"layerwise_lr": {"decay": 0.9}})


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


@pytest.mark.parametrize(
    ("task", "rows", "classes", "policy"),
    [
        ("classify", 6 * FEW_A_CLASS, 6, "few_shot"),
        ("classify", 6 * FEW_A_CLASS + 1, 6, "careful"),
        ("regress", 20, 0, "standard"),
        ("pair", 20, 2, "standard"),
        ("multilabel", 20, 0, "standard"),
    ],
)
def test_auto_looks_at_the_rows_a_class(task: str, rows: int, classes: int, policy: str) -> None:
    assert policy_for(task, rows, classes) == policy


@pytest.mark.parametrize(("head", "strategies"), [("auto", POLICIES["few_shot"]), ("pattern", LESS)])
def test_few_rows_are_brought_together_first_unless_the_head_is_there(head: str, strategies: object) -> None:
    pattern = {"pattern": {"words": {"a": "yes", "b": "no"}}} if head == "pattern" else {}
    recipe = parse({"data": "rows.csv", "task": "classify", "head": head, **pattern})
    assert complete(recipe, FACTS).strategies == strategies

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import ClassVar

import pytest

from tunesmith.core.strategy import Stage, Strategy
from tunesmith.errors import InputError
from tunesmith.recipe import catalogue
from tunesmith.recipe.catalogue import STRATEGIES, TASKS, entries, load_entry
from tunesmith.recipe.diff import differences
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Data, Recipe


def test_strategies_are_built_in_order(gentle: None) -> None:
    plan = resolve(parse({"data": "a.csv", "strategies": [{"gentle": {"share": 0.1}}]}))
    assert [type(strategy).__name__ for strategy in plan.strategies] == ["Gentle"]
    assert plan.strategies[0].share == 0.1  # type: ignore[attr-defined]
    assert plan.task is None


def test_the_task_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "toy_tasks", SimpleNamespace(Toy=lambda: "a toy"))  # type: ignore[arg-type]
    monkeypatch.setitem(TASKS, "pair", "toy_tasks:Toy")
    assert resolve(Recipe(data=Data(train="a.csv"), task="pair")).task == "a toy"  # type: ignore[comparison-overlap]


def test_all_faults_come_before_anything_is_built(gentle: None) -> None:
    recipe = Recipe(
        data=Data(train="a.csv", separator=""),
        strategies=({"gentle": {"share": "much", "size": 1}}, {"gentl": {}}),
    )
    with pytest.raises(InputError) as caught:
        resolve(recipe)
    assert sorted((fault.code, fault.where) for fault in caught.value.faults) == [
        ("K201", "recipe: strategies[0].gentle.size"),
        ("K204", "recipe: strategies[0].gentle.share"),
        ("K207", "recipe: strategies[1]"),
        ("K210", "recipe: data.separator"),
    ]


def test_a_part_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "broken", "tunesmith.strategies.nothing:Nothing")
    with pytest.raises(InputError, match="K209") as caught:
        load_entry("strategies", "broken")
    assert "tunesmith.strategies.nothing" in str(caught.value)


def test_installed_packages_offer_entries_but_never_hide_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [SimpleNamespace(name="theirs", value="json:JSONDecoder"), SimpleNamespace(name="freeze", value="json:x")]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points if group == "tunesmith.strategies" else [])
    assert load_entry("strategies", "theirs").__name__ == "JSONDecoder"
    assert entries("strategies")["freeze"] == STRATEGIES["freeze"]
    with pytest.raises(InputError, match='Did you mean "theirs"'):
        load_entry("strategies", "their")


def test_conflicts_of_installed_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Theirs(Strategy):
        """A loss of a row."""

        stage: ClassVar[Stage] = "loss"

    monkeypatch.setitem(sys.modules, "toy_losses", SimpleNamespace(Theirs=Theirs))  # type: ignore[arg-type]
    points = [SimpleNamespace(name="theirs", value="toy_losses:Theirs")]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points if group == "tunesmith.strategies" else [])
    with pytest.raises(InputError) as caught:
        resolve(parse({"data": "a.csv", "strategies": ["focal", "theirs"]}))
    [fault] = caught.value.faults
    assert (fault.code, fault.where) == ("K212", "recipe: strategies[1]")
    assert fault.message.startswith("focal and theirs do not go together: both replace the loss of a row")


def test_differences_name_dotted_keys() -> None:
    a = parse({"data": {"train": "a.csv", "labels": {"x": "y"}}, "seed": 1})
    b = parse({"data": "a.csv", "stop": {"epochs": 2}, "seed": 1})
    assert differences(a, b) == [("data.labels", {"x": "y"}, {}), ("stop.epochs", None, 2.0)]
    assert differences(a, a) == []

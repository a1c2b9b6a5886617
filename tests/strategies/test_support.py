"""What goes together, and what does not: told before anything is trained."""

from __future__ import annotations

import pytest

from tunesmith.core.strategy import STAGES, Strategy
from tunesmith.errors import InputError
from tunesmith.recipe import catalogue, support
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve


def test_strategies_are_applied_by_stage_whatever_their_order() -> None:
    asked = {"data": "rows.csv", "strategies": ["probe_start", {"freeze": {"blocks": 1}}, {"layerwise_lr": {}}]}
    built = resolve(parse(asked)).strategies
    assert [type(strategy).__name__ for strategy in built] == ["Freeze", "LayerwiseLR", "ProbeStart"]


@pytest.mark.parametrize("name", sorted(catalogue.STRATEGIES))
def test_every_strategy_has_a_stage_of_its_own_choice(name: str) -> None:
    kind: type[Strategy] = catalogue.load_entry("strategies", name)
    assert "stage" in vars(kind)
    assert kind.stage in STAGES


def test_the_adapters_that_conflicts_name_are_those_of_their_stage() -> None:
    kinds = {name: catalogue.load_entry("strategies", name).stage for name in catalogue.STRATEGIES}
    assert sorted(support.ADAPTERS) == sorted(name for name, stage in kinds.items() if stage == "adapter")


def test_every_conflict_names_strategies_that_there_are() -> None:
    for first, second, reason in support.CONFLICTS:
        assert {*first, *second} <= set(catalogue.STRATEGIES)
        assert reason


def test_what_does_not_go_together_is_said_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = support.Conflict(("freeze",), ("lora", "probe_start"), "of a reason")
    monkeypatch.setattr(support, "CONFLICTS", (rule,))
    assert support.conflict_of("lora", "freeze") == support.conflict_of("freeze", "lora") == "of a reason"
    assert not support.conflict_of("lora", "probe_start")
    with pytest.raises(InputError) as raised:
        resolve(parse({"data": "rows.csv", "strategies": ["probe_start", "layerwise_lr", "freeze"]}))
    [fault] = raised.value.faults
    assert fault.code == "K212"
    assert "probe_start and freeze do not go together: of a reason" in fault.message


def test_a_strategy_for_other_heads_is_refused() -> None:
    [fault] = support.unfit(["freeze", "focal"], "regression", "regress")
    assert fault.code == "K213"
    assert fault.message.startswith("focal works with single_label_classification")
    assert not list(support.unfit(["freeze", "focal"], "single_label_classification", "classify"))

"""What goes together, asked of the place that says so."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.recipe.support import indivisible


@pytest.mark.parametrize(
    ("items", "precision", "named"),
    [
        ([{"freeze": {}}, {"lora": {"rank": 4}}], "bf16", []),
        ([{"lora": {"quantise": None}}], "fp32", []),
        ([{"lora": {"quantise": "nf4"}}], "bf16", ["recipe: strategies.lora.quantise"]),
        ([{"l2sp": {}}, {"average": {}}], "fp32", ["recipe: strategies.l2sp", "recipe: strategies.average"]),
        ([], "fp16", ["recipe: precision"]),
    ],
)
def test_what_needs_whole_weights_is_named(items: Any, precision: str, named: list[str]) -> None:
    found = list(indivisible(items, precision))
    assert [fault.where for fault in found] == named
    assert all(fault.code == "K546" for fault in found)

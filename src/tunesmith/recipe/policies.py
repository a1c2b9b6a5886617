"""Named lists of strategies, for those who would rather not know the names of papers."""

from __future__ import annotations

from typing import Any

POLICIES: dict[str, tuple[dict[str, dict[str, Any]], ...]] = {
    "careful": ({"freeze": {"embeddings": True}}, {"layerwise_lr": {"decay": 0.9}}, {"distil_from_base": {}}),
    "standard": ({"freeze": {"embeddings": True}}, {"layerwise_lr": {"decay": 0.9}}),
    "bold": ({"probe_start": {}},),
    "few_shot": ({"contrastive": {}}, {"freeze": {"blocks": "all"}}, {"probe_start": {}}),
    "large_data": (),
}  # fmt: skip
"""Policy → its strategies. A recipe that names one is written out as the list."""
AUTO = "auto"
"""What stands for the choice by the number of rows, which is also made where a recipe says nothing."""
FEW_A_CLASS = 32
"""Rows a class, on average, up to which a classifier takes `few_shot`."""


def policy_for(task: str, rows: int, classes: int) -> str:
    """Return the policy that `auto` stands for, on a task that reads rows.

    Args:
        task: by its name.
        rows: to train and choose on.
        classes: of which each row has one; 0 where there are none.
    """
    if task != "classify":
        return "standard"
    return "few_shot" if rows <= FEW_A_CLASS * classes else "careful"


def spelt_out(items: list[Any]) -> list[Any]:
    """Return `items` with each policy replaced by its strategies; what stands beside it under its own name wins.

    Example:
        >>> spelt_out(["bold", {"layerwise_lr": {"decay": 0.8}}])
        [{'probe_start': {}}, {'layerwise_lr': {'decay': 0.8}}]
    """
    named = {name for item in items if isinstance(item, dict) for name in item}
    result: list[Any] = []
    for item in items:
        if isinstance(item, str) and item in POLICIES:
            result += [part for part in POLICIES[item] if not named & set(part)]
        else:
            result.append(item)
    return result

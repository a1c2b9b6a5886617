"""What two recipes ask differently."""

from __future__ import annotations

from typing import Any

from tunesmith.recipe.schema import Recipe


def differences(a: Recipe, b: Recipe) -> list[tuple[str, Any, Any]]:
    """Return (dotted key, value in `a`, value in `b`) for every key that differs, in the order of the schema.

    Example:
        >>> from tunesmith.recipe.schema import Data
        >>> differences(Recipe(data=Data(train="a.csv")), Recipe(data=Data(train="b.csv"), seed=1))
        [('data.train', 'a.csv', 'b.csv'), ('seed', 13, 1)]
    """
    left, right = _flat(a.model_dump(mode="json")), _flat(b.model_dump(mode="json"))
    return [(key, left.get(key), right.get(key)) for key in {**left, **right} if left.get(key) != right.get(key)]


def _flat(value: dict[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and key != "labels":
            flat.update(_flat(item, f"{at}{key}."))
        else:
            flat[at + key] = item
    return flat

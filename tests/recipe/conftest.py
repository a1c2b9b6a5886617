from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tunesmith.core.strategy import Strategy
from tunesmith.recipe.catalogue import STRATEGIES


class Gentle(Strategy):
    """A strategy with two options."""

    share: float = 0.5
    """How much."""
    layers: tuple[str, ...] = ()
    """Which."""


@pytest.fixture
def gentle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strategy called `gentle` in the table, as a package would offer it."""
    module = ModuleType("toy_strategies")
    module.Gentle = Gentle  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_strategies", module)
    monkeypatch.setitem(STRATEGIES, "gentle", "toy_strategies:Gentle")

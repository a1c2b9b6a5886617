"""From data to objects: the recipe with its task and strategies built, or everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.core.strategy import STAGES, Strategy
from tunesmith.core.task import Task
from tunesmith.errors import InputError
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.checks import contradictions
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.strategies import build_strategies, names_of
from tunesmith.recipe.support import conflicts
from tunesmith.recipe.text import Path, dotted


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe resolved into objects.

    Args:
        recipe: what was asked.
        task: not fitted yet; None where the recipe says `auto` and the columns decide.
        strategies: in the order in which they are applied; empty where the recipe leaves the choice to the number of
            rows.
    """

    recipe: Recipe
    task: Task | None
    strategies: tuple[Strategy, ...]


def resolve(recipe: Recipe) -> Plan:
    """Build the task and the strategies of `recipe`.

    Raises:
        InputError: with every fault in it, before anything else is built.
    """
    strategies, faults = build_strategies(recipe.strategies or (), _where)
    faults += conflicts(names_of(recipe.strategies), _where)
    faults += contradictions(recipe, _where)
    if faults:
        raise InputError(faults)
    task = None if recipe.task == "auto" else load_entry("tasks", recipe.task, _where(("task",)))()
    return Plan(recipe, task, tuple(sorted(strategies, key=lambda strategy: STAGES.index(strategy.stage))))


def _where(path: Path) -> str:
    return f"recipe: {dotted(path)}"

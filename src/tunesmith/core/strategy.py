"""How the weights move: six empty hooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from tunesmith.core.batch import Batch, Objective
    from tunesmith.core.task import Task


class Group(TypedDict):
    """One parameter group of the optimiser: named, with its own rate and decay."""

    name: str
    params: list[tuple[str, nn.Parameter]]
    lr: float
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: `share` runs from 0 to 1, `step` counts optimiser steps."""

    share: float
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What a strategy may look at before training starts.

    Args:
        task: fitted on the train split.
        targets: of the train units (rows, or the words of texts), [U] class indices or numbers, [U, C] for several
            labels.
        embed: model → the inputs of its last linear layer, float32 [U, H], one row per unit.
        seed: of the run; a strategy that draws numbers draws them from a generator seeded with it.
    """

    task: Task
    targets: np.ndarray[Any, Any]
    embed: Callable[[nn.Module], Tensor]
    seed: int


class Strategy(BaseModel):
    """The base of every strategy: its fields are its options, their docstrings the only help text.

    Override the hooks you need; each default does nothing. Strategies compose in the order of the recipe: the first
    prepares first and wraps innermost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Change the model before the optimiser is built: freeze, add adapters, start the head."""
        return model

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Change rates and decays, or drop what shall not be trained."""
        return groups

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Return an objective around `objective`: a second pass, a penalty, a mixed-in batch."""
        return objective

    def after_backward(self, backward: Callable[[Batch], None], model: nn.Module, batch: Batch) -> None:
        """Act when the gradients of `batch` are there; `backward(batch)` adds those of another pass."""

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Act before a step: unfreeze, average."""

    def finish(self, model: nn.Module) -> nn.Module:
        """Change the trained model before it is saved: merge, average."""
        return model

    def state(self) -> dict[str, Any]:
        """Return the tensors and numbers that a resumed run needs; empty for most."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""

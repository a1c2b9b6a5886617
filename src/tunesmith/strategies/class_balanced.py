"""Class-balanced loss: a class counts by how much its rows say together, not by how many there are."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.core.task import Array
from tunesmith.engine.losses import class_counts, log_chances, per_row, take_loss
from tunesmith.strategies.focal import focused


class ClassBalanced(Strategy):
    """Weigh the rows of a class by one over the effective number of its rows.

    The more rows a class has, the more often the next one repeats what is known: n rows say as much as
    E = (1 − βⁿ) / (1 − β) different ones. With the weights brought to a sum of C over the C classes, [C]:

        w_c = (1 − β) / (1 − β^{n_c})        ℓ = −w_y (1 − p_y)^γ log p_y

    Of several labels every class is a problem of two, has it or has it not, with two counts and two weights.

    Use it when classes differ much in their rows and each matters alike, as for macro-F1. Prefer `logit_adjusted` when
    the model can learn all its train rows by heart: weights then change little of where it ends. Prefer none when what
    is frequent in the rows is frequent in use, and the share of right answers is what counts.

    Cost: none.

    Source: Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, sections 3 and 4.
    """

    stage: ClassVar[Stage] = "loss"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    beta: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    """How slowly rows repeat each other: 0 weighs no class, near 1 a class weighs one over its number of rows."""
    gamma: Annotated[float, Field(ge=0.0)] = 0.0
    """How much less a row counts that the model is sure of, as in `focal`."""

    _weights: Tensor = PrivateAttr(default_factory=lambda: torch.ones(1))

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Count the classes of the train rows."""
        weights = self.weights(class_counts(setup.targets, setup.task.head().size))
        self._weights = torch.from_numpy(weights)
        return model

    def weights(self, counts: Array) -> Array:
        """Return the weights of classes that have `counts` rows, along the last axis."""
        raw = (1.0 - self.beta) / (1.0 - self.beta**counts)
        return np.asarray(raw / raw.sum(-1, keepdims=True) * raw.shape[-1])

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace the loss of a row."""
        return take_loss(objective, self.losses)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return ℓ, [N], from logits [N, C]."""
        assert batch.targets is not None, "a loss needs targets"
        weights, targets = self._weights.to(outputs), batch.targets.long()
        chosen = weights[targets] if weights.ndim == 1 else torch.where(targets == 1, weights[:, 1], weights[:, 0])
        return per_row(chosen * focused(log_chances(outputs, batch), self.gamma))

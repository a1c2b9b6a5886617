"""Logit-adjusted loss: what is frequent has to be right by more."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.engine.losses import class_counts, log_chances, per_row, take_loss


class LogitAdjusted(Strategy):
    """Add the logarithm of each class's share of the rows to its logit while training, and leave it out afterwards.

    With logits z [N, C] and the share π_c of the train rows that have class c:

        ℓ = −log softmax(z + τ log π)_y

    What the loss needs is then in part given by the frequencies, and z is left to say what the text says. Of several
    labels every class is a problem of two: z_c + τ log(π_c / (1 − π_c)), and ℓ is the mean over the classes.

    Use it when classes differ much in their rows and each matters alike, as for macro-F1. Prefer none when the classes
    are as frequent in use as in the rows: the probabilities are those of a world in which all classes are alike
    frequent, so a rare class is given more often than it occurs.

    Cost: none.

    Source: Menon et al. 2021, Long-Tail Learning via Logit Adjustment, section 5.
    """

    stage: ClassVar[Stage] = "loss"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    tau: Annotated[float, Field(ge=0.0)] = 1.0
    """How much the frequencies count; 1 aims at the mean share of right answers of the classes, 0 changes nothing."""

    _shift: Tensor = PrivateAttr(default_factory=lambda: torch.zeros(1))

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Count the classes of the train rows."""
        counts = class_counts(setup.targets, setup.task.head().size)
        odds = counts / counts.sum() if counts.ndim == 1 else counts[:, 1] / counts[:, 0]
        self._shift = torch.from_numpy(self.tau * np.log(odds))
        return model

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace the loss of a row."""
        return take_loss(objective, self.losses)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return ℓ, [N], from logits [N, C]."""
        return -per_row(log_chances(outputs + self._shift.to(outputs), batch))

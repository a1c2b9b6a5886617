"""Focal loss: what the model is sure of already counts little."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Stage, Strategy
from tunesmith.engine.losses import log_chances, per_row, take_loss


class Focal(Strategy):
    """Weigh a row by how wrong the model is about it, so that many easy rows do not outshout a few hard ones.

    With the probability p of what is right, [N]:

        ℓ = −(1 − p)^γ log p

    Of several labels p is that of each class, and ℓ the mean over the classes.

    Use it when most rows, words or labels are easy and say nothing new: many labels of which a row has few, tags that
    are mostly O. Prefer none when labels are wrong here and there: it looks at those rows most. The weights α of
    classes in the paper are `class_balanced`'s, which has γ too.

    Cost: none.

    Source: Lin et al. 2017, Focal Loss for Dense Object Detection, equation 4.
    """

    stage: ClassVar[Stage] = "loss"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    gamma: Annotated[float, Field(ge=0.0)] = 2.0
    """How much less a row counts that the model is sure of; with 0 all count alike."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace the loss of a row."""
        return take_loss(objective, self.losses)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return ℓ, [N], from logits [N, C]."""
        return per_row(focused(log_chances(outputs, batch), self.gamma))


def focused(log_p: Tensor, gamma: float) -> Tensor:
    """Return −(1 − p)^γ log p from log p."""
    # Where p rounds to 1, a power below 1 has no finite slope.
    doubt = (-log_p.expm1()).clamp(min=1e-12)
    return -(doubt**gamma) * log_p

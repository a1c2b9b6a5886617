"""Layer-wise learning rates."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from tunesmith.core.strategy import Group, Stage, Strategy
from tunesmith.models.blocks import blocks, by_depth


class LayerwiseLR(Strategy):
    """Give lower blocks lower rates: they hold what all language shares.

    A parameter at depth d of a body with L blocks learns at lr · decay^(L − d): the highest block at lr, embeddings
    (d = 0) at lr · decay^L. The head keeps its own rate.

    Use it when rows are few; prefer none (decay 1) when there are tens of thousands.

    Cost: none.

    Source: Howard and Ruder 2018, ULMFiT, section 3.2 (discriminative fine-tuning), with decay per block in place of
    the fixed 2.6.
    """

    stage: ClassVar[Stage] = "rates"

    decay: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    """Ratio of the rates of neighbouring blocks."""

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Split each group of the body by depth and scale its rate."""
        _, count = blocks(model)
        return [
            {**group, "lr": group["lr"] * self.decay ** max(0, count - level)}
            for level, group in by_depth(groups, model)
        ]

"""Freezing: what is not trained cannot forget, and costs nothing."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.models.blocks import blocks, depth


class Freeze(Strategy):
    """Keep the lowest part of the body as it was pretrained.

    Use it when rows are few or time is short: word embeddings are half of a small model and see most words never.

    Blocks that are frozen from below run without dropout: nothing in them learns that it could make robust, and what
    they give of a row is then always the same. On a CPU it is computed once and kept (`batching.cache_frozen`).

    Cost: negative; frozen weights need no gradient, no moments and no place in a checkpoint, and from the second pass
        over the rows on, frozen blocks need no time either (docs/performance.md).

    Source: Lee, Tang and Lin 2019, What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning.
    """

    stage: ClassVar[Stage] = "rates"

    embeddings: bool = True
    """Whether word, position and type embeddings are frozen."""
    blocks: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    """How many of the lowest blocks are frozen, or `all`; freezes the embeddings too when above 0."""
    names: str = ""
    """Regular expression; parameters whose name it finds are frozen as well."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Turn the gradients of the frozen parameters off."""
        highest = blocks(model)[1] if self.blocks == "all" else self.blocks
        for name, parameter in model.named_parameters():
            level = depth(name, model)
            low = level <= highest if highest else (self.embeddings and level == 0)
            if low or (self.names and re.search(self.names, name)):
                parameter.requires_grad_(False)
        return model

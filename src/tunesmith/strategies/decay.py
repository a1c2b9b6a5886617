"""Weight decay of its own for each part of the model."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field
from torch import nn

from tunesmith.core.strategy import Group, Stage, Strategy
from tunesmith.models.blocks import blocks, by_depth

Rate: TypeAlias = Annotated[float, Field(ge=0.0)]


class Decay(Strategy):
    """Give body, head, embeddings and vectors a weight decay of their own.

    θ ← θ − η (m̂ / (√v̂ + ε) + λ θ), with λ that of the part that θ stands in, and η its rate. Vectors are the biases
    and norms of all parts.

    Use it when a new head should be held back more than the body, or when rows are few and the vocabulary is large: the
    vectors of words that no text holds get no gradient, so that decay alone moves them, towards zero, and the default
    here is none for them. Prefer freeze where they need not learn at all.

    Cost: none.

    Source: Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 2, with a λ for each part.
    """

    stage: ClassVar[Stage] = "rates"

    body: Rate | None = None
    """Of the matrices of the blocks; by default as in the recipe."""
    head: Rate | None = None
    """Of the matrices of the head; by default as in the recipe."""
    embeddings: Rate = 0.0
    """Of the embeddings."""
    vectors: Rate = 0.0
    """Of biases and norms."""

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Divide the groups by part, and set the decay of each."""
        _, count = blocks(model)
        result: list[Group] = []
        for level, group in by_depth(groups, model):
            asked = self.embeddings if level == 0 else self.body if level <= count else self.head
            of_matrices = group["weight_decay"] if asked is None else asked
            for kind, rate in (("matrices", of_matrices), ("vectors", self.vectors)):
                params = [(name, p) for name, p in group["params"] if (p.ndim > 1) == (kind == "matrices")]
                if params:
                    result.append({**group, "name": f"{group['name']} {kind}", "params": params, "weight_decay": rate})
        return result

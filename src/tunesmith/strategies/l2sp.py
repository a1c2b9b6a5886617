"""L2-SP: weight decay towards where the weights started, in place of zero."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tunesmith.core.batch import Objective
from tunesmith.core.strategy import Group, Stage, Strategy
from tunesmith.engine.objective import sum_of, with_penalty
from tunesmith.models.body import pretrained


class L2SP(Strategy):
    """Pull the pretrained weights back to their start, and those of a new head to zero.

    Ω(w) = α/2 · ‖w_body − w⁰‖² + β/2 · ‖w_head‖², added to the loss once a step; w⁰ are the pretrained weights. The
    optimiser's own decay, which would pull everything to zero, is switched off.

    Use it when rows are few and the model shall stay near to what it was, at no cost worth naming. Prefer `ewc` when
    there are general texts that say which weights matter, and `distil_from_base` when what the model does shall stay
    and its weights may move.

    Cost: one more copy of the weights that are trained, and one pass over them a step.

    Source: Li, Grandvalet and Davoine 2018, Explicit Inductive Bias for Transfer Learning with Convolutional Networks,
    section 3, L2-SP. The head of a language model is pretrained too and counts as body.
    """

    stage: ClassVar[Stage] = "anchor"

    alpha: Annotated[float, Field(ge=0.0)] = 0.1
    """How strongly pretrained weights are pulled back to their start."""
    beta: Annotated[float, Field(ge=0.0)] = 0.01
    """How strongly weights of a new head are pulled to zero."""

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Switch the optimiser's decay off."""
        for group in groups:
            group["weight_decay"] = 0.0
        return groups

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Add Ω(w); what is frozen by now has no part in it and is not copied."""
        old = pretrained(model)
        start = [(p, p.detach().clone()) for p in old.values() if p.requires_grad]
        new = [p for name, p in model.named_parameters() if name not in old and p.requires_grad]

        def penalty() -> Tensor:
            body = sum_of(((p - before).square().sum() for p, before in start), model)
            head = sum_of((p.square().sum() for p in new), model)
            return self.alpha / 2 * body + self.beta / 2 * head

        return with_penalty(objective, penalty)

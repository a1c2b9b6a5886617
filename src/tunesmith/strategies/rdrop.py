"""R-Drop: two passes with different dropout have to say the same."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Stage, Strategy


class RDrop(Strategy):
    """Send each batch through the model twice, and ask that both answers agree.

    Dropout makes the probabilities P and Q [N, C] of the two passes differ:

        ℓ = ½ (ℓ_P + ℓ_Q) + α/2 · ½ (KL(P‖Q) + KL(Q‖P))

    which is half of what the paper writes, so that a learning rate keeps its meaning. Of several labels the divergence
    is that of each class, has it or has it not, averaged over the classes.

    Use it when rows are few and the model has dropout. Prefer none when it has none, or when there are so many rows
    that one pass over them is all that time allows.

    Cost: a second forward and backward pass of every step, and the memory of both at once.

    Source: Liang et al. 2021, R-Drop: Regularized Dropout for Neural Networks, section 2.
    """

    stage: ClassVar[Stage] = "pass"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    alpha: Annotated[float, Field(ge=0.0)] = 1.0
    """How much agreement counts beside the loss."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Go through the model a second time."""

        def wrapped(batch: Batch) -> Loss:
            loss, again = objective(batch), objective(batch)
            several = batch.targets is not None and batch.targets.ndim == loss.outputs.ndim
            apart = divergence(loss.outputs, again.outputs, several=several)
            loss.values = (loss.values + again.values) / 2 + self.alpha / 4 * apart
            return loss

        return wrapped


def divergence(one: Tensor, other: Tensor, *, several: bool) -> Tensor:
    """Return KL(P‖Q) + KL(Q‖P) = Σ (P − Q)(log P − log Q) of each row, [N], from logits [N, C].

    Args:
        one: logits of P.
        other: logits of Q.
        several: whether every class is a problem of two, whose divergences are averaged.
    """
    if several:
        # Of two outcomes: (p − q)(log p − log q − log(1 − p) + log(1 − q)), the latter four being z_p − z_q.
        return ((one.sigmoid() - other.sigmoid()) * (one - other)).mean(-1)
    log_p, log_q = one.log_softmax(-1), other.log_softmax(-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1)

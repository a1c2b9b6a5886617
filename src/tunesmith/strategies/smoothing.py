"""Label smoothing: no row is told that it is certain."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Stage, Strategy
from tunesmith.engine.losses import log_chances, take_loss


class Smoothing(Strategy):
    """Take a share of the certainty from the right class and give it to all classes alike.

    Of C classes with log-probabilities log p [N, C] and the right one y:

        ℓ = −(1 − ε) log p_y − ε / C · Σ_c log p_c

    Of several labels every class is a problem of two: its target is 1 − ε/2 where the row has it, ε/2 where not, and ℓ
    is the mean over the classes.

    Use it when the tuned model is too sure of itself, or a few labels are wrong. Prefer none when probabilities are
    calibrated afterwards anyway and the labels are clean, and when the model is to be distilled from: it forgets how
    near the wrong classes are to each other.

    Cost: none.

    Source: Szegedy et al. 2016, Rethinking the Inception Architecture for Computer Vision, section 7. When it hurts:
        Müller, Kornblith and Hinton 2019, When Does Label Smoothing Help?, section 4.
    """

    stage: ClassVar[Stage] = "loss"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    epsilon: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """The share of certainty that is spread over all classes."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace the loss of a row."""
        return take_loss(objective, self.losses)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return ℓ, [N], from logits [N, C]."""
        targets = batch.targets
        if targets is not None and targets.ndim == outputs.ndim:
            soft = targets * (1.0 - self.epsilon) + self.epsilon / 2
            return binary_cross_entropy_with_logits(outputs, soft.to(outputs), reduction="none").mean(-1)
        right, every = log_chances(outputs, batch), outputs.log_softmax(-1).mean(-1)
        return -(1.0 - self.epsilon) * right - self.epsilon * every

"""Losses for rows of which some have a wrong label."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Progress, Setup, Stage, Strategy
from tunesmith.engine.losses import log_chances, per_row, take_loss

LOG_ZERO = -4.0
"""What stands for log 0 in the reverse cross-entropy: a number below 0 that the paper leaves to choose."""


class NoisyLabels(Strategy):
    """Keep rows with wrong labels from being learnt: what they ask for is far from what the other rows say.

    With the probability p of the label that a row has, [N]:

        gce         ℓ = (1 − p^q) / q                      from −log p (q → 0) to 1 − p (q = 1)
        symmetric   ℓ = −α log p − β A (1 − p), A = −4    cross-entropy, and the same with label and answer exchanged
        small_loss  ℓ = −log p · m                         m = 0 for the rows of largest loss, else one over their share

    The slope of the first two stays small where p is near 0, so that a row that contradicts all others pulls little.
    `small_loss` leaves out ⌊r N⌋ of the N rows, r growing from 0 to `share` over `ramp_epochs`: a model learns what is
    regular first and single errors later. Of several labels p is that of each class, and ℓ the mean over them.

    Use it when more than a few labels in a hundred are wrong and nobody can look at them. Prefer to repair the rows
    where that is possible, and prefer none when they are clean: hard rows look like wrong ones. `gce` needs no
    knowledge of the noise, `small_loss` the share of wrong rows.

    With `batching.accumulate` the rows left out are those of largest loss of each part of a step; the gradient is right
    for the rows that are kept, but which these are depends on the parts, and parts of fewer than 1 / r rows lose none.

    Cost: none.

    Source: gce: Zhang and Sabuncu 2018, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy
        Labels, section 3.2. symmetric: Wang et al. 2019, Symmetric Cross Entropy for Robust Learning with Noisy Labels,
        section 4. small_loss: Han et al. 2018, Co-teaching, algorithm 1, where two models choose rows for each other;
        here the one model chooses its own.
    """

    stage: ClassVar[Stage] = "loss"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "token_classification",
    )  # fmt: skip

    kind: Literal["gce", "symmetric", "small_loss"] = "gce"
    """How wrong labels are kept from counting."""
    q: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Of `gce`: the nearer to 1, the less a contradicting row pulls, and the slower all is learnt."""
    alpha: Annotated[float, Field(ge=0.0)] = 0.1
    """Of `symmetric`: the weight of the cross-entropy."""
    beta: Annotated[float, Field(ge=0.0)] = 1.0
    """Of `symmetric`: the weight of the reverse cross-entropy."""
    share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    """Of `small_loss`: the share of rows that is left out in the end; about that of the wrong ones."""
    ramp_epochs: Annotated[float, Field(gt=0.0)] = 3.0
    """Of `small_loss`: passes over the rows after which the whole share is left out."""

    _left_out: float = PrivateAttr(default=0.0)

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Begin with all rows."""
        self._left_out = 0.0
        return model

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Leave out more rows as training goes on."""
        self._left_out = self.share * min(1.0, progress.epoch / self.ramp_epochs)

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace the loss of a row."""
        return take_loss(objective, self.losses)

    def losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return ℓ, [N], from logits [N, C]."""
        log_p = log_chances(outputs, batch)
        if self.kind == "gce":
            return per_row(-(self.q * log_p).expm1() / self.q)
        if self.kind == "symmetric":
            return per_row(-self.alpha * log_p + self.beta * LOG_ZERO * log_p.expm1())
        values = -per_row(log_p)
        return values * self._kept(values.detach(), batch.weights.to(values))

    def _kept(self, values: Tensor, weights: Tensor) -> Tensor:
        """Return 0 for the rows of largest loss; for the others, what keeps the weight of the batch as it was."""
        kept = torch.ones_like(values)
        kept[values.argsort(descending=True, stable=True)[: math.floor(self._left_out * len(values))]] = 0.0
        return kept * weights.sum() / (kept * weights).sum().clamp(min=1e-12)

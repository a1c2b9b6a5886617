"""Mixout: dropout that puts the pretrained weight, not zero, in the place of a weight."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers.pytorch_utils import Conv1D

from tunesmith.core.batch import Objective
from tunesmith.core.strategy import Stage, Strategy
from tunesmith.models.blocks import stacks


def mixout(weight: Tensor, start: Tensor, share: float) -> Tensor:
    """Return w̃ = ((z ∘ w⁰ + (1 − z) ∘ w) − p · w⁰) / (1 − p) with z_i = 1 with probability p; its mean is w.

    Args:
        weight: w, as it is trained.
        start: w⁰, of the same shape.
        share: p.
    """
    drawn = torch.rand_like(weight) < share
    return (torch.where(drawn, start, weight) - share * start) / (1.0 - share)


class Mixout(Strategy):
    """While training, put a share of the weights of each matrix of the blocks back to their start, drawn each pass.

    w̃ = ((z ∘ w⁰ + (1 − z) ∘ w) − p · w⁰) / (1 − p), with w⁰ the pretrained weights [out, in] and z drawn for every
    weight, 1 with probability p. The mean of w̃ is w, so nothing is changed where the model is evaluated, and the model
    that is saved is a plain one. Biases, norms and embeddings are not mixed.

    Use it when rows are few and some seeds end at chance: the paper found BERT-large steadier on a few thousand.
    Prefer `l2sp` when time is short, and nothing of the kind when there are tens of thousands of rows.

    Cost: a random number for each weight of each pass, and one more copy of the matrices that are trained. The
        mixed matrices are kept for the backward pass, as a second copy.

    Source: Lee, Cho and Kang 2020, Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models,
    section 3. It stands beside the model's own dropout, which the authors switch off.
    """

    stage: ClassVar[Stage] = "anchor"

    share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.7
    """p, the probability that a weight is put back; the paper takes 0.7 to 0.9."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Let the matrices of the blocks mix; what is frozen by now stays as it is and is not copied."""
        inside = tuple(f"{prefix}." for prefix, _ in stacks(model))
        for name, module in model.named_modules():
            kind = MIXED.get(type(module))
            if kind and name.startswith(inside) and module.weight.requires_grad:
                module.register_buffer("start", module.weight.detach().clone(), persistent=False)
                module.share = self.share
                module.__class__ = kind  # names of weights stay, and a copy of the model mixes from its own
        return objective

    def finish(self, model: nn.Module) -> nn.Module:
        """Make the matrices plain again."""
        plain = {mixed: kind for kind, mixed in MIXED.items()}
        for module in model.modules():
            if type(module) in plain:
                module.__class__ = plain[type(module)]
                del module.start, module.share
        return model


class MixedLinear(nn.Linear):
    """A linear layer whose weights are mixed with those it started from while it is trained."""

    start: Tensor
    share: float

    def forward(self, input: Tensor) -> Tensor:
        """Return x W̃ᵀ + b."""
        if not self.training:
            return super().forward(input)
        return linear(input, mixout(self.weight, self.start, self.share), self.bias)


class MixedConv1D(Conv1D):  # type: ignore[misc]
    """The same for GPT-2, which keeps its matrices the other way round."""

    start: Tensor
    share: float

    def forward(self, x: Tensor) -> Any:
        """Return x W̃ + b."""
        if not self.training:
            return super().forward(x)
        return linear(x, mixout(self.weight, self.start, self.share).T, self.bias)


MIXED: dict[type, Any] = {nn.Linear: MixedLinear, Conv1D: MixedConv1D}
"""Kind of a layer → the kind that mixes."""

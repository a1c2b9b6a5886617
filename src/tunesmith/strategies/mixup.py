"""Mixup: rows between the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn
from torch.distributions import Beta

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Stage, Strategy


class Mixup(Strategy):
    """Learn mixtures of the vectors of two rows, with both targets in the same shares.

    With h_i what the last linear layer sees of row i, and a partner j(i) that a permutation of the batch gives it:

        λ_i ~ Beta(α, α)        ℓ_i = λ_i ℓ(z, y_i) + (1 − λ_i) ℓ(z, y_j),  z = W (λ_i h_i + (1 − λ_i) h_j) + b

    The layer is linear, so z is computed as the same mixture of the two rows' outputs: no row passes the model twice.

    Use it when rows are few and the model is too sure between classes. Prefer none when the classes have an order that
    a mixture would not respect, and for probabilities that have to be sharp.

    A partner comes from the same part of a step where `batching.accumulate` divides it.

    Cost: none.

    Source: Verma et al. 2019, Manifold Mixup, section 2, with the layer always the last; Zhang et al. 2018, mixup.
    """

    stage: ClassVar[Stage] = "pass"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "regression",
    )  # fmt: skip

    alpha: Annotated[float, Field(gt=0.0)] = 0.2
    """Of the distribution of shares: near 0 a row stays nearly itself, with 1 every share is as likely."""

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Replace each row's loss by that of its mixture."""

        def wrapped(batch: Batch) -> Loss:
            loss = objective(batch)
            assert loss.of is not None, "the loss of other outputs is needed"
            assert batch.targets is not None, "a loss needs targets"
            plain = loss.outputs  # [N, C]
            share = Beta(self.alpha, self.alpha).sample((len(plain), 1)).to(plain)
            partner = torch.randperm(len(plain)).to(plain.device)
            mixed = share * plain + (1.0 - share) * plain[partner]
            of_partner = loss.of(mixed, replace(batch, targets=batch.targets[partner]))
            share = share.squeeze(1)
            # What others have added to the loss of a row stays.
            added = loss.values - loss.of(plain, batch)
            loss.values = added + share * loss.of(mixed, batch) + (1.0 - share) * of_partner
            return loss

        return wrapped

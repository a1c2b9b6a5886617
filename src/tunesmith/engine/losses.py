"""What losses of classes are made of, and how one takes the place of another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.nn.functional import logsigmoid

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.task import Array


def take_loss(objective: Objective, of: Callable[[Tensor, Batch], Tensor]) -> Objective:
    """Return `objective` with another loss of a row, `of`: (outputs, batch) → values [N]."""

    def taken(batch: Batch) -> Loss:
        loss = objective(batch)
        loss.values, loss.of = of(loss.outputs, batch), of
        return loss

    return taken


def log_chances(outputs: Tensor, batch: Batch) -> Tensor:
    """Return log p of what is right, from logits [N, C].

    Returns:
        [N] where one class of several is right: log softmax(z)_y; [N, C] where each class is right or not, a problem
        of two for itself: log σ(z_c) where the row has it, log σ(−z_c) where it has not.
    """
    targets = batch.targets
    assert targets is not None, "a loss needs targets"
    if targets.ndim == outputs.ndim:
        return logsigmoid(outputs * (2.0 * targets - 1.0))
    return outputs.log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1)


def per_row(values: Tensor) -> Tensor:
    """Return one value a row: [N] as it is, [N, C] averaged over the classes, as the loss of several labels is."""
    return values if values.ndim == 1 else values.mean(-1)


def class_counts(targets: Array, size: int) -> Array:
    """Return how many rows or words have each class: [C]; of several labels [C, 2], those without and those with it.

    A count of none is given as 1: tags that a split lacks have to have a finite logarithm.

    Args:
        targets: class indices [N], or 0/1 [N, C].
        size: C.
    """
    counts: Array
    if targets.ndim == 2:
        having = targets.sum(0)
        counts = np.stack([len(targets) - having, having], -1)
    else:
        counts = np.bincount(targets, minlength=size)
    return counts.clip(min=1).astype(np.float64)

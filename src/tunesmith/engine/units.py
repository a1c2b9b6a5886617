"""From what a model gives for windows to what it says of units."""

from __future__ import annotations

import torch
from torch import Tensor

from tunesmith.core.batch import Batch


def by_unit(values: Tensor, batch: Batch, *, last: bool = False) -> Tensor:
    """Return a row per unit, float32 [U, C]: the mean over the places where it is read.

    A word is read at one place, its first token in the window that shows most of what stands around it. The row of a
    long text is read in every window, and so is the place that stands for "no answer".

    Args:
        values: [W, C] where a window as a whole is one unit's, else [W, T, C].
        batch: says which unit stands where.
        last: read a word at its last token instead of its first.
    """
    if batch.places is None:
        rows, owner = values.float(), batch.owner
    else:
        window, token, owner = batch.places[:, 0], batch.places[:, 2 if last else 1], batch.places[:, 3]
        rows = values[window, token].float()
    return mean_by(rows, owner, batch.units)


def mean_by(rows: Tensor, owner: Tensor, units: int) -> Tensor:
    """Return the mean of the rows of each owner: [P, C] → [U, C]."""
    if len(rows) == units:
        # One place each. They stand in the order of the units, except in windows that overlap.
        return rows if bool((owner[1:] > owner[:-1]).all()) else rows[torch.argsort(owner)]
    sums = torch.zeros(units, rows.shape[1], dtype=rows.dtype, device=rows.device).index_add(0, owner, rows)
    counts = torch.bincount(owner, minlength=units).clamp(min=1).to(rows.dtype)
    return sums / counts.unsqueeze(-1)

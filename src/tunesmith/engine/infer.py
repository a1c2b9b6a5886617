"""Outputs without gradients: sorted by length, bounded in memory, given back in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Features
from tunesmith.engine.objective import pool_windows, run_model
from tunesmith.models.heads import final_linear
from tunesmith.text.batching import sorted_batches

Collate = Callable[[Sequence[Features]], Batch]


def outputs(
    model: nn.Module,
    features: Sequence[Features],
    collate: Collate,
    *,
    size: int,
    context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
) -> Tensor:
    """Return the outputs of every example, float32 [N, C] on the CPU, in the order of the examples."""
    return _each_batch(model, features, collate, size, context, lambda batch: run_model(model, batch))


def vectors(
    model: nn.Module,
    features: Sequence[Features],
    collate: Collate,
    *,
    size: int,
    context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
) -> Tensor:
    """Return what the last linear layer sees of every example, float32 [N, H]; windows are averaged.

    The layer is linear, so the mean of the windows' logits is the logit of their mean.
    """
    seen: list[Tensor] = []
    hook = final_linear(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].float()))

    def run(batch: Batch) -> Tensor:
        model(**batch.inputs)
        return pool_windows(seen.pop(), batch.owner, len(batch.weights))

    try:
        return _each_batch(model, features, collate, size, context, run)
    finally:
        hook.remove()


def _each_batch(
    model: nn.Module,
    features: Sequence[Features],
    collate: Collate,
    size: int,
    context: Callable[[], AbstractContextManager[None]],
    run: Callable[[Batch], Tensor],
) -> Tensor:
    assert features, "nothing to run the model on"
    model.eval()
    device = next(model.parameters()).device
    rows: dict[int, Tensor] = {}
    with context():
        for positions, windows in sorted_batches(features, size):
            result = run(collate(windows).to(device)).float().cpu()
            rows.update(zip(positions, result.unbind(0), strict=True))
    return torch.stack([rows[i] for i in sorted(rows)]).clone()

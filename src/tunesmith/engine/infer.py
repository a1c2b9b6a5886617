"""Outputs without gradients: sorted by length, bounded in memory, given back in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Features, Read
from tunesmith.core.task import Task
from tunesmith.engine.heap import kept_heap
from tunesmith.engine.ranks import ALONE, Ranks
from tunesmith.engine.units import by_unit
from tunesmith.models.heads import final_linear
from tunesmith.text.batching import sorted_batches

WRITTEN_AT_ONCE = 4096
"""Tokens of a batch of texts that are to be written: each has a logit for every entry of the vocabulary, so that these
are 0.8 GB for a vocabulary of 49,152."""
IN_CACHE = 1024
"""Tokens of a batch on a CPU: what layers give of more leaves its caches before the next one reads it."""
OUTPUTS = ("logits", "start_logits", "end_logits", "vectors")
"""What the heads give that tasks read."""
Collate = Callable[[Sequence[Features]], Batch]


def outputs(
    model: nn.Module,
    task: Task,
    features: Sequence[Features],
    collate: Collate,
    *,
    size: int,
    context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
    ranks: Ranks = ALONE,
) -> Read:
    """Return what the model says of every unit, in the order of the examples; the batches are shared by `ranks`."""
    most = WRITTEN_AT_ONCE if task.head().writes else None
    return _each_batch(
        model, features, collate, size, context, lambda batch: task.read(_in_parts(model, batch, size, ranks), batch),
        ranks, most,
    )  # fmt: skip


def vectors(
    model: nn.Module,
    features: Sequence[Features],
    collate: Collate,
    *,
    size: int,
    context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
    ranks: Ranks = ALONE,
) -> Read:
    """Return what the last linear layer sees of every unit, [U, H]; windows are averaged.

    The layer is linear, so the mean of the windows' logits is the logit of their mean.
    """
    with _last_inputs(model) as seen:

        def run(batch: Batch) -> Tensor:
            seen.clear()
            _in_parts(model, batch, size)
            return by_unit(torch.cat(seen), batch)

        return _each_batch(model, features, collate, size, context, run, ranks)


def outputs_and_vectors(
    model: nn.Module,
    task: Task,
    features: Sequence[Features],
    collate: Collate,
    *,
    size: int,
    ranks: Ranks = ALONE,
) -> tuple[Read, Tensor]:
    """Return both of every unit, from one pass: what `outputs` gives, and [U, H] as `vectors` has it."""
    wide = 0
    with _last_inputs(model) as seen:

        def run(batch: Batch) -> Tensor:
            nonlocal wide
            seen.clear()
            said = task.read(_in_parts(model, batch, size), batch)
            wide = said.shape[1]
            return torch.cat([said.float(), by_unit(torch.cat(seen), batch)], dim=1)

        read = _each_batch(model, features, collate, size, torch.inference_mode, run, ranks)
    wide = max(ranks.gathered({ranks.number: wide}).values())
    return replace(read, values=read.values[:, :wide]), read.values[:, wide:]


@contextmanager
def _last_inputs(model: nn.Module) -> Iterator[list[Tensor]]:
    """Give a list to which every pass of the block adds what the last linear layer sees."""
    seen: list[Tensor] = []
    hook = final_linear(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].float()))
    try:
        yield seen
    finally:
        hook.remove()


def _in_parts(model: nn.Module, batch: Batch, size: int, ranks: Ranks = ALONE) -> Any:
    """Return what the model gives for all windows, at most `size` of them at once: one document can have hundreds."""
    windows, ids = len(batch.owner), batch.inputs["input_ids"]
    whole = "logits_to_keep" in batch.inputs  # rows that several share
    if ids.device.type == "cpu":
        size = max(1, min(size, IN_CACHE // ids.shape[1]))
    passes = 1 if whole else math.ceil(windows / size)
    for _ in range(ranks.most(passes) - passes if ranks.divides else 0):  # as many as others make
        model(**{name: value if whole else value[:size] for name, value in batch.inputs.items()})
    if passes == 1:
        return model(**batch.inputs)
    parts = [
        model(**{name: value[start : start + size] for name, value in batch.inputs.items()})
        for start in range(0, windows, size)
    ]
    names = [name for name in OUTPUTS if getattr(parts[0], name, None) is not None]
    return SimpleNamespace(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def _each_batch(
    model: nn.Module,
    features: Sequence[Features],
    collate: Collate,
    size: int,
    context: Callable[[], AbstractContextManager[None]],
    run: Callable[[Batch], Tensor],
    ranks: Ranks,
    most: int | None = None,
) -> Read:
    assert features, "nothing to run the model on"
    if model.training:  # going through all layers takes a twentieth of the time of one short text
        model.eval()
    device = next(model.parameters()).device
    on_cpu = device.type == "cpu"
    if on_cpu:
        most = min(most or IN_CACHE, IN_CACHE)
    rows: dict[int, Tensor] = {}
    with context(), kept_heap() if on_cpu and len(features) > 1 else nullcontext():
        for positions, windows in ranks.share(sorted_batches(features, size, most)):
            batch = collate(windows).to(device)
            found = torch.split(run(batch).float().cpu(), batch.sizes)
            # A copy: a view would keep the whole batch in memory.
            rows.update((position, part.clone()) for position, part in zip(positions, found, strict=True))
    rows = _of_all(rows, ranks)
    ordered = [rows[i] for i in sorted(rows)]
    return Read(torch.cat(ordered).clone(), [len(part) for part in ordered])


def _of_all(rows: dict[int, Tensor], ranks: Ranks) -> dict[int, Tensor]:
    """Return the rows that all processes found: each sends its own as one tensor, for thousands are slow."""
    if ranks.count == 1:
        return rows
    parts = list(rows.values())
    sent = (list(rows), [len(part) for part in parts], torch.cat(parts)) if rows else ([], [], torch.empty(0))
    found: dict[int, Tensor] = {}
    for places, sizes, values in ranks.gathered({ranks.number: sent}).values():
        found.update(zip(places, torch.split(values, sizes) if places else (), strict=True))
    return found

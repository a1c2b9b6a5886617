"""The training loop: it yields, it never writes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tunesmith.core.batch import Batch, Features, Objective
from tunesmith.core.strategy import Progress, Strategy
from tunesmith.engine.device import Device
from tunesmith.engine.objective import window_gradient
from tunesmith.engine.optim import rate, set_rate
from tunesmith.errors import Fault, RunError
from tunesmith.recipe.schema import Batching, Optimizer
from tunesmith.text.batching import Batches
from tunesmith.text.lazy import by_owner

Collate = Callable[[Sequence[Features]], Batch]
SEEDS_APART = 40
"""Bits between the seeds of two processes: each draws its own numbers, the first those that one process alone draws."""


@dataclass(slots=True)
class State:
    """Everything that moves while training: what a checkpoint holds.

    Args:
        model: as `Device.prepare` returned it.
        optimizer: likewise.
        step: optimiser steps done.
        seconds: spent so far, over all resumptions.
        tokens: seen so far, padding not counted.
        padding: padding tokens seen so far.
        stalled: evaluations on dev since the best one.
    """

    model: nn.Module
    optimizer: Any
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    padding: int = 0
    stalled: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, and how often to look.

    Args:
        horizon: steps over which the learning rate runs from its peak to zero.
        last: step after which training ends; before `horizon` when a refit repeats a training that stopped early.
        every: steps between evaluations.
        seconds: time budget; None for none.
    """

    horizon: int
    last: int
    every: int
    seconds: float | None = None

    def share(self, step: int, seconds: float) -> float:
        """Return how far the training is, 0..1."""
        by_time = seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(step / self.horizon, by_time))


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimiser step did."""

    step: int
    epoch: float
    loss: float
    norm: float
    tokens: int
    seconds: float
    is_checkpoint: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What a loop works with, fixed for its whole length."""

    batches: Batches
    collate: Collate
    objective: Objective
    strategies: Sequence[Strategy]
    device: Device
    optimizer: Optimizer
    batching: Batching
    schedule: Schedule
    seed: int
    source: Callable[[int], str] = field(default=str)
    settle: Callable[[int], None] = field(default=lambda step: None)
    """Called with the step that begins, once the strategies have said what is open in it."""


def loop(work: Work, state: State) -> Iterator[Step]:
    """Train from `state.step` on, yielding after every optimiser step.

    Every step draws its random numbers (dropout) from a seed of its own, made from the run's seed and the step, so a
    resumed training sees the numbers of an uninterrupted one whatever happened between two steps.

    Raises:
        RunError: the loss is not a number.
    """
    schedule, ranks = work.schedule, work.device.ranks
    parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
    started = time.monotonic() - state.seconds
    for positions in work.batches.from_step(state.step):
        if state.step >= schedule.last:
            return
        share = schedule.share(state.step, state.seconds)
        progress = Progress(share, state.step, state.step / work.batches.per_epoch, state.stalled)
        for strategy in work.strategies:
            strategy.on_progress(progress, state.model)
        work.settle(state.step)
        state.model.train()
        torch.manual_seed(work.seed * 1_000_003 + state.step + (ranks.number << SEEDS_APART))
        micro, extra = _micro_batches(work, positions)
        # The first step of a warm-up would have rate 0 and be lost: a step learns at the rate of its end.
        set_rate(state.optimizer, rate(schedule.share(state.step + 1, state.seconds), work.optimizer), progress)
        value = window_gradient(work.objective, micro, state.model, work.strategies, work.device.backward, ranks)
        ranks.add_gradients(parameters)
        own = micro[: len(micro) - extra]
        tokens, taken = sum(batch.tokens for batch in own), sum(batch.places_taken for batch in own)
        value, *counts = ranks.sums(value, tokens, taken)
        tokens, taken = map(int, counts)
        norm = work.device.clip(parameters, work.optimizer.clip_norm)
        if not math.isfinite(value) or not math.isfinite(norm):
            raise _not_finite(work, state.step, positions, value)
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.tokens += tokens
        state.padding += taken - tokens
        state.seconds = _told(work, time.monotonic() - started)
        out_of_time = schedule.seconds is not None and state.seconds >= schedule.seconds
        is_last = state.step >= schedule.last or out_of_time
        yield Step(
            state.step, state.step / work.batches.per_epoch, value, norm, tokens, state.seconds,
            is_last or state.step % schedule.every == 0, is_last,
        )  # fmt: skip
        if is_last:
            return
        state.seconds = _told(work, time.monotonic() - started)  # what the caller did between two steps counts in


def _told(work: Work, seconds: float) -> float:
    """Return the seconds by the clock of the first process, where something depends on them."""
    ranks = work.device.ranks
    return seconds if work.schedule.seconds is None else ranks.sums(seconds if ranks.is_first else 0.0)[0]


def _micro_batches(work: Work, positions: Sequence[int]) -> tuple[list[Batch], int]:
    """Return those of this process: a step has as many parts as its processes need, dealt to them in turn.

    Returns:
        The batches, and how many at their end only keep others company, who have one more: they weigh nothing.
    """
    ranks = work.device.ranks
    accumulate = math.ceil(work.batching.accumulate / ranks.count) * ranks.count
    size = math.ceil(len(positions) / min(accumulate, len(positions)))
    parts = [positions[i : i + size] for i in range(0, len(positions), size)]
    if work.batching.tokens is not None:
        parts = [bounded for part in parts for bounded in _bounded(work, part, work.batching.tokens)]
    micro = [work.collate(work.batches.features(part)).to(work.device.target) for part in ranks.share(parts)]
    extra = int(ranks.divides and ranks.count - ranks.number <= ranks.missing(len(parts)))
    for batch in micro[len(micro) - extra :]:
        batch.weights = torch.zeros_like(batch.weights)
    return micro, extra


def _bounded(work: Work, positions: Sequence[int], most: int) -> list[list[int]]:
    """Return `positions` in parts of at most `most` tokens each; an example is never divided."""
    parts: list[list[int]] = []
    room = 0
    for position in positions:
        tokens = sum(f.length for f in work.batches.features([position]))
        if not parts or tokens > room:
            parts.append([])
            room = most
        parts[-1].append(position)
        room -= tokens
    return parts


def _not_finite(work: Work, step: int, positions: Sequence[int], value: float) -> RunError:
    owners = [group[0].owner for group in by_owner(work.batches.features(positions))]
    rows = ", ".join(work.source(owner) for owner in owners[:4])
    return RunError(
        Fault(
            "K501", f"step {step + 1}",
            f"the loss is {value}, not a finite number; the batch held {len(owners)} rows: {rows}"
            + (", …" if len(owners) > 4 else "") + ".",
            "Lower optimizer.learning_rate, set `precision: fp32`, or look at those rows; "
            "the last checkpoint is intact.",
        )
    )  # fmt: skip

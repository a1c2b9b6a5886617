"""From a batch to a loss: the task's objective, and the strategies around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Strategy
from tunesmith.core.task import Task
from tunesmith.engine.ranks import ALONE, Ranks


def run_model(model: nn.Module, batch: Batch, task: Task) -> Tensor:
    """Return a row of outputs per unit, float32 [U, …]."""
    return task.read(model(**batch.inputs), batch)


def task_objective(model: nn.Module, task: Task) -> Objective:
    """Return the objective of plain fine-tuning."""

    def objective(batch: Batch) -> Loss:
        outputs = run_model(model, batch, task)
        return Loss(task.losses(outputs, batch), outputs=outputs, of=task.losses)

    return objective


def with_penalty(objective: Objective, penalty: Callable[[], Tensor | None]) -> Objective:
    """Return `objective` with another penalty added to those that it has."""

    def wrapped(batch: Batch) -> Loss:
        loss, more = objective(batch), penalty()
        if more is not None:
            loss.penalty = more if loss.penalty is None else loss.penalty + more
        return loss

    return wrapped


def sum_of(terms: Iterable[Tensor], model: nn.Module) -> Tensor:
    """Return the sum of scalars, on the device of `model`; zero where there are none."""
    return sum(terms, start=torch.zeros((), device=next(model.parameters()).device))


def compose(objective: Objective, strategies: Sequence[Strategy], model: nn.Module) -> Objective:
    """Return `objective` with every strategy around it; the first of the recipe stands innermost."""
    for strategy in strategies:
        objective = strategy.wrap(objective, model)
    return objective


def window_gradient(
    objective: Objective, micro: Sequence[Batch], model: nn.Module, strategies: Sequence[Strategy], backward: Any,
    ranks: Ranks = ALONE,
) -> float:  # fmt: skip
    """Add the gradients of this process's micro-batches of one step; return its part of the step's loss.

    L = Σ_b Σ_i w_i ℓ_i / Σ_b Σ_i w_i + penalty, the sums over all micro-batches b of the step. Dividing each
    micro-batch by its own weight instead (a mean of means) gives another gradient whenever they differ in size.
    The weights are those of all processes, and the penalty is the first one's, so that gradients and losses of the
    processes add up to those of the step. Where weights are divided, all go backward through the penalty together, and
    each takes its share of it.
    """
    [total] = ranks.sums(sum(float(batch.weights.sum()) for batch in micro))
    total = total or 1.0  # texts without words weigh nothing
    penalised = 1.0 / ranks.count if ranks.divides else float(ranks.is_first)
    value = 0.0
    for at, batch in enumerate(micro):
        passes = 0

        def push(batch: Batch, first: bool = at == 0 and penalised > 0.0) -> None:
            nonlocal value, passes
            loss = objective(batch)
            share = (loss.values * batch.weights).sum() / total
            if loss.penalty is not None and first and passes == 0:
                share = share + penalised * loss.penalty
            if passes == 0:
                value += float(share.detach())
            passes += 1
            backward(share)

        push(batch)
        for strategy in strategies:
            strategy.after_backward(push, model, batch)
    return value

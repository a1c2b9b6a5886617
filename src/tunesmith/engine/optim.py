"""AdamW, its parameter groups and its schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from tunesmith.core.strategy import Group, Progress, Strategy
from tunesmith.models.blocks import blocks, depth
from tunesmith.recipe.schema import Optimizer as Settings


def parameter_groups(model: nn.Module, settings: Settings, strategies: Sequence[Strategy]) -> list[Group]:
    """Return body and head, each with and without weight decay, as the strategies leave them.

    Vectors (biases, norms) are not decayed: pulling a norm's scale to zero is no regularisation.
    """
    assert settings.learning_rate is not None, "the recipe is not complete"
    assert settings.head_learning_rate is not None, "the recipe is not complete"
    _, count = blocks(model)
    groups: dict[str, Group] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        head = depth(name, model) > count
        decayed = parameter.ndim > 1
        key = ("head" if head else "body") + ("" if decayed else " without decay")
        group = groups.setdefault(
            key,
            Group(
                name=key,
                params=[],
                lr=settings.head_learning_rate if head else settings.learning_rate,
                weight_decay=settings.weight_decay if decayed else 0.0,
            ),
        )
        group["params"].append((name, parameter))
    result = list(groups.values())
    for strategy in strategies:
        result = strategy.groups(result, model)
    return result


def make_optimizer(groups: Sequence[Group], settings: Settings) -> torch.optim.AdamW:
    """Return AdamW over `groups`; each group keeps its peak rate as `peak`."""
    plain = [
        {
            "params": [p for _, p in g["params"]], "lr": g["lr"], "peak": g["lr"],
            "weight_decay": g["weight_decay"], "name": g["name"], "factor": g.get("factor"),
        }
        for g in groups
        if g["params"]
    ]  # fmt: skip
    return torch.optim.AdamW(plain, betas=settings.betas, eps=settings.epsilon, fused=True)


def rate(share: float, settings: Settings) -> float:
    """Return the factor on the peak rate at `share` of the training, 0..1.

    It rises from 0 to 1 over the first `warmup`, then falls to 0 along a line or half a cosine, or stays.

    Example:
        >>> rate(0.05, Settings(warmup=0.1)), rate(0.55, Settings(warmup=0.1))
        (0.5, 0.5)
    """
    if share < settings.warmup:
        return share / settings.warmup
    rest = (share - settings.warmup) / (1.0 - settings.warmup)
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, rest)))
    return max(0.0, round(1.0 - rest, 12))


def set_rate(optimizer: torch.optim.Optimizer, factor: float, progress: Progress) -> None:
    """Set every group's rate to its peak times `factor`, and times the factor that a strategy gave it."""
    for group in optimizer.param_groups:
        own = group["factor"]
        group["lr"] = group["peak"] * factor * (1.0 if own is None else own(progress))

"""AdamW, its parameter groups and its schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from tunesmith.core.strategy import Group, Progress, Strategy
from tunesmith.models.blocks import blocks, depth
from tunesmith.recipe.schema import Optimizer as Settings

SLANTED_RATIO = 32.0
"""Peak of the slanted schedule over where it begins and ends."""
CYCLE_START, CYCLE_END = 1 / 25, 1 / 10_000
"""Where one cycle begins and ends, over its peak."""


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

    It rises over the first `warmup` to 1, and p, the part of the rest that is done, says how it goes on:

    linear: from 0 along a line; 1 − p.
    cosine: from 0 along a line; (1 + cos πp) / 2.
    constant: from 0 along a line; 1.
    slanted: (1 + q · (ratio − 1)) / ratio with ratio = 32, q rising along a line to 1, then 1 − p. Source: Howard and
        Ruder 2018, ULMFiT, equation 3.
    one_cycle: along half a cosine from 1/25 to 1, and along another down to 1/10,000. Source: Smith and Topin 2018,
        Super-Convergence, section 3; cosines in place of its lines, and the momentum stays as it is.

    Example:
        >>> rate(0.05, Settings(warmup=0.1)), rate(0.55, Settings(warmup=0.1))
        (0.5, 0.5)
    """
    rising = share < settings.warmup
    done = share / settings.warmup if rising else min(1.0, (share - settings.warmup) / (1.0 - settings.warmup))
    if settings.schedule == "one_cycle":
        start, end = (CYCLE_START, 1.0) if rising else (1.0, CYCLE_END)
        return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * done))
    height = round(done if rising else 1.0 - done, 12)
    if settings.schedule == "slanted":
        return (1.0 + height * (SLANTED_RATIO - 1.0)) / SLANTED_RATIO
    if rising:
        return done
    if settings.schedule == "constant":
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * done)) if settings.schedule == "cosine" else height


def set_rate(optimizer: torch.optim.Optimizer, factor: float, progress: Progress) -> None:
    """Set every group's rate to its peak times `factor`, and times the factor that a strategy gave it."""
    for group in optimizer.param_groups:
        own = group["factor"]
        group["lr"] = group["peak"] * factor * (1.0 if own is None else own(progress))

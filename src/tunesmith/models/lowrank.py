"""A change of low rank that starts inside the weights, and the same change beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

NAME = "default"
"""Of the one adapter of a model."""


def starts_of(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Return name → A and B of each layer that has an adapter, as they are now."""
    return {
        name: (layer.lora_A[NAME].weight.detach().clone(), layer.lora_B[NAME].weight.detach().clone())
        for name, layer in _changed(model)
    }


def beside_pretrained(model: Any, first: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Give the weights back what was taken from them, and let the adapter take it away again.

    A layer computes W₀ − s B₀ A₀ + s B A before and after, first as (W₀ − s B₀ A₀) + s B A, then as W₀ + s B' A' with
    A' = [A; A₀] and B' = [B, −B₀]. Alpha follows the rank, so that s stays as it is.

    Args:
        model: wrapped by peft, with a LoRA that started inside the weights.
        first: what `starts_of` gave before training.
    """
    settings = model.peft_config[NAME]
    for name, layer in _changed(model):
        a, b = first[name]
        scale, rank = layer.scaling[NAME], layer.r[NAME]
        base = layer.get_base_layer()
        with torch.no_grad():
            taken = scale * (b @ a)
            base.weight += taken.T if layer.fan_in_fan_out else taken
            for part, joined in (
                (layer.lora_A[NAME], torch.cat([layer.lora_A[NAME].weight, a.to(base.weight.device)], dim=0)),
                (layer.lora_B[NAME], torch.cat([layer.lora_B[NAME].weight, -b.to(base.weight.device)], dim=1)),
            ):
                part.weight = nn.Parameter(joined)
                part.out_features, part.in_features = joined.shape
        layer.r[NAME] = 2 * rank
        layer.lora_alpha[NAME] = scale * (math.sqrt(2 * rank) if settings.use_rslora else 2 * rank)
    settings.lora_alpha *= math.sqrt(2.0) if settings.use_rslora else 2
    settings.r *= 2
    settings.init_lora_weights = True


def _changed(model: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if NAME in getattr(module, "lora_A", {}):
            yield name, module

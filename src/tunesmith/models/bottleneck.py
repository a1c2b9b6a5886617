"""Bottlenecks: thin detours behind the layers that end attention and feed-forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tunesmith.models.parts import width_out

Activation = Literal["relu", "gelu"]
FUNCTIONS = {"relu": torch.relu, "gelu": nn.functional.gelu}


class Bottleneck(nn.Module):
    """y = x + U f(D x + d) + u with D [size, width] drawn at random, U [width, size], d and u zero: y = x at first."""

    def __init__(self, width: int, size: int, activation: Activation) -> None:
        super().__init__()
        self.down = nn.Linear(width, size)
        self.up = nn.Linear(size, width)
        self.activation = activation
        nn.init.normal_(self.down.weight, std=0.02)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, states: Tensor) -> Tensor:
        """Return states [B, T, width] with what the detour adds."""
        detour: Tensor = self.up(FUNCTIONS[self.activation](self.down(states)))
        return states + detour


def put_bottlenecks(model: Any, layers: Sequence[str], size: int, activation: Activation) -> None:
    """Put a bottleneck behind each of `layers`; it is the layer's child, and a hook applies it."""
    for name in layers:
        layer = model.get_submodule(name)
        layer.add_module("bottleneck", Bottleneck(width_out(layer), size, activation).to(layer.weight.device))
        layer.register_forward_hook(_detour)


def _detour(layer: Any, _: Any, states: Tensor) -> Tensor:
    found: Tensor = layer.bottleneck(states)
    return found

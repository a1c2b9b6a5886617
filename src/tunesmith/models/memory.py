"""Less memory for more time."""

from __future__ import annotations

from typing import Any

from torch import nn

from tunesmith.errors import Fault, InputError
from tunesmith.models.body import unwrapped


def save_memory(model: nn.Module) -> None:
    """Switch gradient checkpointing on: keep what goes into each block and compute the inside again when needed.

    The second pass draws the same random numbers as the first (dropout drops the same), and gradients are equal to
    those without, also where the body is frozen and an adapter learns. It acts in training mode only.

    Use it when a step does not fit into memory: long texts, large models. Prefer smaller micro-batches
    (`batching.accumulate`) when one row fits.

    Raises:
        InputError: the architecture cannot do it (K505).

    Cost: one more forward pass, so about a third more time a step; memory for activations falls from what all blocks
        need to what one block needs and the states between blocks.

    Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, section 3.
    """
    inner: Any = unwrapped(model)
    body = getattr(inner, "body", inner)  # our own heads and pooling stand around a model of the library
    if not getattr(body, "supports_gradient_checkpointing", False):
        name = type(body).__name__
        raise InputError(
            Fault("K505", name, "the architecture cannot compute its blocks twice.", "Take smaller micro-batches.")
        )
    # Reentrant checkpointing gives no gradient to an adapter in a block whose input needs none.
    body.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})

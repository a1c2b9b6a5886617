"""The part of a model that was pretrained, whatever stands around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from tunesmith.models.blocks import blocks, depth
from tunesmith.models.heads import pool


def is_wrapped(model: Any) -> bool:
    """Return whether `model` is wrapped by peft: what was learnt stands beside weights, and can be merged."""
    return hasattr(model, "peft_config") and hasattr(model, "get_base_model")


def unwrapped(model: Any) -> Any:
    """Return the model inside the wrapper, its layers still with their adapters; `model` itself where there is none."""
    return model.get_base_model() if is_wrapped(model) else model


def body_of(model: nn.Module) -> Any:
    """Return the body inside a model with a head, and inside an adapter."""
    inner = unwrapped(model)
    return getattr(inner, inner.base_model_prefix, inner)


def has_language_head(model: nn.Module) -> bool:
    """Return whether the head of `model` says which token stands at a place, as while it was pretrained."""
    return getattr(unwrapped(model), "get_output_embeddings", lambda: None)() is not None


def pretrained(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return name → parameter of what came with the checkpoint: the body, and the head of a language model."""
    _, count = blocks(model)
    whole = has_language_head(model)
    return {name: p for name, p in model.named_parameters() if whole or depth(name, model) <= count}


def states(model: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return what the body makes of each token, float32 or wider [B, T, H]; what a prompt puts before them is left out.

    The whole model runs, since what surrounds it (the number format of a device) is only there when it does.
    """
    seen: list[Tensor] = []
    hook = body_of(model).register_forward_hook(lambda _, __, output: seen.append(output.last_hidden_state))
    try:
        model(**inputs)
    finally:
        hook.remove()
    [found] = seen
    found = found[:, -inputs["input_ids"].shape[1] :]
    return found if found.itemsize >= 4 else found.float()


def mean_states(model: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return one vector per text, [B, H]: the mean of its tokens' states, padding left out."""
    return pool(states(model, inputs), inputs["attention_mask"], "mean")

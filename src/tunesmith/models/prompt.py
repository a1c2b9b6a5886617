"""Vectors that are learnt in place of words: before the text (prompt), or as keys and values of every block (prefix).

Both are children of the body, which is given them by hooks around its forward pass. The text keeps the positions that
it has without them, so no window becomes shorter, and the head sees the text alone.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from tunesmith.models.body import body_of

PROMPT_SPREAD = 0.02
"""Standard deviation of a prefix at first, that of weights in most pretrained models."""


class Vectors(nn.Module):
    """Learnt vectors, [size, width]."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, width) * PROMPT_SPREAD)

    def forward(self) -> Tensor:
        """Return them."""
        return self.weight


class Encoded(nn.Module):
    """Vectors [size, width] that a network makes of learnt ones [size, inner], while training only."""

    def __init__(self, start: Tensor, network: nn.Module) -> None:
        super().__init__()
        self.weight = nn.Parameter(start)
        self.network = network

    def forward(self) -> Tensor:
        """Return what the network makes of them."""
        found: Tensor = self.network(self.weight)
        return found


def takes(body: Any, name: str) -> bool:
    """Return whether the forward pass of a body has an argument of a name."""
    return name in inspect.signature(body.forward).parameters


def first_position(body: Any) -> int:
    """Return the position of a text's first token: behind the padding id where positions are counted from there."""
    padded = [
        m.padding_idx for n, m in body.named_modules()
        if n.endswith("position_embeddings") and getattr(m, "padding_idx", None) is not None
    ]  # fmt: skip
    return int(padded[0]) + 1 if padded else 0


# --- before the text ---------------------------------------------------------------------------------------------


def put_prompt(model: Any, size: int) -> None:
    """Put `size` vectors before every text."""
    body = body_of(model)
    words = body.get_input_embeddings()
    body.add_module("prompt", Vectors(size, int(words.weight.shape[1])).to(words.weight.device))
    body.register_forward_pre_hook(_say_first, with_kwargs=True)
    body.register_forward_hook(_cut, with_kwargs=True)


def _say_first(body: Any, args: tuple[Any, ...], inputs: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """Put the prompt before the vectors of the words, [B, P + T, E]; words written later only see a longer mask."""
    inputs = _named(body, args, inputs)
    prompt = body.prompt()
    if _goes_on(inputs):
        return (), {**inputs, "attention_mask": _longer_mask(inputs, len(prompt))}
    ids = inputs.pop("input_ids", None)
    words = inputs.get("inputs_embeds") if ids is None else body.get_input_embeddings()(ids)
    assert words is not None, "a body reads token ids or their vectors"
    rows, length, _ = words.shape
    inputs["attention_mask"] = _longer_mask({**inputs, "inputs_embeds": words}, len(prompt))
    inputs["inputs_embeds"] = torch.cat([prompt.to(words.dtype).expand(rows, -1, -1), words], dim=1)
    if takes(body, "token_type_ids") and getattr(body.config, "type_vocab_size", None):  # GPT-2 takes words for kinds
        kinds = inputs.get("token_type_ids")
        kinds = torch.zeros(rows, length, dtype=torch.long, device=words.device) if kinds is None else kinds
        inputs["token_type_ids"] = nn.functional.pad(kinds, (len(prompt), 0))
    if takes(body, "position_ids"):
        first = first_position(body)
        places = _positions(inputs, rows, length, first, words.device)
        inputs["position_ids"] = nn.functional.pad(places, (len(prompt), 0), value=first)
    return (), inputs


def _cut(body: Any, _: Any, inputs: dict[str, Any], output: Any) -> Any:
    """Leave the prompt out of the states, and pool the text anew where the body itself pools."""
    size, states = len(body.prompt()), output.last_hidden_state
    if inputs.get("inputs_embeds") is None:
        return output
    output.last_hidden_state = states[:, size:]
    if getattr(output, "pooler_output", None) is not None:
        output.pooler_output = body.pooler(output.last_hidden_state)
    return output


# --- in every block ----------------------------------------------------------------------------------------------


def put_prefix(model: Any, size: int) -> None:
    """Give every block `size` keys and values of its own before those of the text."""
    body = body_of(model)
    blocks, heads, width = cache_shape(body.config)
    vectors = Vectors(size, 2 * blocks * heads * width)
    body.add_module("prefix", vectors.to(body.get_input_embeddings().weight.device))
    body.register_forward_pre_hook(_remember_first, with_kwargs=True)


def cache_shape(config: Any) -> tuple[int, int, int]:
    """Return the number of blocks, of heads that keys have, and the width of a key."""
    heads = config.num_attention_heads
    keys = getattr(config, "num_key_value_heads", None) or heads
    return config.num_hidden_layers, keys, getattr(config, "head_dim", None) or config.hidden_size // heads


def takes_prefix(body: Any) -> bool:
    """Return whether blocks of a body take keys and values from outside, and all of them look at all."""
    kinds = set(getattr(body.config, "layer_types", None) or ["full_attention"])
    return takes(body, "past_key_values") and takes(body, "position_ids") and kinds == {"full_attention"}


def _remember_first(body: Any, args: tuple[Any, ...], inputs: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """Fill the cache with the prefix, so that the text finds it there as if it had been read before."""
    inputs = _named(body, args, inputs)
    prefix = body.prefix()
    size = len(prefix)
    if _goes_on(inputs):
        return (), {**inputs, "attention_mask": _longer_mask(inputs, size)}
    ids = inputs.get("input_ids")
    words = inputs["inputs_embeds"] if ids is None else ids
    rows, length = words.shape[:2]
    mask = _longer_mask(inputs, size)
    causal = any(getattr(module, "is_causal", False) for module in body.modules())
    dtype = body.get_input_embeddings().weight.dtype
    # The mask of a body that looks both ways is made for the text's own length; one of four dimensions is left as is.
    inputs["attention_mask"] = mask if causal else _open(mask, length, dtype)
    inputs["position_ids"] = _positions(inputs, rows, length, first_position(body), words.device)
    cache = inputs.get("past_key_values")
    cache = DynamicCache() if cache is None else cache
    blocks, heads, width = cache_shape(body.config)
    pairs = prefix.view(size, blocks, 2, heads, width).permute(1, 2, 3, 0, 4)  # [L, 2, heads, P, width]
    for at, (keys, values) in enumerate(pairs):
        cache.update(keys.to(dtype).expand(rows, -1, -1, -1), values.to(dtype).expand(rows, -1, -1, -1), at)
    inputs["past_key_values"] = cache
    return (), inputs


def _open(mask: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """Return what is added to scores, [B, 1, T, P + T]: nothing where the mask [B, P + T] is 1, else very little."""
    closed = (mask == 0)[:, None, None, :].expand(-1, 1, length, -1)
    return torch.zeros(closed.shape, dtype=dtype, device=mask.device).masked_fill(closed, torch.finfo(dtype).min)


# --- both --------------------------------------------------------------------------------------------------------


def _named(body: Any, args: tuple[Any, ...], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a forward pass by name."""
    names = list(inspect.signature(body.forward).parameters)
    return {**dict(zip(names, args, strict=False)), **inputs}


def _goes_on(inputs: dict[str, Any]) -> bool:
    """Return whether a text is gone on with, whose beginning has been read."""
    cache = inputs.get("past_key_values")
    return cache is not None and cache.get_seq_length() > 0


def _longer_mask(inputs: dict[str, Any], size: int) -> Tensor:
    """Return the attention mask, [B, P + T]: what was learnt is always seen."""
    mask = inputs.get("attention_mask")
    if mask is None:
        words = inputs["input_ids"] if inputs.get("inputs_embeds") is None else inputs["inputs_embeds"]
        mask = torch.ones(words.shape[:2], dtype=torch.long, device=words.device)
    return nn.functional.pad(mask, (size, 0), value=1)


def _positions(inputs: dict[str, Any], rows: int, length: int, first: int, device: Any) -> Tensor:
    """Return the positions of the text, [B, T], as they are without anything before it."""
    given = inputs.get("position_ids")
    if given is None:
        given = torch.arange(first, first + length, device=device)
    return given.reshape(-1, length).expand(rows, -1)

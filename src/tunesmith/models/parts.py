"""Which layers of a model do what: keys and values, the ends of attention and of feed-forward, heads that are new."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any, Literal

from torch import nn
from transformers.pytorch_utils import Conv1D

from tunesmith.models.blocks import stacks

Part = Literal["keys", "values", "all three", "attention", "feed-forward"]
ENDS: dict[Part, str] = {
    "keys": r"key|key_proj|k_lin|k_proj|k",
    "values": r"value|value_proj|v_lin|v_proj|v",
    "all three": r"Wqkv|c_attn|query_key_value|qkv_proj|in_proj",
    "attention": r"attention\.output\.dense|attention\.dense|out_lin|attn\.Wo|attn\.c_proj|o_proj|o|out_proj",
    "feed-forward": (
        r"(?<!attention\.)output\.dense|lin2|mlp\.Wo|mlp\.c_proj|down_proj|wo|fc2|dense_4h_to_h|fc_out"
    ),
}  # fmt: skip
"""Part → how the names of its layers end: those that give keys, values, or queries, keys and values at once, and those
that end attention and feed-forward, whose outputs are added to what the block was given."""


_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def linear_layers(model: nn.Module) -> dict[str, Any]:
    """Return name → layer of the linear layers inside the blocks."""
    inside = tuple(f"{prefix}." for prefix, _ in stacks(model))
    return {
        name: module
        for name, module in model.named_modules()
        if name.startswith(inside) and isinstance(module, nn.Linear | Conv1D)
    }


def named(names: Iterable[str], ends: Iterable[str]) -> list[str]:
    """Return those of `names` that end like one of `ends`, whole words of a dotted name."""
    wanted = tuple(f".{end}" for end in ends)
    return [name for name in names if f".{name}".endswith(wanted)]


def layers_of(model: nn.Module, *parts: Part) -> list[str]:
    """Return the names of the linear layers that are one of `parts`; empty where the architecture's are not known."""
    ends = re.compile("|".join(rf"(?:\.(?:{ENDS[part]})$)" for part in parts))
    return [name for name in linear_layers(model) if ends.search(f".{name}")]


def width_in(layer: Any) -> int:
    """Return how many numbers a linear layer takes."""
    return int(layer.weight.shape[0] if isinstance(layer, Conv1D) else layer.weight.shape[1])


def width_out(layer: Any) -> int:
    """Return how many numbers a linear layer gives."""
    return int(layer.weight.shape[1] if isinstance(layer, Conv1D) else layer.weight.shape[0])


def heads(model: nn.Module) -> list[str]:
    """Return the names of the modules that are new with a task and so are trained as a whole.

    They are what stands beside the body and has weights, and the body's pooler, which most checkpoints lack. The head
    of a language model is not new, and it is mostly tied to the embeddings.
    """
    output = getattr(model, "get_output_embeddings", lambda: None)()
    if output is not None:
        return []
    base = getattr(model, "base_model_prefix", "")
    found = [name for name, module in model.named_children() if name != base and any(True for _ in module.parameters())]
    poolers = [
        name for name, module in model.named_modules()
        if name.startswith(f"{base}.") and name.endswith(".pooler") and any(True for _ in module.parameters())
    ]  # fmt: skip
    return [*found, *poolers] if hasattr(model, base) else []


def pattern(names: Iterable[str]) -> str:
    """Return a regular expression for `names` and no others, short because blocks are alike.

    Names of layers alone would also find those of poolers and heads: BERT calls many of them `dense`.

    Example:
        >>> pattern(["layer.0.output", "layer.1.output", "layer.1.key"])
        'layer\\\\.1\\\\.key|layer\\\\.(?:0|1)\\\\.output'
    """
    shapes: dict[str, list[list[str]]] = {}
    for name in sorted(set(names)):
        shapes.setdefault(_NUMBER.sub("#", name), []).append(_NUMBER.findall(name))
    found = []
    for shape, numbers in sorted(shapes.items()):
        around = [re.escape(piece) for piece in shape.split("#")]
        columns = [sorted(set(column), key=int) for column in zip(*numbers, strict=True)]
        whole = math.prod(map(len, columns)) == len(numbers)  # every number of one stack with every one of the others
        for filled in [columns] if whole else [[[number] for number in one] for one in numbers]:
            inside = [f"(?:{'|'.join(column)})" if len(column) > 1 else column[0] for column in filled]
            found.append("".join(chain(*zip_longest(around, inside, fillvalue=""))))
    return "|".join(found)

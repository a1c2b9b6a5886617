"""Frozen matrices of four bits: what a GPU keeps a large model in while a small change of it learns."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from tunesmith.errors import Fault, InputError, MissingExtra


def need_quantising() -> None:
    """Refuse where matrices cannot be held in four bits.

    Raises:
        MissingExtra: bitsandbytes is not installed.
        InputError: there is no CUDA GPU (K517).
    """
    if find_spec("bitsandbytes") is None:
        raise MissingExtra("lora with quantise", "bitsandbytes", "quantise")
    if not torch.cuda.is_available():
        message = "weights of four bits are computed on a CUDA GPU, and none was found."
        raise InputError(Fault("K517", "strategies: lora.quantise", message, "Leave quantise out."))


def quantise(model: Any, layers: Sequence[str]) -> None:
    """Put a matrix of four bits in the place of each of `layers`; it is rounded once it is on the GPU.

    NormalFloat: each block of 64 weights is divided by its largest, and each weight becomes the nearest of 16 quantiles
    of a normal distribution; the largest ones are rounded too (double quantisation). Products are in bfloat16.

    Source: Dettmers et al. 2023, QLoRA, section 3.
    """
    bnb = import_module("bitsandbytes")
    for name in layers:
        layer = model.get_submodule(name)
        if not isinstance(layer, nn.Linear):  # those of GPT-2 stand the other way round, and stay as they are
            continue
        small = bnb.nn.Linear4bit(
            layer.in_features, layer.out_features, bias=layer.bias is not None, compute_dtype=torch.bfloat16,
            compress_statistics=True, quant_type="nf4",
        )  # fmt: skip
        small.weight = bnb.nn.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4")
        small.bias = layer.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, small)
    model.is_loaded_in_4bit = True  # peft asks

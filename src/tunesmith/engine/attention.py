"""Fused attention on a CPU without AMX tiles: in fp32 also where the products around it are bf16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

USUAL = functional.scaled_dot_product_attention


@contextmanager
def wide_attention() -> Iterator[None]:
    """Compute fused attention of bf16 inputs in fp32 on a CPU, inside the block.

    torch's kernel for the gradients converts each tile anew in bf16, so that it takes longer than in fp32
    (docs/performance.md has the figures). With AMX tiles, and on other devices, nothing changes.
    """
    before = functional.scaled_dot_product_attention
    if not torch.cpu.get_capabilities().get("amx_bf16"):
        functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = before


def attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """Return what `torch.nn.functional.scaled_dot_product_attention` does: same shapes, same number format.

    With dropout there is no fused kernel on a CPU, and nothing to gain.
    """
    narrow = query.dtype
    if narrow != torch.bfloat16 or query.device.type != "cpu" or dropout_p > 0.0:
        return USUAL(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    mask = attn_mask.float() if attn_mask is not None and attn_mask.is_floating_point() else attn_mask
    with torch.autocast("cpu", enabled=False):
        return USUAL(
            query.float(), key.float(), value.float(), mask, 0.0, is_causal, scale=scale, enable_gqa=enable_gqa
        ).to(narrow)

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.engine import attention as module
from tunesmith.engine.attention import USUAL, attention, wide_attention

ROWS, HEADS, TOKENS, WIDTH = 2, 3, 140, 8


def drawn(dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (ROWS, HEADS, TOKENS, WIDTH)
    return [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for _ in range(3)]


def softmax_of_products(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    scores = query.double() @ key.double().transpose(-1, -2) / WIDTH**0.5
    scores = scores if mask is None else scores + mask.double()
    return scores.softmax(-1) @ value.double()


def additive() -> Tensor:
    mask = torch.zeros(ROWS, 1, TOKENS, TOKENS)
    mask[1, :, :, 100:] = torch.finfo(torch.bfloat16).min
    return mask


@pytest.mark.parametrize("mask", [None, additive().to(torch.bfloat16), additive() == 0])
def test_values_and_gradients_are_those_of_the_formula(mask: Tensor | None) -> None:
    narrow, wide = drawn(torch.bfloat16), [x.detach().double().requires_grad_() for x in drawn(torch.bfloat16)]
    added = additive() if mask is not None else None
    found, due = attention(*narrow, attn_mask=mask), softmax_of_products(*wide, added)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), due, rtol=2**-8, atol=1e-6)
    found.backward(torch.ones_like(found))
    due.backward(torch.ones_like(due))
    for one, other in zip(narrow, wide, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=2**-7, atol=1e-4)


def test_under_autocast_products_stay_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    monkeypatch.setattr(module, "USUAL", lambda q, *rest, **named: (seen.append(q.dtype), USUAL(q, *rest, **named))[1])
    with torch.autocast("cpu", torch.bfloat16):
        attention(*drawn(torch.bfloat16))
    assert seen == [torch.float32]


def test_fp32_dropout_and_causal_attention_are_left_as_they_are() -> None:
    q, k, v = drawn(torch.float32)
    assert torch.equal(attention(q, k, v), USUAL(q, k, v))
    q, k, v = drawn(torch.bfloat16)
    torch.manual_seed(3)
    first = attention(q, k, v, dropout_p=0.5)
    torch.manual_seed(3)
    assert torch.equal(first, USUAL(q, k, v, dropout_p=0.5))
    due = USUAL(q.float(), k.float(), v.float(), is_causal=True)
    assert torch.equal(attention(q, k, v, is_causal=True), due.to(torch.bfloat16))


@pytest.mark.parametrize("tiles", [True, False])
def test_it_holds_inside_the_block_and_where_there_are_no_tiles(tiles: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": tiles})
    with wide_attention():
        assert (functional.scaled_dot_product_attention is attention) is not tiles
    assert functional.scaled_dot_product_attention is USUAL

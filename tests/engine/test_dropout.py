from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tunesmith.engine.dropout import USUAL, cheap_dropout, dropout

SIZE = 400_000


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_so_many_are_left_out_and_the_mean_stays(p: float) -> None:
    torch.manual_seed(0)
    found = dropout(torch.ones(SIZE), p)
    spread = (p * (1 - p) / SIZE) ** 0.5
    assert abs((found == 0).float().mean().item() - p) < 4 * spread + 2**-16
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)])


def test_neighbours_are_left_out_independently_of_each_other() -> None:
    torch.manual_seed(1)
    left_out = (dropout(torch.ones(SIZE), 0.5) == 0).float() - 0.5
    for distance in (1, 2, 3, 4, 384):  # four units come from one number
        product = (left_out[:-distance] * left_out[distance:]).mean().item() * 4
        assert abs(product) < 4 / SIZE**0.5


def test_the_seed_of_torch_says_what_is_left_out() -> None:
    torch.manual_seed(7)
    first = dropout(torch.ones(37), 0.3)
    second = dropout(torch.ones(37), 0.3)
    torch.manual_seed(7)
    assert torch.equal(first, dropout(torch.ones(37), 0.3))
    assert not torch.equal(first, second)


def test_gradients_pass_where_units_are_kept() -> None:
    x = torch.ones(5, 13, requires_grad=True)
    found = dropout(x, 0.4)
    found.sum().backward()
    assert torch.equal(x.grad, found.detach())


def test_in_place_in_other_formats_and_when_there_is_nothing_to_do() -> None:
    x = torch.ones(64, dtype=torch.bfloat16)
    assert dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}
    y = torch.ones(8)
    assert torch.equal(dropout(y, 0.5, training=False), y)
    assert torch.equal(dropout(y, 0.0), y)
    assert torch.equal(dropout(y, 1.0), torch.zeros(8))
    assert dropout(torch.ones(0, 3), 0.5).shape == (0, 3)


def test_layers_use_it_inside_the_block_alone() -> None:
    layer = nn.Dropout(0.5)
    x = torch.ones(1000)

    def drawn(inside: bool) -> torch.Tensor:
        torch.manual_seed(3)
        if not inside:
            return layer(x)
        with cheap_dropout():
            return layer(x)

    found = drawn(inside=True)
    torch.manual_seed(3)
    assert torch.equal(found, dropout(x, 0.5))
    assert not torch.equal(drawn(inside=True), drawn(inside=False))
    with pytest.raises(RuntimeError), cheap_dropout():
        raise RuntimeError
    assert functional.dropout is USUAL

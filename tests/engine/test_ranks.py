"""What a process says when it is alone, and how gradients are put together for the way."""

from __future__ import annotations

import pytest
import torch

from tunesmith.engine import ranks
from tunesmith.engine.ranks import ALONE, follows, launched, place


def test_alone_nothing_is_asked_of_others() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = before = torch.ones(2)
    ALONE.add_gradients([parameter])
    assert parameter.grad is before
    assert ALONE.sums(1.5, 2) == [1.5, 2]
    assert ALONE.told("this") == "this"
    assert ALONE.gathered({3: "three"}) == {3: "three"}
    assert list(ALONE.share(range(3))) == [0, 1, 2]


def test_gradients_travel_in_pieces_of_one_format_and_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "BUCKET", 10)
    sizes = [(4, torch.float32), (6, torch.float32), (1, torch.float32), (2, torch.bfloat16), (30, torch.bfloat16)]
    parameters = [torch.nn.Parameter(torch.zeros(size, dtype=kind)) for size, kind in sizes]
    found = [[p.numel() for p in bucket] for bucket in ranks._buckets(parameters)]
    assert found == [[4, 6], [1], [2], [30]]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, (0, 1)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "3"}, (1, 3)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, (2, 4)),
        ({"WORLD_SIZE": "3"}, (0, 1)),
    ],
)
def test_a_launcher_says_the_place_of_a_process(
    known: dict[str, str], expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for names in ranks.SAID_BY:
        for name in names:
            monkeypatch.delenv(name, raising=False)
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    assert place() == expected
    assert launched() == (expected[1] > 1)
    assert follows() == (expected[0] > 0)

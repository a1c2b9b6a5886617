"""Everything random is kept and put back bit for bit."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch

from tunesmith.runs.checkpoint import Checkpoints
from tunesmith.runs.seed import restore_rng, rng_state, seeded


def draw() -> list[float]:
    return [
        random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(1).item(),
        torch.randn(1).item(),
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_numbers_and_another_others() -> None:
    results = []
    for seed in (13, 13, 14, 2**80):
        with seeded(seed):
            results.append(draw())
    assert results[0] == results[1]
    assert all(a != b for a, b in zip(results[0], results[2], strict=True))


def test_the_generators_outside_are_left_alone() -> None:
    with seeded(1):
        expected = [draw(), draw()]
    with seeded(1):
        found = [draw()]
        with seeded(99):
            draw()
        found.append(draw())
    assert found == expected


def test_the_state_survives_a_checkpoint_in_the_middle_of_a_gauss_pair(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    with seeded(3):
        random.gauss(0, 1)  # a second value is kept back by Python and by numpy
        np.random.randn()
        tensors, state = rng_state()
        checkpoints.save("last", tensors, state)
        expected = [draw() for _ in range(200)]
    found = checkpoints.load("last")
    assert found is not None
    assert json.loads(json.dumps(state)) == state == found[1]
    with seeded(4):
        restore_rng(*found)
        assert [draw() for _ in range(200)] == expected

"""Averages of weights against independent means, what dev decides, and what is carried over a kill."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tunesmith.core.strategy import Group, Progress
from tunesmith.errors import InputError
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.strategies.average import Average

STEPS = 12
TRAIL = np.random.default_rng(3).normal(size=(STEPS + 1, 2, 3))
"""The weights after each step; those of step 0 are pretrained."""


def begin(strategy: Average, score: Callable[[nn.Module], float] | None = None) -> nn.Linear:
    model = nn.Linear(3, 2, bias=False).double()
    setup: Any = SimpleNamespace(seed=5, score=score)
    strategy.prepare(model, setup)
    strategy.groups([Group(name="body", params=[("weight", model.weight)], lr=1.0, weight_decay=0.0)], model)
    return model


def walk(strategy: Average, model: nn.Linear, steps: range) -> None:
    """Call the strategy before each step, as the loop does."""
    for step in steps:
        put(model, TRAIL[step])
        strategy.on_progress(Progress(step / STEPS, step, 0.0), model)
    put(model, TRAIL[steps.stop])


def put(model: nn.Linear, values: Any) -> None:
    with torch.no_grad():
        model.weight.copy_(torch.as_tensor(values))


def held(model: nn.Module) -> Any:
    return next(model.parameters()).detach().numpy()


def test_ema_weighs_old_steps_less_and_less() -> None:
    for decay in (0.0, 0.7, 0.99):
        strategy = Average(decay=decay)
        model = begin(strategy)
        walk(strategy, model, range(STEPS))
        shares = np.array([decay ** (STEPS - 1 - i) for i in range(1, STEPS)])
        expected = np.tensordot(shares / shares.sum(), TRAIL[1:STEPS], 1)
        assert np.allclose(held(strategy.finish(model)), expected, rtol=0.0, atol=1e-12)
        assert np.allclose(shares.sum(), (1 - decay ** (STEPS - 1)) / (1 - decay)), "the correction of Adam"


@pytest.mark.parametrize(("start", "first"), [(None, 9), (0.5, 6), (0.0, 1)])
def test_swa_is_the_plain_mean_of_the_end(start: float | None, first: int) -> None:
    strategy = Average(kind="swa", start=start)
    model = begin(strategy)
    walk(strategy, model, range(STEPS))
    assert np.allclose(held(strategy.finish(model)), TRAIL[first:STEPS].mean(0), rtol=0.0, atol=1e-12)


def nearness(goal: Any) -> Callable[[nn.Module], float]:
    return lambda model: -float(np.abs(held(model) - goal).sum())


def test_soup_takes_in_greedily_what_does_not_lower_dev() -> None:
    goal = TRAIL[6:].mean(0)
    strategy = Average(kind="soup", keep=3)
    score = nearness(goal)
    model = begin(strategy, score)
    walk(strategy, model, range(STEPS))
    put(model, TRAIL[7])  # the best weights by dev, as the training puts them back
    order = sorted([7, 6, 8, 10], key=lambda at: np.abs(TRAIL[at] - goal).sum())
    chosen: list[int] = []
    for at in order:
        tried = TRAIL[[*chosen, at]].mean(0)
        if not chosen or np.abs(tried - goal).sum() <= np.abs(TRAIL[chosen].mean(0) - goal).sum():
            chosen.append(at)
    assert len(chosen) > 1, "the case is one where a mean is better"
    assert np.allclose(held(strategy.finish(model)), TRAIL[chosen].mean(0), rtol=0.0, atol=1e-12)


def test_soup_leaves_out_what_is_worse_and_counts_nothing_twice() -> None:
    strategy = Average(kind="soup", keep=3)
    model = begin(strategy, nearness(TRAIL[8]))
    walk(strategy, model, range(STEPS))
    put(model, TRAIL[8])  # the best weights are one of the checkpoints
    assert np.array_equal(held(strategy.finish(model)), TRAIL[8])
    strategy = Average(kind="soup", keep=3)
    model = begin(strategy)
    walk(strategy, model, range(STEPS))
    put(model, TRAIL[8])
    assert np.allclose(held(strategy.finish(model)), TRAIL[[6, 8, 10]].mean(0), atol=1e-12), "all of them without dev"


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_dev_decides_between_the_mean_and_the_best(kind: Any) -> None:
    for goal, keeps_mean in ((TRAIL[9:12].mean(0), True), (TRAIL[4], False)):
        strategy = Average(kind=kind, start=0.75)
        model = begin(strategy, nearness(goal))
        walk(strategy, model, range(STEPS))
        put(model, TRAIL[4])
        assert np.array_equal(held(strategy.finish(model)), TRAIL[4]) == (not keeps_mean)
    strategy = Average(kind=kind, start=0.75)
    model = begin(strategy, lambda model: 0.5)
    walk(strategy, model, range(STEPS))
    assert not np.array_equal(held(strategy.finish(model)), TRAIL[STEPS]), "of equal scores the mean wins"


@pytest.mark.parametrize("kind", ["ema", "swa", "soup"])
@pytest.mark.parametrize("cut", [0, 1, 7, 11])
def test_what_is_held_comes_back_bit_for_bit(kind: Any, cut: int) -> None:
    whole = Average(kind=kind, start=0.25)
    model = begin(whole)
    walk(whole, model, range(STEPS))
    half = Average(kind=kind, start=0.25)
    walk(half, begin(half), range(cut))
    kept = {name: value.clone() if isinstance(value, Tensor) else value for name, value in half.state().items()}
    resumed = Average(kind=kind, start=0.25)
    other = begin(resumed)
    resumed.restore(kept)
    walk(resumed, other, range(cut, STEPS))
    assert np.array_equal(held(resumed.finish(other)), held(whole.finish(model)))


@pytest.mark.parametrize("kind", ["ema", "swa", "soup"])
def test_a_training_that_ends_before_it_counts_keeps_its_weights_and_the_next_begins_anew(kind: Any) -> None:
    strategy = Average(kind=kind, start=0.5)
    model = begin(strategy)
    walk(strategy, model, range(STEPS))
    model = begin(strategy)
    walk(strategy, model, range(6))
    assert np.array_equal(held(strategy.finish(model)), TRAIL[6])


@pytest.mark.parametrize(
    "options", [{"decay": 1.0}, {"kind": "swa", "decay": 0.9}, {"keep": 3}, {"start": 1.0}, {"kind": "mean"}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"K20[34] recipe: strategies\[0\]"):
        resolve(parse({"data": "rows.csv", "strategies": [{"average": options}]}))

"""Gradual unfreezing: which level opens when, at which rate, and that a resumed training opens the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.core.strategy import Progress
from tunesmith.core.task import HeadSpec
from tunesmith.engine.optim import make_optimizer, parameter_groups, set_rate
from tunesmith.errors import InputError
from tunesmith.models.blocks import depth
from tunesmith.models.load import load_model
from tunesmith.models.tinywriters import save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Optimizer
from tunesmith.strategies.layerwise_lr import LayerwiseLR
from tunesmith.strategies.unfreeze import Unfreeze

HEAD = HeadSpec("single_label_classification", ("a", "b"))
SETTINGS = Optimizer(learning_rate=1e-3, head_learning_rate=1e-2)
WITH_DEV: Any = SimpleNamespace(seed=5, score=lambda model: 0.0)
WITHOUT_DEV: Any = SimpleNamespace(seed=5, score=None)


def started(strategy: Unfreeze, tiny: Path, *others: Any, setup: Any = WITH_DEV) -> tuple[Any, torch.optim.AdamW]:
    model = load_model(tiny, HEAD, seed=0).model
    strategy.prepare(model, setup)
    return model, make_optimizer(parameter_groups(model, SETTINGS, [strategy, *others]), SETTINGS)


def lowest(model: nn.Module) -> int:
    """The depth of the lowest level that is open; all above it have to be open, too, and all below it shut."""
    is_open = {depth(name, model): p.requires_grad for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        assert p.requires_grad == is_open[depth(name, model)], "a level opens as a whole"
    found = min(level for level, opened in is_open.items() if opened)
    assert all(opened == (level >= found) for level, opened in is_open.items())
    return found


def opening(strategy: Unfreeze, model: nn.Module, points: list[tuple[float, int]]) -> list[int]:
    """The lowest open level at each (share, stalled), in a training of 40 steps and 4 epochs."""
    seen = []
    for share, stalled in points:
        strategy.on_progress(Progress(share, round(share * 40), share * 4, stalled), model)
        seen.append(lowest(model))
    return seen


@pytest.mark.parametrize(
    ("options", "shares", "levels"),
    [
        # Two blocks: the head is level 3, the embeddings level 0.
        ({}, [0, 0.15, 0.17, 0.3, 0.34, 0.49, 0.5, 0.9], [3, 3, 2, 2, 1, 1, 0, 0]),
        ({"every": 1.0, "start": 1}, [0, 0.45, 0.5, 0.95, 1.0], [2, 2, 1, 1, 0]),
        ({"by": "epoch"}, [0, 0.225, 0.25, 0.5, 0.74, 0.75, 1.0], [3, 3, 2, 1, 1, 0, 0]),
        ({"by": "epoch", "every": 0.5, "start": 2}, [0, 0.1, 0.125], [1, 1, 0]),
        ({"start": 9}, [0, 1.0], [0, 0]),
    ],
)
def test_levels_open_from_above(tiny: Path, options: dict[str, Any], shares: list[float], levels: list[int]) -> None:
    strategy = Unfreeze(**options)
    model, _ = started(strategy, tiny)
    assert opening(strategy, model, [(share, 0) for share in shares]) == levels
    fresh, _ = started(strategy, tiny)
    assert opening(strategy, fresh, [(0.0, 0)]) == levels[:1], "the next training begins anew"


def test_a_stalled_dev_score_opens_the_next_level(tiny: Path) -> None:
    strategy = Unfreeze(by="stall")
    model, _ = started(strategy, tiny)
    stalled = [0, 0, 1, 1, 2, 0, 0, 1, 2]
    assert opening(strategy, model, [(0.1, s) for s in stalled]) == [3, 3, 2, 2, 1, 1, 1, 0, 0]
    strategy = Unfreeze(by="stall", every=2)
    model, _ = started(strategy, tiny)
    assert opening(strategy, model, [(0.1, s) for s in (0, 1, 0, 1, 2, 3, 4)]) == [3, 3, 3, 3, 2, 2, 1]


def test_without_dev_nothing_stalls_and_the_share_decides(tiny: Path) -> None:
    strategy = Unfreeze(by="stall", every=3)
    model, _ = started(strategy, tiny, setup=WITHOUT_DEV)
    assert opening(strategy, model, [(0.0, 0), (0.2, 0), (0.4, 0), (0.5, 0)]) == [3, 2, 1, 0]


def test_a_level_that_opened_warms_up_on_top_of_other_rates(tiny: Path) -> None:
    strategy = Unfreeze(by="epoch", warmup_steps=4)
    model, optimizer = started(strategy, tiny, LayerwiseLR(decay=0.5))
    rates: dict[str, list[float]] = {}
    for step in range(16):
        progress = Progress(step / 40, step, step / 10)
        strategy.on_progress(progress, model)
        set_rate(optimizer, 0.8, progress)
        names = {id(p): name for name, p in model.named_parameters()}
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                rates.setdefault(names[id(parameter)], []).append(group["lr"])
    assert rates["classifier.weight"] == pytest.approx([8e-3] * 16), "what is open from the start does not warm up"
    assert rates["bert.encoder.layer.1.output.dense.weight"][10:] == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 8e-4, 8e-4])
    strategy.on_progress(Progress(0.5, 20, 2.0), model)
    set_rate(optimizer, 0.8, Progress(0.5, 20, 2.0))
    low = {names[id(p)]: group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert low["bert.encoder.layer.0.output.dense.bias"] == pytest.approx(1e-4), "0.8 · 1e-3 · 0.5 · 1 / 4"


def test_shut_levels_stay_as_they_are_and_have_no_moments(tiny: Path) -> None:
    strategy = Unfreeze(start=1)
    model, optimizer = started(strategy, tiny)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    strategy.on_progress(Progress(0.0, 0, 0.0), model)
    model(input_ids=torch.tensor([[2, 5, 3]]), attention_mask=torch.ones(1, 3)).logits.square().sum().backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (depth(name, model) < 2), name
        assert (parameter in optimizer.state) == (depth(name, model) >= 2)


def test_what_was_opened_comes_back(tiny: Path) -> None:
    strategy = Unfreeze(by="stall", warmup_steps=3)
    model, _ = started(strategy, tiny)
    opening(strategy, model, [(0.0, 0), (0.25, 1)])
    kept = strategy.state()
    assert kept == {"opened": [0, 10], "stalled": 1}
    resumed = Unfreeze(by="stall", warmup_steps=3)
    model, optimizer = started(resumed, tiny)
    resumed.restore(kept)
    assert opening(resumed, model, [(0.275, 1)]) == [2]
    set_rate(optimizer, 1.0, Progress(0.275, 11, 1.1))
    assert {round(group["lr"], 9) for group in optimizer.param_groups if "@2" in group["name"]} == {round(2e-3 / 3, 9)}
    assert opening(resumed, model, [(0.3, 2)]) == [1]


def test_a_model_without_a_head_of_its_own_begins_with_its_highest_block(tmp_path: Path) -> None:
    model, _ = load_writer(save_tiny_writer(tmp_path / "gpt2", ["a film"], family="gpt2"), "causal")
    strategy = Unfreeze()
    strategy.prepare(model, WITH_DEV)
    parameter_groups(model, SETTINGS, [strategy])
    strategy.on_progress(Progress(0.0, 0, 0.0), model)
    assert lowest(model) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [({"every": 1.5}, "at most 1"), ({"by": "stall", "every": 1.5}, "whole number"), ({"by": "steps"}, "epoch"),
     ({"start": -1}, "at least 0"), ({"every": 0}, "more than 0"), ({"warmup_steps": 0.5}, "whole number")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"K20[34] recipe: strategies\[0\](.|\n)*{said}"):
        resolve(parse({"data": "rows.csv", "strategies": [{"unfreeze": options}]}))

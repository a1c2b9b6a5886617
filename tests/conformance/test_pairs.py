"""Strategies together: every pair works or is refused with a reason, and fours of them stay exact."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith.bundle.load import load_bundle
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.recipe import catalogue
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.support import conflict_of

NAMES = sorted(catalogue.STRATEGIES)
PAIRS = list(combinations(NAMES, 2))
BRIEF: dict[str, dict[str, Any]] = {}
"""Options that make a strategy quick; all else is tried as it comes."""


def together(names: Sequence[str]) -> bool:
    return not any(conflict_of(first, second) for first, second in combinations(names, 2))


def fours() -> list[tuple[str, ...]]:
    """Ten fours that go together, drawn once and for all."""
    draw, found = random.Random(11), []
    while len(found) < 10:
        names = tuple(sorted(draw.sample(NAMES, 4)))
        if together(names) and names not in found:
            found.append(names)
    return found


def asked(quick: dict[str, Any], names: Sequence[str], steps: int) -> dict[str, Any]:
    chosen = [{name: BRIEF.get(name, {})} for name in names]
    stop = {"steps": steps, "epochs": 4, "evaluations_per_epoch": 4, "patience": None, "refit": False}
    return {**quick, "strategies": chosen, "stop": stop, "evaluate": {"folds": 0, "resamples": 20, "baselines": []}}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.name}:{name}": value
        for path in sorted((folder / "model").glob("*.safetensors")) for name, value in load_file(path).items()
    }  # fmt: skip


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_pair_works_or_is_refused_with_a_reason(
    quick: dict[str, Any], tmp_path: Path, first: str, second: str
) -> None:
    recipe = asked(quick, (second, first), steps=2)
    reason = conflict_of(first, second)
    if reason:
        with pytest.raises(InputError) as raised:
            resolve(parse(recipe))
        assert [fault.code for fault in raised.value.faults] == ["K212"]
        assert reason in str(raised.value)
        return
    train(recipe, folder=tmp_path / "run")
    kept = weights(tmp_path / "run")
    assert kept
    assert all(torch.isfinite(value).all() for value in kept.values())
    assert len(load_bundle(tmp_path / "run").predict(["the film was fine", "a book so dire"])) == 2


def interrupted(recipe: dict[str, Any], folder: Path, at: int) -> None:
    """Train, stopped after step `at`, then on to the end."""

    def stop(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == at:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        train(recipe, folder=folder, progress=stop)
    train(recipe, folder=folder, resume=True)


@pytest.mark.parametrize("names", [*((name,) for name in NAMES), *fours()], ids="+".join)
def test_resumed_and_reproduced_it_stays_exact(quick: dict[str, Any], tmp_path: Path, names: tuple[str, ...]) -> None:
    recipe = asked(quick, names, steps=6)
    train(recipe, folder=tmp_path / "whole")
    interrupted(recipe, tmp_path / "resumed", at=4)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "resumed"))
    assert reproduce(tmp_path / "whole")["level"] == "weights"


def test_fours_are_fours() -> None:
    assert len(set(fours())) == 10
    assert all(together(names) for names in fours())

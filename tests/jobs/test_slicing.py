"""A training on the embeddings of its own tokens ends where one on all of them does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith.jobs import tune
from tunesmith.jobs.train import train
from tunesmith.models.sliced import Sliced

EMBEDDINGS = "word_embeddings.weight"


def weights(recipe: dict[str, Any], folder: Path, **optimizer: Any) -> dict[str, torch.Tensor]:
    asked = {**recipe, "stop": {"steps": 12, "epochs": 4}, "optimizer": {**recipe["optimizer"], **optimizer}}
    assert train(asked, folder=folder).report()["kept_step"] > 0, "nothing was learnt, so nothing is compared"
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Until it is undone, nothing is cut."""
    monkeypatch.setattr(tune, "sliced", lambda model, tokens: Sliced())
    return monkeypatch


STRATEGIES: list[list[Any]] = [[], ["l2sp", "average"], ["fgm", "mixout"], ["distil_from_base", "unfreeze"]]


@pytest.mark.parametrize("strategies", STRATEGIES, ids=str)
def test_bit_for_bit(quick: dict[str, Any], tmp_path: Path, whole: pytest.MonkeyPatch, strategies: list[Any]) -> None:
    recipe = {**quick, "strategies": strategies}
    # Clipping adds up squares of gradients in an order of its own for each shape.
    slow = weights(recipe, tmp_path / "whole", weight_decay=0.0, clip_norm=None)
    whole.undo()
    fast = weights(recipe, tmp_path / "cut", weight_decay=0.0, clip_norm=None)
    assert slow.keys() == fast.keys()
    for name, value in slow.items():
        assert torch.equal(value, fast[name]), name


def test_weight_decay_leaves_alone_what_no_row_has(
    quick: dict[str, Any], tiny: Path, tmp_path: Path, whole: pytest.MonkeyPatch
) -> None:
    recipe = {**quick, "strategies": []}
    slow = weights(recipe, tmp_path / "whole", weight_decay=0.1)
    whole.undo()
    fast = weights(recipe, tmp_path / "cut", weight_decay=0.1)
    base = next(value for name, value in load_file(tiny / "model.safetensors").items() if name.endswith(EMBEDDINGS))
    [name] = [name for name in fast if name.endswith(EMBEDDINGS)]
    met = (fast[name] != base).any(1)
    assert 0 < met.sum() < len(met)
    assert (slow[name][~met] != base[~met]).any(), "they shrink where they are in the optimiser"
    for key, value in fast.items():
        others = slow[key]
        torch.testing.assert_close(value[met] if key == name else value, others[met] if key == name else others)


def test_what_is_reported_is_the_whole_matrix(quick: dict[str, Any], tmp_path: Path, whole: pytest.MonkeyPatch) -> None:
    recipe = {**quick, "strategies": [], "stop": {"steps": 1}}
    slow = train(recipe, folder=tmp_path / "whole").report()["model"]
    whole.undo()
    fast = train(recipe, folder=tmp_path / "cut").report()["model"]
    assert slow["trained_parameters"] == fast["trained_parameters"] == fast["parameters"]

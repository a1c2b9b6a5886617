"""Weight decay by part: a step against an independent computation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tunesmith.core.strategy import Progress
from tunesmith.core.task import HeadSpec
from tunesmith.engine.optim import make_optimizer, parameter_groups, set_rate
from tunesmith.errors import InputError
from tunesmith.models.load import load_model
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Optimizer
from tunesmith.strategies.decay import Decay
from tunesmith.strategies.layerwise_lr import LayerwiseLR

HEAD = HeadSpec("single_label_classification", ("a", "b"))
SETTINGS = Optimizer(learning_rate=1e-2, head_learning_rate=2e-2, weight_decay=0.05)


def part(name: str, ndim: int) -> str:
    if ndim < 2:
        return "vectors"
    return "embeddings" if "embeddings" in name else "head" if name.startswith("classifier") else "body"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"body": 0.05, "head": 0.05, "embeddings": 0.0, "vectors": 0.0}),
        ({"body": 0.1, "head": 0.5, "embeddings": 0.2, "vectors": 0.3},
         {"body": 0.1, "head": 0.5, "embeddings": 0.2, "vectors": 0.3}),
    ],
)  # fmt: skip
def test_a_step_is_that_of_the_formula(tiny: Path, options: dict[str, float], expected: dict[str, float]) -> None:
    model = load_model(tiny, HEAD, seed=0).model.double()
    groups = parameter_groups(model, SETTINGS, [LayerwiseLR(decay=1.0), Decay(**options)])
    optimizer = make_optimizer(groups, SETTINGS)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))
    before = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    model(input_ids=torch.tensor([[2, 5, 3]]), attention_mask=torch.ones(1, 3)).logits.square().sum().backward()
    set_rate(optimizer, 0.5, Progress(0.0, 0, 0.0))
    optimizer.step()
    seen = set()
    for name, parameter in model.named_parameters():
        kind = part(name, parameter.ndim)
        seen.add(kind)
        assert parameter.grad is not None, name
        rate, grad = 0.5 * (2e-2 if name.startswith("classifier") else 1e-2), parameter.grad.numpy()
        moved = before[name] - rate * (grad / (np.abs(grad) + 1e-8) + expected[kind] * before[name])
        assert np.allclose(parameter.detach().numpy(), moved, rtol=0.0, atol=1e-9), name
    assert seen == set(expected)


def test_it_keeps_the_rates_that_others_gave(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=0).model
    both = [LayerwiseLR(decay=0.5), Decay(embeddings=0.2)]
    for strategies in (both, both[::-1]):
        settled = {
            name: (group["lr"], group["weight_decay"])
            for group in parameter_groups(model, SETTINGS, strategies)
            for name, _ in group["params"]
        }
        assert settled["bert.embeddings.word_embeddings.weight"] == (2.5e-3, 0.2)
        assert settled["bert.encoder.layer.0.output.dense.weight"] == (5e-3, 0.05)
        assert settled["classifier.weight"] == (2e-2, 0.05)
        assert settled["classifier.bias"] == (2e-2, 0.0)


def test_decays_below_zero_are_refused() -> None:
    with pytest.raises(InputError, match="K204"):
        resolve(parse({"data": "rows.csv", "strategies": [{"decay": {"head": -0.1}}]}))

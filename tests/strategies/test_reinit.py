"""Re-initialisation: what is drawn anew, from which distribution, and that the seed decides it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError
from tunesmith.models.blocks import stacks
from tunesmith.models.load import load_model
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.strategies.reinit import Reinit

HEAD = HeadSpec("single_label_classification", ("a", "b"))
TEXTS = ["the film was good", "a book so bad"]


def setup(seed: int = 5) -> Any:
    return SimpleNamespace(seed=seed)


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("kind", ["own", "pooled"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_highest_block_and_the_pooler_and_nothing_else(tmp_path: Path, family: str, kind: Any) -> None:
    model = load_model(save_tiny(tmp_path, TEXTS, family=family), HEAD, kind=kind, seed=3).model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(3.0)  # nothing is drawn from so far away
    before = weights(model)
    Reinit().prepare(model, setup())
    [(prefix, count)] = stacks(model)
    inside = {name for name in before if name.startswith(f"{prefix}.{count - 1}.")}
    inside |= {name for name in before if name.startswith("bert.pooler.")}
    assert len(inside) >= 4
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) == (name not in inside), name
        if name in inside:
            assert parameter.detach().abs().max() < 2.0 or torch.equal(parameter, torch.ones_like(parameter))


@pytest.mark.parametrize("family", ["gpt2", "llama", "t5", "bart"])
def test_of_models_that_write_it_is_the_last_block(tmp_path: Path, family: str) -> None:
    model, _ = load_writer(save_tiny_writer(tmp_path, TEXTS, family=family), WRITERS[family].problem)
    before = weights(model)
    Reinit().prepare(model, setup())
    prefix, count = stacks(model)[-1]
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    assert all(name.startswith(f"{prefix}.{count - 1}.") for name in changed)


def test_the_draws_are_those_of_the_architecture(tmp_path: Path) -> None:
    config = AutoConfig.for_model("bert", vocab_size=30, hidden_size=128, num_hidden_layers=2, num_attention_heads=2,
                                  intermediate_size=512, initializer_range=0.07)  # fmt: skip
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(9.0)
    Reinit(blocks=2).prepare(model, setup())
    for name, parameter in model.bert.encoder.named_parameters():
        values = parameter.detach().numpy().astype(np.float64)
        if parameter.ndim > 1:  # W ~ N(0, σ²)
            assert abs(values.std() - 0.07) < 0.07 * 4 / np.sqrt(2 * values.size), name
            assert abs(values.mean()) < 0.07 * 5 / np.sqrt(values.size)
        else:
            assert (values == (1.0 if name.endswith("LayerNorm.weight") else 0.0)).all(), name
    assert abs(model.bert.pooler.dense.weight.std().item() - 0.07) < 0.003
    assert (model.bert.embeddings.word_embeddings.weight == 9.0).all()


def test_the_seed_decides_and_nothing_else_is_drawn(tiny: Path) -> None:
    drawn = []
    for seed in (5, 5, 6):
        model = load_model(tiny, HEAD, seed=3).model
        torch.manual_seed(11)
        Reinit(pooler=False).prepare(model, setup(seed))
        drawn.append({**weights(model), "next": torch.rand(1)})
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    assert any(not torch.equal(drawn[0][name], drawn[2][name]) for name in drawn[0])
    assert torch.equal(drawn[0]["next"], drawn[2]["next"])


def test_more_blocks_than_there_are_is_refused(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=3).model
    with pytest.raises(InputError, match=r"K508 strategies: reinit\.blocks: 3 blocks came(.|\n)*has 2"):
        Reinit(blocks=3).prepare(model, setup())

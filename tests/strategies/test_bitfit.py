"""BitFit: biases and the head learn, the matrices stay."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError
from tunesmith.models.load import load_model
from tunesmith.models.tiny import save_tiny
from tunesmith.models.tinywriters import save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.strategies.bitfit import BitFit

HEAD = HeadSpec("single_label_classification", ("a", "b"))
SETUP: Any = SimpleNamespace(seed=5)
TEXTS = ["the film was good", "a book so bad"]


def trained(model: torch.nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(
    ("family", "biases"),
    # Per block: query, key, value, output, both layers of the feed-forward part, two norms; the norm of the embeddings.
    [("bert", 17), ("roberta", 17), ("distilbert", 17), ("electra", 17), ("deberta-v2", 18)],
)
def test_the_biases_learn_and_the_head(tmp_path: Path, family: str, biases: int) -> None:
    model = load_model(save_tiny(tmp_path, TEXTS, family=family), HEAD, kind="own", seed=3).model
    every = {name for name, _ in model.named_parameters()}
    BitFit().prepare(model, SETUP)
    head = {name for name in every if re.match(r"(pre_)?classifier|pooler|bert\.pooler", name)}
    assert head >= {"classifier.bias"} or head >= {"classifier.out_proj.bias"}
    body = trained(model) - head
    assert trained(model) == head | {name for name in every if name.endswith("bias")}
    assert len(body) == biases


def test_only_some_biases_learn(tiny: Path) -> None:
    model = load_model(tiny, HEAD, kind="own", seed=3).model
    BitFit.model_validate({"names": r"(query|\d\.output\.dense)\.bias$"}).prepare(model, SETUP)
    body = {name for name in trained(model) if ".layer." in name or "embeddings" in name}
    assert body == {
        f"bert.encoder.layer.{at}.{part}.bias" for at in (0, 1) for part in ("attention.self.query", "output.dense")
    }


def test_one_step_moves_the_biases_as_adamw_says_and_no_matrix(tiny: Path) -> None:
    model = load_model(tiny, HEAD, kind="own", seed=3).model
    BitFit().prepare(model, SETUP)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model(input_ids=torch.tensor([[2, 5, 3]]), attention_mask=torch.ones(1, 3)).logits.square().sum().backward()
    grads = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    assert grads.keys() == trained(model)
    torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0).step()
    name = "bert.encoder.layer.0.intermediate.dense.bias"
    moved = before[name].double() - 1e-2 * grads[name].double() / (grads[name].double().abs() + 1e-8)
    assert torch.allclose(dict(model.named_parameters())[name].double(), moved, atol=1e-6)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) or name in grads


def test_models_without_biases_and_names_that_find_none_are_refused(tmp_path: Path, tiny: Path) -> None:
    model, _ = load_writer(save_tiny_writer(tmp_path / "llama", TEXTS, family="llama"), "causal")
    with pytest.raises(InputError, match="K507"):
        BitFit().prepare(model, SETUP)
    model = load_model(tiny, HEAD, seed=3).model
    with pytest.raises(InputError, match=r"K507(.|\n)*q_proj"):
        BitFit.model_validate({"names": "q_proj"}).prepare(model, SETUP)
    with pytest.raises(InputError, match="K204"):
        resolve(parse({"data": "rows.csv", "strategies": [{"bitfit": {"names": "("}}]}))


def test_beside_an_adapter_it_is_refused() -> None:
    for other in ("bitfit", "unfreeze", "reinit"):
        with pytest.raises(InputError, match="K212"):
            resolve(parse({"data": "rows.csv", "strategies": ["lora", other]}))

"""Embeddings of the tokens that a training meets, in place of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, BartConfig, BartModel

from tunesmith.models.sliced import sliced

IDS = torch.tensor([[5, 9, 9, 7]])


@pytest.fixture
def body(tiny: Path) -> Any:
    return AutoModel.from_pretrained(tiny).eval()


def test_a_model_says_the_same_without_the_other_rows(body: Any) -> None:
    before = body(input_ids=IDS).last_hidden_state
    cut = sliced(body, [9, 5, 7])
    assert len(body.get_input_embeddings().weight) == 4, "the padding token stays"
    assert torch.equal(body(input_ids=IDS).last_hidden_state, before)
    cut.restore()
    assert torch.equal(body(input_ids=IDS).last_hidden_state, before)


def test_what_was_learnt_is_put_back_and_the_rest_is_as_it_was(body: Any) -> None:
    layer = body.get_input_embeddings()
    weight, start, kind = layer.weight, layer.weight.detach().clone(), repr(layer)
    cut = sliced(body, [5, 7])
    assert cut.spared == start.numel() - weight.numel()
    with torch.no_grad():
        weight += 1.0
    cut.restore()
    assert layer.weight is weight, "an optimiser and its strategies go on with the same object"
    assert repr(layer) == kind
    changed = (weight != start).all(1).nonzero().flatten().tolist()
    assert changed == sorted({0, 5, 7})
    assert torch.equal(weight[5], start[5] + 1.0)
    assert list(body.state_dict()) == list(AutoModel.from_config(body.config).state_dict())


def test_padding_learns_nothing_as_before(body: Any) -> None:
    ids = torch.tensor([[5, 7, 0, 0]])
    gradients = []
    for cut in (False, True):
        if cut:
            sliced(body, [5, 7])
        body.zero_grad()
        body(input_ids=ids).last_hidden_state.square().sum().backward()
        gradients.append(body.get_input_embeddings().weight.grad)
    whole, part = gradients
    assert torch.equal(whole[[0, 5, 7]], part)
    assert not whole[0].any()


def test_a_token_that_was_cut_is_refused(body: Any) -> None:
    sliced(body, [5, 7])
    with pytest.raises(IndexError):
        body(input_ids=IDS)


def test_a_matrix_that_is_shared_stays_whole(with_head: Path) -> None:
    shared = BartModel(
        BartConfig(vocab_size=50, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                   decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16)
    )  # fmt: skip
    for model in (AutoModelForMaskedLM.from_pretrained(with_head), shared):
        rows = len(model.get_input_embeddings().weight)
        cut = sliced(model, [5])
        assert cut.spared == 0
        cut.restore()
        assert len(model.get_input_embeddings().weight) == rows

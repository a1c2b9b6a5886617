"""Blocks that stand still: which can be left out, and what is given in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModel,
    BartConfig,
    BartModel,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaModel,
    T5Config,
    T5Model,
)

from tunesmith.core.batch import Features
from tunesmith.models.frozen import Frozen
from tunesmith.models.kept import TOGETHER, Kept
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.runs.states import States

IDS = torch.tensor([[2, 9, 8, 7, 3], [2, 6, 3, 0, 0]])
MASK = (IDS != 0).long()
ROWS = [Features({"input_ids": ids[: int(mask.sum())].tolist()}) for ids, mask in zip(IDS, MASK, strict=True)]
SMALL = {"vocab_size": 50, "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
DECODERS: dict[str, Any] = {
    "gpt2": lambda: GPT2Model(GPT2Config(n_layer=2, n_embd=16, n_head=2, **SMALL)),
    "llama": lambda: LlamaModel(
        LlamaConfig(num_hidden_layers=2, hidden_size=16, num_attention_heads=2, intermediate_size=32, **SMALL)
    ),
    "bart": lambda: BartModel(
        BartConfig(d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
                   encoder_ffn_dim=16, decoder_ffn_dim=16, **SMALL)
    ),
}  # fmt: skip


@pytest.fixture
def body(tiny: Path) -> Any:
    return AutoModel.from_pretrained(tiny)


def shut(model: Any, count: int) -> Frozen:
    """Freeze the lowest `count` blocks of a model, and let them rest."""
    frozen = Frozen(model, IDS[:1])
    for level, parameter in frozen.levels:
        parameter.requires_grad_(level > count)
    for name, parameter in model.named_parameters():
        if "layernorm_embedding" in name:  # of BART, whose other norms learn with the highest block
            parameter.requires_grad_(False)
    assert frozen.still() == count
    assert frozen.understands(count)
    frozen.rest(count)
    return frozen


def kept_by(frozen: Frozen, count: int) -> Kept:
    kept = Kept(lambda inputs: frozen.ask(inputs, count), States(None, frozen.width), ROWS)
    frozen.keep(count, kept.read)
    return kept


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", sorted({*FAMILIES, *DECODERS} - {"deberta-v2"}))
def test_a_model_says_the_same_without_its_lowest_blocks(name: str, count: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = name in DECODERS
    folder = tmp_path if made else save_tiny(tmp_path / name, ["a good film"], family=name)
    model = DECODERS[name]() if made else AutoModel.from_pretrained(folder)
    names = list(model.state_dict())
    frozen = shut(model, count)
    stem, marks = frozen.stem.eval(), MASK.bool()
    whole = stem(input_ids=IDS, attention_mask=MASK).last_hidden_state
    kept = kept_by(frozen, count)
    ran: list[int] = []
    attention = [module for module in frozen.blocks[count - 1].modules() if isinstance(module, torch.nn.LayerNorm)]
    stem(input_ids=IDS, attention_mask=MASK)
    for module in attention:
        module.register_forward_hook(lambda *_: ran.append(1))
    short = stem(input_ids=IDS, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(short[marks], whole[marks], atol=1e-5, rtol=1e-4)
    assert not ran
    assert len(kept.states.fresh) == 2
    frozen.release()
    assert list(model.state_dict()) == names
    assert all("forward" not in vars(block) for block in frozen.blocks)


def test_t5_is_not_understood() -> None:
    model = T5Model(T5Config(num_layers=2, d_model=16, num_heads=2, d_ff=16, d_kv=8, **SMALL)).requires_grad_(False)
    frozen = Frozen(model, IDS[:1])
    assert frozen.still() == 2
    assert not frozen.understands(1), "its first block also gives positions to those above"
    assert "forward" not in vars(frozen.blocks[0])


def test_dropout_rests_below_and_works_above(body: Any) -> None:
    frozen = shut(body, 1)
    seen: list[torch.Tensor] = []
    frozen.blocks[0].register_forward_hook(lambda _, __, output: seen.append(output))
    body.train()
    first, second = (body(input_ids=IDS, attention_mask=MASK).last_hidden_state for _ in range(2))
    assert torch.equal(*seen)
    assert not torch.equal(first, second)
    frozen.release()
    body.train()
    body(input_ids=IDS, attention_mask=MASK)
    assert not torch.equal(seen[0], seen[2])


def test_gradients_above_are_those_of_the_blocks_themselves(body: Any) -> None:
    frozen = shut(body, 1)
    gradients = []
    for given in (False, True):
        if given:
            kept_by(frozen, 1)
        body.zero_grad()
        torch.manual_seed(1)
        body.train()
        states = body(input_ids=IDS, attention_mask=MASK).last_hidden_state
        (states * MASK[..., None]).square().sum().backward()
        gradients.append({name: p.grad for name, p in body.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("asks", ["position_ids", "output_hidden_states", "inputs_embeds", "left", "another"])
def test_passes_that_ask_for_more_run_whole(body: Any, asks: str) -> None:
    frozen = shut(body, 1)
    kept = kept_by(frozen, 1)
    inputs: dict[str, Any] = {"input_ids": IDS, "attention_mask": MASK}
    more: dict[str, dict[str, Any]] = {
        "position_ids": {"position_ids": torch.tensor([[4, 3, 2, 1, 0]]).repeat(2, 1)},
        "output_hidden_states": {"output_hidden_states": True},
        "inputs_embeds": {"input_ids": None, "inputs_embeds": torch.ones(2, 5, 16)},
        "left": {"input_ids": IDS.flip(1), "attention_mask": MASK.flip(1)},
        "another": {"input_ids": IDS + MASK},
    }
    body.eval()
    body(**{**inputs, **more[asks]})
    assert not kept.states.fresh
    frozen.keep(0, None)
    whole = body(**{**inputs, **more[asks]}).last_hidden_state
    kept_by(frozen, 1)
    assert torch.equal(body(**{**inputs, **more[asks]}).last_hidden_state, whole)


def test_kinds_of_tokens_tell_rows_apart(body: Any) -> None:
    frozen = shut(body, 1)
    kinds = torch.tensor([[0, 0, 1, 1, 1]])
    rows = [Features({"input_ids": IDS[0].tolist(), "token_type_ids": k.tolist()}) for k in (kinds[0], 0 * kinds[0])]
    kept = Kept(lambda inputs: frozen.ask(inputs, 1), States(None, frozen.width), rows)
    body.eval()
    whole = [body(input_ids=IDS[:1], token_type_ids=k).last_hidden_state for k in (kinds, 0 * kinds)]
    frozen.keep(1, kept.read)
    for value, k in zip(whole, (kinds, 0 * kinds), strict=True):
        torch.testing.assert_close(body(input_ids=IDS[:1], token_type_ids=k).last_hidden_state, value)
    assert len(kept.states.fresh) == 2


def test_a_row_is_the_same_to_the_last_bit_whatever_is_computed_beside_it(body: Any) -> None:
    frozen = shut(body, 2)
    many = [Features({"input_ids": [2, 4 + at, 9 + at, 3]}) for at in range(3 * TOGETHER // 4)]
    found = []
    for rows in (many, many[::-1], many[5:6]):
        kept = Kept(lambda inputs: frozen.ask(inputs, 2), States(None, frozen.width), rows)
        given = kept.read({"input_ids": torch.tensor([many[5].inputs["input_ids"]])})
        assert given is not None
        found.append(given)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_fingerprint_is_of_what_lies_below(body: Any) -> None:
    frozen = shut(body, 1)
    before = frozen.fingerprint(1)
    with torch.no_grad():
        body.encoder.layer[1].output.dense.weight += 1.0
        body.pooler.dense.weight += 1.0
    assert frozen.fingerprint(1) == before
    assert frozen.fingerprint(2) != before
    with torch.no_grad():
        body.encoder.layer[0].output.dense.weight[0, 0] += 1e-3
    assert frozen.fingerprint(1) != before


def test_in_half_precision_it_differs_by_rounding_alone(body: Any) -> None:
    frozen = shut(body, 1)
    body.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        whole = body(input_ids=IDS, attention_mask=MASK).last_hidden_state
        kept = kept_by(frozen, 1)
        short = body(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert short.dtype == whole.dtype
    torch.testing.assert_close(short[MASK.bool()], whole[MASK.bool()], atol=0.1, rtol=0.05)
    with torch.no_grad():
        exact = frozen.ask({"input_ids": IDS[:1]}, 1)[0]
    torch.testing.assert_close(torch.from_numpy(kept.states.fresh[next(iter(kept.rows))]), exact)

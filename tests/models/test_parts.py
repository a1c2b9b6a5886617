"""The expression for layers finds those layers and no others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.models.parts import pattern

ALL = [
    f"{stack}.{block}.{layer}" for stack in ("encoder.layer", "decoder.layer") for block in range(12)
    for layer in ("output.dense", "attention.output.dense", "experts.0.up", "experts.1.up")
] + ["pooler.dense"]  # fmt: skip


@given(st.sets(st.sampled_from(ALL), min_size=1))
def test_it_finds_exactly_those(names: set[str]) -> None:
    found = re.compile(pattern(names))
    assert {name for name in ALL if found.fullmatch(name)} == names


@pytest.mark.parametrize("blocks", [range(12), [1], [0, 11]])
def test_it_is_short_however_many_blocks_there_are(blocks: range | list[int]) -> None:
    names = [f"encoder.layer.{block}.output.dense" for block in blocks]
    assert pattern(names).count("output") == 1


def test_lora_of_one_block_adapts_that_one() -> None:
    from transformers import BertConfig, BertForSequenceClassification

    from tunesmith.models.parts import linear_layers, named

    model = BertForSequenceClassification(
        BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=12, num_attention_heads=2, intermediate_size=8)
    )
    wanted = named(linear_layers(model), ["1.output.dense"])
    assert wanted == ["bert.encoder.layer.1.output.dense"]
    found = re.compile(pattern(wanted))
    assert [name for name, _ in model.named_modules() if found.fullmatch(name)] == wanted

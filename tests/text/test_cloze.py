"""Texts in a pattern: whatever the text, the pattern is whole and holds the one mask."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import PairExample, TextExample
from tunesmith.models.load import load_tokenizer
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text.cloze import Cloze
from tunesmith.text.windows import Encoder

KNOWN = ["the film was good", "a book so bad It was great all in .", "very ? , odd"] * 4
PATTERNS = ("{text} It was {mask}.", "{mask}: {text}", "It was {mask} in all: {text} .")
MOST = 24
TEXTS = st.lists(
    st.sampled_from(
        ["good", "film", "zürich", "夜", "🚲", "[MASK]", "<mask>", "[SEP]", "</s>", "  ", "\n", ".", "a\u0301"]
    )
    | st.text(max_size=8),
    max_size=40,
).map(" ".join)


@cache
def tokenizer_of(family: str) -> Any:
    return tiny_tokenizer(KNOWN, family)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_the_pattern_stays_whole(family: str, pattern: str, text: str) -> None:
    tokenizer = tokenizer_of(family)
    asked = Cloze(tokenizer, pattern, MOST)
    [inputs] = asked([(text,)])
    ids = inputs["input_ids"]
    assert len(ids) <= MOST
    assert ids.count(tokenizer.mask_token_id) == 1
    whole, [(start, end)] = asked.fill(["good"])
    around = [tokenizer(part, add_special_tokens=False)["input_ids"] for part in (whole[:start].rstrip(), whole[end:])]
    inner = [i for i in ids if i not in (tokenizer.cls_token_id, tokenizer.sep_token_id)]
    first, last = around
    assert inner[: len(first)] == first
    assert inner[len(inner) - len(last) :] == last


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_tokens_are_those_of_the_text_written_into_the_pattern(family: str) -> None:
    tokenizer = tokenizer_of(family)
    asked = Cloze(tokenizer, PATTERNS[0], MOST)
    found = asked([("the film was good",), ("a book so bad",)])
    plain = [tokenizer(asked.fill([text])[0]) for text in ("the film was good", "a book so bad")]
    assert [row["input_ids"] for row in found] == [row["input_ids"] for row in plain]
    assert set(found[0]) == set(plain[0])


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_the_space_before_a_mask_belongs_to_the_hidden_word(family: str) -> None:
    tokenizer = tokenizer_of(family)
    [inputs] = Cloze(tokenizer, PATTERNS[0], MOST)([("good",)])
    before = inputs["input_ids"][inputs["input_ids"].index(tokenizer.mask_token_id) - 1]
    assert tokenizer.convert_ids_to_tokens(before) == "Ġwas"


def test_as_much_of_a_text_is_kept_as_fits(tiny: Path) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    encoder = Encoder(tokenizer, 12, pattern="{text} so {mask}")
    [found] = encoder.encode(
        [TextExample(id="1", source="row 1", text="good bad odd fine poor weird dire nasty superb")]
    )
    assert tokenizer.decode(found.inputs["input_ids"]) == (
        "[CLS] good bad odd fine poor weird dire nasty so [MASK] [SEP]"
    )
    assert encoder.taken(1) == 4


@pytest.mark.parametrize(("a", "b", "kept"), [(30, 2, (5, 2)), (2, 30, (2, 5)), (30, 30, (4, 3)), (1, 1, (1, 1))])
def test_of_two_texts_the_longer_is_shortened(tiny: Path, a: int, b: int, kept: tuple[int, int]) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    encoder = Encoder(tokenizer, 11, pattern="{text_b} so {mask} {text_a}")
    pair = PairExample(id="1", source="row 1", text_a="good " * a, text_b="bad " * b)
    [found] = encoder.encode([pair])
    words = tokenizer.decode(found.inputs["input_ids"]).split()
    assert sorted((words.count("good"), words.count("bad"))) == sorted(kept)
    assert (words.count("good") >= words.count("bad")) == (kept[0] >= kept[1]) or a == b
    assert words.index("bad") < words.index("[MASK]") < words.index("good")

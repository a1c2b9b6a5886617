"""A text as tokens that never cross the borders of words, for every kind of tokenizer."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders

from tunesmith.core.words import words_of
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text.pieces import Pieces, Splitter

KNOWN = [
    "the film was good",
    "(really). it's (so). don't ... ...",
    "北京大学 小明 北京大学。 日本語 日本語 カタカナ カタカナ",
    "한국어 한국어 ไทย ไทย שלום مَرْحَبًا",
    "👍🏽👍🏽👩‍👩‍👧‍👦🇩🇪🇩🇪 𠮷野𠮷野 𝔘𝔫𝔦",
    "小明京北野学大北京小学大学" * 3,
]
"""Texts in which signs stand side by side often, so that tokenizers join them over the borders of words."""
SPACES = ["\t", " ", "\r\n", "\u00a0", "\u3000", "\u2028", "\x1c"]
UNSEEN = ["\u200b", "\u200d", "\x00", "\x07", "\ufeff", "\ufffd", " \u0308", "e\u0301"]
WIDE = ["👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "𝔘𝔫𝔦", "𠮷野", "小明", "北京大学", "。", "日本語", "カタカナ", "한국어"]
OTHER = ["é", "ö̲", "ก็", "ไทย", "שלום", "مَرْحَبًا", "ﷺ", "नमस्ते", "İ", "ß", "ﬁn", "½", "…", "“”"]
PLAIN = [
    "hello",
    "don't",
    "film",
    "good",
    "_",
    "a_b",
    "-",
    "...",
    ").",
    "'s",
    "[SEP]",
    "</s>",
    "<mask>",
    "▁",
    "Ġ",
    "##",
]
PARTS = [*SPACES, *UNSEEN, *WIDE, *OTHER, *PLAIN]
texts = st.one_of(st.lists(st.sampled_from(PARTS), max_size=8).map("".join), st.text(max_size=12))


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizer(family: str) -> Any:
    return tiny_tokenizer(KNOWN, family)


def split(tokenizer: Any, text: str, words: Any = None) -> Pieces:
    [pieces] = Splitter(tokenizer)([text], [words_of(text) if words is None else words])
    return pieces


@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_every_token_belongs_to_one_word_at_most(tokenizer: Any, text: str) -> None:
    words = words_of(text)
    pieces = split(tokenizer, text)
    assert len(pieces.first) == len(pieces.last) == len(words)
    behind = -1
    for (start, end), first, last in zip(words, pieces.first, pieces.last, strict=True):
        if first < 0:
            assert last < 0
            alone = tokenizer(text[start:end], add_special_tokens=False)["input_ids"]
            assert all(piece.strip("▁Ġ") == "" for piece in tokenizer.convert_ids_to_tokens(alone)), "it was dropped"
            continue
        assert behind < first <= last < len(pieces.ids)
        behind = last


@pytest.mark.parametrize("text", ["the film was good", "so (good), the film", "film", ""])
def test_where_no_token_crosses_a_border_the_tokens_are_those_of_the_tokenizer(tokenizer: Any, text: str) -> None:
    assert split(tokenizer, text).ids == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_tokens_over_several_words_are_parted(family: str, tokenizer: Any) -> None:
    text = "小明 (really)."
    words = words_of(text)
    whole = tokenizer(text, add_special_tokens=False)
    spans = whole.pop("offset_mapping", None) or tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    crossing = [span for span in spans if sum(start < span[1] and end > span[0] for start, end in words) > 1]
    pieces = split(tokenizer, text)
    assert all(first >= 0 for first in pieces.first)
    assert len(set(pieces.first)) == len(words)
    assert bool(crossing) == (family not in ("bert", "electra", "distilbert")), "the test could not fail"
    if crossing:
        assert pieces.ids != whole["input_ids"]


def test_letters_as_words_part_every_token(tokenizer: Any) -> None:
    text = "film good"
    words = [(at, at + 1) for at, letter in enumerate(text) if letter != " "]
    pieces = split(tokenizer, text, words)
    assert all(first == last >= 0 for first, last in zip(pieces.first, pieces.last, strict=True))
    said = [tokenizer.convert_ids_to_tokens(pieces.ids[at]).strip("▁Ġ#") for at in pieces.first]
    assert said == list("filmgood")


@pytest.mark.parametrize("family", ["roberta", "modernbert"], indirect=True)
def test_bytes_of_a_parted_token_come_once(tokenizer: Any) -> None:
    """A token may hold the last byte of one character and the first of the next; what is left must not stand twice."""
    read, draw = decoders.ByteLevel(), random.Random(5)
    seen = crossing = 0
    for _ in range(120):
        text = "".join(draw.choice("小明京北野学大カタナ한국") for _ in range(draw.randint(1, 8)))
        pieces = split(tokenizer, text)
        crossing += pieces.ids != tokenizer(text, add_special_tokens=False)["input_ids"]
        for (start, end), first, last in zip(words_of(text), pieces.first, pieces.last, strict=True):
            found = read.decode(tokenizer.convert_ids_to_tokens(pieces.ids[first : last + 1]))
            assert unicodedata.normalize("NFC", found) == text[start:end]
            seen += 1
    assert seen > 300
    assert crossing > 20, "the test could not fail"


def test_what_a_tokenizer_drops_has_no_token() -> None:
    pieces = split(tiny_tokenizer(KNOWN, "bert"), "film \u200b good")
    assert pieces.first == [0, -1, 1]
    assert pieces.last == [0, -1, 1]


def test_the_mark_of_a_space_is_no_word() -> None:
    tokenizer = tiny_tokenizer(KNOWN, "xlm-roberta")
    pieces = split(tokenizer, "zq")
    assert tokenizer.convert_ids_to_tokens(pieces.ids) == ["▁", "z", "q"]
    assert (pieces.first, pieces.last) == ([1], [2])

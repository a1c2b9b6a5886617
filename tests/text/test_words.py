"""What a word is: everything that can be seen belongs to one, in every script."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunesmith.core.words import enclosing, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\r\n\u3000", []),
        ("Glide 2's a_b", ["Glide", "2", "'", "s", "a_b"]),
        ("北京 ok了。", ["北", "京", "ok", "了", "。"]),
        ("カタカナと한국어", ["カ", "タ", "カ", "ナ", "と", "한국어"]),
        ("ก็ไทย", ["ก็", "ไ", "ท", "ย"]),
        ("שָׁלוֹם, مَرْحَبًا!", ["שָׁלוֹם", ",", "مَرْحَبًا", "!"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("👩‍👩‍👧‍👦👍🏽🇩🇪🇫🇷", ["👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "🇫🇷"]),
        ("𝔘𝔫𝔦𠮷野", ["𝔘𝔫𝔦", "𠮷", "野"]),
        ("a\u200bb", ["a", "\u200b", "b"]),
        ("नमस्ते می‌خواهم", ["नमस्ते", "می‌خواهم"]),
        ("3.50€...", ["3", ".", "50", "€", ".", ".", "."]),
    ],
)
def test_words_of_many_scripts(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in words_of(text)] == words


@given(st.text(max_size=30))
@example("\x1c\u0301 \u0308a\r\n\u200d")
def test_words_stand_in_order_apart_and_hold_all_that_is_no_space(text: str) -> None:
    at = 0
    for start, end in words_of(text):
        assert at <= start < end <= len(text)
        assert text[at:start].isspace() or at == start, "nothing visible stands between two words"
        assert not text[start:end].isspace()
        at = end
    assert not text[at:].strip()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=8), st.integers(0, 40), st.integers(1, 9))
def test_enclosing_words_are_those_that_share_a_character(
    shape: list[tuple[int, int]], start: int, length: int
) -> None:
    words: list[tuple[int, int]] = []
    at = 0
    for gap, size in shape:
        words.append((at + gap, at + gap + size))
        at += gap + size
    inside = set(range(start, start + length))
    sharing = [n for n, (low, high) in enumerate(words) if inside & set(range(low, high))]
    assert enclosing(tuple(words), start, start + length) == ((sharing[0], sharing[-1]) if sharing else None)

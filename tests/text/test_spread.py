"""Windows over a long text: all tokens, no window too long, each word read once and where most stands around it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.text.pieces import Pieces
from tunesmith.text.spread import places, windows


def pieces_of(lengths: list[int]) -> Pieces:
    """A text of words of so many tokens; 0 is a word that the tokenizer drops, -1 a token of no word."""
    first, last, size = [], [], 0
    for length in lengths:
        if length >= 0:
            first.append(size if length else -1)
            last.append(size + length - 1 if length else -1)
        size += abs(length)
    return Pieces(list(range(size)), first, last)


shapes = st.lists(st.sampled_from([-1, 0, 1, 1, 1, 2, 3, 5, 9, 14]), max_size=60)


@settings(max_examples=400, deadline=None)
@given(lengths=shapes, room=st.integers(1, 12), overlap=st.integers(0, 12))
def test_windows_hold_every_token_and_cut_no_word_that_fits(lengths: list[int], room: int, overlap: int) -> None:
    pieces = pieces_of(lengths)
    found = windows(pieces, room, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == len(pieces.ids)
    for (low, high), (next_low, next_high) in pairwise(found):
        assert low < next_low <= high < next_high, "each begins and ends further on than the last, and none is left out"
        assert high - next_low <= min(overlap, room // 2)
    assert all(0 <= high - low <= room for low, high in found)
    for first, last in zip(pieces.first, pieces.last, strict=True):
        if 0 <= last - first < room and first >= 0:
            assert any(low <= first and last < high for low, high in found)
            for low, high in found:
                assert (low <= first) == (low <= last), "no window begins inside a word"
                assert (first < high) == (last < high), "no window ends inside a word"


def test_words_of_one_token_share_exactly_the_overlap() -> None:
    assert windows(pieces_of([1] * 25), 10, 4) == [(0, 10), (6, 16), (12, 22), (18, 25)]
    assert windows(pieces_of([1] * 25), 10, 9) == [(0, 10), (5, 15), (10, 20), (15, 25)], "at most half"
    assert windows(pieces_of([1] * 10), 10, 4) == [(0, 10)]
    assert windows(pieces_of([]), 10, 4) == [(0, 0)]


def test_before_a_long_word_no_window_repeats_what_was_seen() -> None:
    assert windows(pieces_of([1] * 6 + [10] + [1] * 3), 10, 5) == [(0, 6), (6, 16), (16, 19)]


def test_a_word_longer_than_a_window_is_cut_and_read_where_it_begins() -> None:
    pieces = pieces_of([1, 25, 1])
    found = windows(pieces, 10, 4)
    assert found == [(0, 1), (1, 11), (11, 21), (21, 27)]
    assert places(pieces, found, 1) == [[(0, 1, 1)], [(1, 1, 10)], [], [(2, 6, 6)]]


@settings(max_examples=400, deadline=None)
@given(lengths=shapes, room=st.integers(1, 12), overlap=st.integers(0, 12), shift=st.integers(0, 9))
def test_every_word_is_read_at_one_place(lengths: list[int], room: int, overlap: int, shift: int) -> None:
    pieces = pieces_of(lengths)
    ranges = windows(pieces, room, overlap)
    found = places(pieces, ranges, shift)
    assert sorted(word for here in found for word, _, _ in here) == list(range(len(pieces.first)))
    for (low, high), here in zip(ranges, found, strict=True):
        assert [word for word, _, _ in here] == sorted(word for word, _, _ in here)
        for word, first, last in here:
            assert first <= last
            wanted = pieces.first[word]
            if wanted >= 0:
                assert low <= first - shift + low == wanted < high, "at its first token"
                whole = pieces.last[word] < high
                assert last - shift + low == (pieces.last[word] if whole else high - 1)
                best = max(_context(pieces, word, r) for r in ranges)
                assert _context(pieces, word, (low, high)) == best, "in the window that shows most around it"
            else:
                assert max(0, shift - 1) <= first <= shift + high - low


def _context(pieces: Pieces, word: int, window: tuple[int, int]) -> tuple[bool, int]:
    """How well a window shows a word; the end of the text counts as much context."""
    first, last, (low, high), size = pieces.first[word], pieces.last[word], window, len(pieces.ids)
    if not low <= first < high:
        return (False, -size - 1)
    whole = last < high
    left, right = (first - low if low else size), (high - 1 - last if high < size else size)
    return (whole, min(left, right))


def test_a_dropped_word_is_read_where_the_token_before_it_stands() -> None:
    pieces = pieces_of([0, 1, 0, 2])
    assert places(pieces, [(0, 3)], 2) == [[(0, 1, 1), (1, 2, 2), (2, 2, 2), (3, 3, 4)]]

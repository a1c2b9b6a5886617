"""Terms are whole words, phrases and signs, wherever they stand."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.knowledge.terms import Terms, Tokens


def found(terms: list[str], text: str) -> list[str]:
    return Terms(terms).found(Tokens.of(text))


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        (["good"], "Good, better, GOODS", ["good"]),
        (["art"], "a party for Art's sake, art-house", ["art", "art"]),
        (["art"], "a party of art.", ["art"]),
        (["don't like"], "I don't like it, I don’t like it, do n't like", ["don't like", "don't like"]),
        (["n't"], "I wo n't, I won't", ["n't"]),
        (["appareil"], "L'appareil", ["appareil"]),
        (["refund*"], "Refunds, refunding, no refun", ["refunds", "refunding"]),
        (["charge*"], "re-charged", ["charged"]),
        (["not * good"], "not very good; not good; not so very good", ["not very good"]),
        (["not good"], "not, good", []),
        (["not good", "good"], "not good, good", ["not good", "good"]),
        (["a b", "b c d"], "a b c d", ["b c d"]),
        (["abcdefgh*", "a* b"], "abcdefgh b", ["abcdefgh b"]),
        (["a* b", "b* c d e"], "a b c d e", ["b c d e"]),
        ([":)", "a+"], "thanks:) grade a+, a + b", [":)", "a+"]),
        (["?", "$"], "why? for $5", ["?", "$"]),
        (["❤"], "love❤️it", ["❤"]),
        (["2-faced"], "a 2-faced man", ["2-faced"]),
        (["f*ck"], "f*ck it, flick", ["f*ck"]),
        (["不好"], "这个不好。", ["不好"]),
        (["好吃", "吃的东西"], "好吃的东西", ["吃的东西"]),
        (["wifi", "iphone电池"], "我的WiFi坏了, 我的iPhone电池", ["wifi", "iphone电池"]),
        (["แย่"], "ของแย่มาก", ["แย่"]),
        (["कम"], "कमी है, कम है", ["कम"]),
        (["плохо"], "Очень ПЛОХО!", ["плохо"]),
        (["ｆｕｌｌ"], "full", ["full"]),
        (["*", "* *"], "anything goes", []),
        ([""], "", []),
    ],
)
def test_what_is_found(terms: list[str], text: str, expected: list[str]) -> None:
    assert found(terms, text) == expected


@pytest.mark.parametrize(
    ("text", "words"), [("don't go", 2), ("a re-charge - now!", 3), ("我的wifi", 3), ("कमी है", 2), ("", 0), ("...", 0)]
)
def test_how_many_words_there_are(text: str, words: int) -> None:
    assert Tokens.of(text).words == words


PIECES = st.sampled_from(["a", "b", "c", "ab", "abc", "好", "吃", ":"])
TERMS = st.lists(st.sampled_from(["a", "b", "c", "ab", "a*", "b*", "*", "好", "吃", ":"]), min_size=1, max_size=3)


def matches(term: list[str], pieces: list[str]) -> bool:
    return len(term) == len(pieces) and all(
        piece != ":" if part == "*" else piece.startswith(part[:-1]) if part.endswith("*") else piece == part
        for part, piece in zip(term, pieces, strict=True)
    )


@given(st.lists(TERMS, max_size=4), st.lists(PIECES, max_size=8))
def test_the_longest_are_found_where_a_search_of_every_place_finds_them(
    terms: list[list[str]], pieces: list[str]
) -> None:
    terms = [term for term in terms if set(term) != {"*"}]
    places = [
        (end - start, start, end) for start in range(len(pieces)) for end in range(start + 1, len(pieces) + 1)
        if any(matches(term, pieces[start:end]) for term in terms)
    ]  # fmt: skip
    text = " ".join(pieces)
    starts = [len(" ".join(pieces[:at])) + bool(at) for at in range(len(pieces) + 1)]
    kept: list[tuple[int, int]] = []
    for _, start, end in sorted(
        places, key=lambda place: (starts[place[1]] - len(" ".join(pieces[: place[2]])), place[1])
    ):
        if all(end <= first or last <= start for first, last in kept):
            kept.append((start, end))
    assert found([" ".join(term) for term in terms], text) == [" ".join(pieces[a:b]) for a, b in sorted(kept)]


@pytest.mark.parametrize("term", ["word{} and more", "x{}*", "☀{}"])
def test_many_terms_are_as_fast_as_few(term: str) -> None:
    text = Tokens.of("the film was good ☀ and the music was not bad " * 20)
    assert text.pieces

    def seconds(does: Callable[[], object]) -> float:
        taken = []
        for _ in range(5):
            start = time.process_time()
            does()
            taken.append(time.process_time() - start)
        return min(taken)

    few, many = (Terms(term.format(at) for at in range(count)) for count in (20, 20_000))
    assert seconds(lambda: [many.found(text) for _ in range(20)]) < 5 * seconds(
        lambda: [few.found(text) for _ in range(20)]
    )


def test_many_hits_cost_no_more_than_their_number() -> None:
    terms = Terms(["good"])

    def seconds(count: int) -> float:
        text = Tokens.of("good " * count)
        assert len(text.pieces) == count
        start = time.process_time()
        assert len(terms.found(text)) == count
        return time.process_time() - start

    assert seconds(16_000) < 100 * seconds(800)

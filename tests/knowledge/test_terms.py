"""Terms are whole words and phrases, wherever they stand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.knowledge.terms import Terms


@pytest.mark.parametrize(
    ("terms", "text", "found"),
    [
        (["good"], "Good, better, GOODS", ["good"]),
        (["art"], "a party for Art's sake", []),
        (["art"], "a party of art.", ["art"]),
        (["don't like"], "I don't like it", ["don't like"]),
        (["refund*"], "Refunds, refunding, no refun", ["refunds", "refunding"]),
        (["not * good"], "not very good; not good; not so very good", ["not very good"]),
        (["not good", "good"], "not good, good", ["not good", "good"]),
        (["a b", "b c d"], "a b c d", ["b c d"]),
        ([":)", "a+"], "fine :) grade a+, ba+", [":)", "a+"]),
        (["2-faced"], "a 2-faced man", ["2-faced"]),
        (["不好"], "这个不好。", ["不好"]),
        (["แย่"], "ของแย่มาก", ["แย่"]),
        (["плохо"], "Очень ПЛОХО!", ["плохо"]),
        (["ｆｕｌｌ"], "full", ["full"]),
        (["*"], "anything", []),
        ([""], "", []),
    ],
)
def test_what_is_found(terms: list[str], text: str, found: list[str]) -> None:
    assert Terms(terms).found(text) == found


WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map(" ".join)


@given(st.lists(WORDS, max_size=4), st.lists(st.sampled_from("abcde"), max_size=8).map(" ".join))
def test_phrases_are_found_where_a_search_of_every_place_finds_them(terms: list[str], text: str) -> None:
    found = Terms(terms).found(text)
    anywhere = {term for term in terms if re.search(rf"\b{term}\b", text)}
    assert set(found) <= anywhere
    assert bool(found) == bool(anywhere)
    longest = max(map(len, anywhere), default=0)
    assert max(map(len, found), default=0) == longest, "of terms that overlap the longest counts"


def test_many_terms_are_as_fast_as_few() -> None:
    import time

    text = "the film was good and the music was not bad " * 20

    def seconds(count: int) -> float:
        terms = Terms(f"word{at} and more" for at in range(count))
        taken = []
        for _ in range(5):
            start = time.process_time()
            terms.found(text)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(20_000) < 5 * seconds(20)

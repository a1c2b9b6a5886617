"""Tags to spans: every scheme against a writer of its own, and broken sequences as conlleval reads them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.schemes import Scheme, detect_scheme, spans_of_tags, split_tag

Spans = list[tuple[int, int, str]]


@st.composite
def marked(draw: st.DrawFn) -> tuple[int, Spans]:
    """A number of words, and spans of them that do not overlap."""
    spans: Spans = []
    size = 0
    for gap, length, kind in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(["PER", "a-b", "地点"])), max_size=8)
    ):
        size += gap
        spans.append((size, size + length, kind))
        size += length
    return size + draw(st.integers(0, 2)), spans


def write(size: int, spans: Spans, scheme: str) -> list[str]:
    """Write tags by the rules of each scheme."""
    tags = ["O"] * size
    before: tuple[int, str] | None = None  # end and kind of the span before
    for start, end, kind in spans:
        first, inner, last, single = {
            "BIO": "BIIB", "IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES", "IOB1": "IIII"
        }[scheme]  # fmt: skip
        if scheme == "IOB1" and before == (start, kind):
            first = single = "B"
        letters = [first, *inner * (end - start - 2), last] if end - start > 1 else [single]
        tags[start:end] = [f"{letter}-{kind}" for letter in letters]
        before = end, kind
    return tags


@settings(deadline=None, max_examples=100)
@given(marked(), st.sampled_from(["BIO", "IOBES", "BILOU", "BMES", "IOB1"]))
def test_spans_survive_being_written_as_tags(case: tuple[int, Spans], written: str) -> None:
    size, spans = case
    scheme: Scheme = written if written in ("BIO", "IOB1") else "IOBES"  # type: ignore[assignment]
    assert spans_of_tags(write(size, spans, written), scheme) == (spans, [])


@settings(deadline=None, max_examples=100)
@given(st.lists(marked(), min_size=1, max_size=5), st.sampled_from(["BIO", "IOBES", "BILOU", "IOB1"]))
def test_the_detected_scheme_gives_the_spans_back(cases: list[tuple[int, Spans]], written: str) -> None:
    rows = [write(size, spans, written) for size, spans in cases]
    # A few rows may satisfy several schemes: then all of them must agree on the spans.
    scheme = detect_scheme(rows)
    assert [spans_of_tags(row, scheme) for row in rows] == [(spans, []) for _, spans in cases]


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["B-X", "I-X", "O"], ["O"]], "BIO"),
        ([["O", "O"]], "BIO"),
        ([], "BIO"),
        ([["B-X", "I-X"], ["B-X", "O"], ["O", "I-X"]], "BIO"),  # a break does not make another scheme
        ([["I-X", "I-X"], ["O", "I-Y", "B-Y"]], "IOB1"),
        ([["S-X", "O", "B-Y", "E-Y"]], "IOBES"),
        ([["U-X", "O", "B-Y", "L-Y"]], "IOBES"),
        ([["DET", "NOUN", "VERB"]], "words"),
        ([["B", "I", "O"]], "BIO"),
    ],
)
def test_schemes_are_told_apart(rows: list[list[str]], scheme: str) -> None:
    assert detect_scheme(rows) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "spans", "breaks"),
    [
        ("O I-X I-X O", "BIO", [(1, 3, "X")], [1]),
        ("B-X I-Y I-Y", "BIO", [(0, 1, "X"), (1, 3, "Y")], [1]),
        ("I-X B-X", "BIO", [(0, 1, "X"), (1, 2, "X")], [0]),
        ("B-X X I-X", "BIO", [(0, 3, "X")], [1]),
        ("O I-X I-X B-X", "IOB1", [(1, 3, "X"), (3, 4, "X")], []),
        ("I-X I-Y", "IOB1", [(0, 1, "X"), (1, 2, "Y")], []),
        ("B-X O", "IOBES", [(0, 1, "X")], [0]),
        ("B-X I-X", "IOBES", [(0, 2, "X")], [1]),
        ("O E-X S-X", "IOBES", [(1, 2, "X"), (2, 3, "X")], [1]),
        ("S-X I-X E-X", "IOBES", [(0, 1, "X"), (1, 3, "X")], [1]),
        ("B-X B-X E-X", "IOBES", [(0, 1, "X"), (1, 3, "X")], [0]),
        ("DET O NOUN", "words", [(0, 1, "DET"), (2, 3, "NOUN")], []),
        ("B I O B", "BIO", [(0, 2, "SPAN"), (3, 4, "SPAN")], []),
    ],
)
def test_broken_sequences_begin_anew(tags: str, scheme: Scheme, spans: Spans, breaks: list[int]) -> None:
    assert spans_of_tags(tags.split(), scheme) == (spans, breaks)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y", "X"]), max_size=12),
       st.sampled_from(["BIO", "IOB1", "IOBES"]))  # fmt: skip
def test_any_sequence_gives_spans_in_order_over_every_tagged_word(tags: list[str], scheme: Scheme) -> None:
    spans, breaks = spans_of_tags(tags, scheme)
    covered = [place for start, end, _ in spans for place in range(start, end)]
    assert covered == [place for place, tag in enumerate(tags) if tag != "O"]
    assert all(split_tag(tags[place])[1] == kind for start, end, kind in spans for place in range(start, end))
    assert all(tags[place] != "O" for place in breaks)

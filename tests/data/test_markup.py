"""Marks within a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.markup import Style, left_marks, read_markup, style_of

PLAIN = st.text(alphabet=st.sampled_from("ab 电é́😀שλ[]()<>/"), max_size=8)
PIECES = st.lists(st.tuples(PLAIN, st.sampled_from([None, "PART", "X-1", "地点"])), max_size=8)


def write(pieces: list[tuple[str, str | None]], style: Style) -> str:
    """Mark the pieces that have a kind; every bracket of the text gets its backslash."""
    marks = "[]" if style == "brackets" else "<"
    parts = []
    for text, kind in pieces:
        for mark in marks:
            text = text.replace(mark, "\\" + mark)
        form = "{0}" if kind is None else "[{0}]({1})" if style == "brackets" else "<{1}>{0}</{1}>"
        parts.append(form.format(text, kind))
    return "".join(parts)


@settings(deadline=None, max_examples=100)
@given(PIECES, st.sampled_from(["brackets", "tags"]))
def test_what_is_marked_comes_back_exactly(pieces: list[tuple[str, str | None]], style: Style) -> None:
    pieces = [(text, kind if text.strip() else None) for text, kind in pieces]
    text, spans = read_markup(write(pieces, style), style)
    assert text == "".join(piece for piece, _ in pieces)
    assert [(text[span.start : span.end], span.label) for span in spans] == [piece for piece in pieces if piece[1]]


@pytest.mark.parametrize(
    ("text", "style", "plain"),
    [
        ("see [here](https://example.com/a) and [b](c.md)", "brackets", None),
        ("a <b>bold</b> <br> word, 3 < 4 > 2", "tags", None),
        ("[](X) [ ](X) [a](", "brackets", None),
        ("<X></X> <X>a</Y> <X>", "tags", None),
        (r"C:\\dir \[a](X)", "brackets", r"C:\\dir [a](X)"),
        ("[a](X)", "tags", None),
    ],
)
def test_other_marks_stay_as_they_are(text: str, style: Style, plain: str | None) -> None:
    assert read_markup(text, style) == (text if plain is None else plain, [])


def test_the_style_is_the_one_that_most_texts_use() -> None:
    assert style_of(["[a](X)", "<Y>b</Y>", "<Y>c</Y> [d](Z)", "<i>e</i>"]) == ("brackets", 2)
    assert style_of(["<Y>b</Y>", "<Y>c</Y> and [this](http://x.y)"]) == ("tags", 2)
    assert style_of(["plain", "<i>e</i>"]) == (None, 0)


def test_halves_of_marks_are_noticed() -> None:
    assert left_marks("<X>a", "tags", {"X"})
    assert left_marks("a](X)", "brackets", {"X"})
    assert not left_marks("<Y>a", "tags", {"X"})
    inner, spans = read_markup("<X>a <Y>b</Y></X>", "tags")
    assert (inner, [span.label for span in spans]) == ("<X>a b</X>", ["Y"])
    assert left_marks(inner, "tags", {"X", "Y"})

"""Marked texts: every character stands once, in order, and marks are where they are; cut texts hold what matters."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Span
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.spans import error_kinds
from tunesmith.report.excerpt import excerpt
from tunesmith.report.kinds import paired
from tunesmith.report.marks import Mark, lanes, marked_text

# --- texts with marks --------------------------------------------------------------------------------------------

LETTERS = "ab<&\"'> \n.。电池👩🏽‍🔧e\u0301שלוםمحطة"


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[Mark]]:
    text = draw(st.text(st.sampled_from(LETTERS), min_size=1, max_size=40))
    places = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=6))
    return text, [Mark(min(a, b), max(a, b), f"<{n}>", f"k{n}") for n, (a, b) in enumerate(places) if a != b]


@settings(deadline=None)
@given(case=marked())
def test_every_character_stands_once_in_order_and_marks_where_they_are(case, lines_of):
    text, marks = case
    drawn = lanes(marks)
    assert sorted(mark for lane in drawn for mark in lane) == sorted(marks)
    for lane in drawn:
        html = marked_text(text, lane, [(0, len(text))])
        assert lines_of(html).lines == [(text, [tuple(mark) for mark in lane])]


@settings(deadline=None)
@given(case=marked(), data=st.data())
def test_of_parts_only_the_parts_are_shown(case, data, lines_of):
    text, marks = case
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=4)))
    parts = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    found = lines_of(marked_text(text, lanes(marks)[0], parts))
    [(shown, there)] = found.lines
    assert shown == "".join(text[a:b] for a, b in parts)
    left_out = [b > a for a, b in zip([0, *(b for _, b in parts)], [*(a for a, _ in parts), len(text)], strict=True)]
    assert found.gaps == (sum(left_out) if parts else 0)
    inside = [text[max(m.start, a) : min(m.end, b)] for a, b in parts for m in lanes(marks)[0]]
    assert [shown[a:b] for a, b, *_ in there] == [piece for piece in inside if piece]


@settings(deadline=None)
@given(st.text(st.sampled_from(LETTERS), max_size=400), st.data())
def test_an_excerpt_holds_its_places_and_is_not_much_longer_than_asked(text, data):
    ends = st.integers(0, len(text))
    places = [(min(a, b), max(a, b)) for a, b in data.draw(st.lists(st.tuples(ends, ends), max_size=3))]
    most = data.draw(st.integers(90, 300))
    parts = excerpt(text, places, most)
    assert all(any(a <= start and end <= b for a, b in parts) for start, end in places if end > start)
    assert all(0 <= a <= b <= len(text) for a, b in parts)
    assert all(left[1] < right[0] for left, right in pairwise(parts))
    if len(text) <= most:
        assert parts == ([(0, len(text))] if text else [])
    else:
        reach = max(80 * max(1, len(places)), most)
        assert sum(b - a for a, b in parts) <= sum(b - a for a, b in places) + reach


def test_an_excerpt_is_cut_between_sentences_or_words():
    text = "Alpha beta. " * 30 + "Here it broke. " + "Gamma delta. " * 30
    start = text.index("broke")
    [(a, b)] = excerpt(text, [(start, start + 5)], 200)
    assert text[a:b].startswith("Alpha beta.")
    assert text[a:b].endswith("delta.")
    [(a, b)] = excerpt("一。" * 250 + "一二三" + "、四。" * 200, [(500, 503)], 90)
    assert (a, b - 503) == (458, 42)  # at most 43 characters on each side, up to the end of a sentence
    words = "word " * 200
    [(a, b)] = excerpt(words, [(500, 504)], 100)
    assert (words[a : a + 4], words[b - 4 : b]) == ("word", "word")


# --- kinds of errors ---------------------------------------------------------------------------------------------


@st.composite
def one_side(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Spans in order, none overlapping, as models give them."""
    ends = sorted(draw(st.sets(st.integers(0, 30), max_size=10)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return [{"start": a, "end": b, "label": draw(st.sampled_from("XY"))} for a, b in pairs]


@settings(max_examples=150, deadline=None)
@given(one_side(), one_side())
def test_spans_are_paired_as_they_are_counted(left, right):
    sides = paired(left, right)
    spans = [as_objects([tuple(Span(s["start"], s["end"], s["label"]) for s in side)]) for side in (left, right)]
    counted = error_kinds(*spans)
    outcomes = [side.outcome for side in sides[0]]
    assert {name: outcomes.count(name) for name in counted if name != "invented"} == {
        name: n for name, n in counted.items() if name != "invented"
    }
    assert [side.outcome for side in sides[1]].count("invented") == counted["invented"]
    assert sorted(o for o in outcomes if o != "missed") == sorted(
        side.outcome for side in sides[1] if side.outcome != "invented"
    )

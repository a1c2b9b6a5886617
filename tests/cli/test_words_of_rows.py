"""The line that a terminal shows of a prediction, for every task whose answer lies in the input."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.cli.words import prediction_line, report_lines


def tagged(text: str, *named: tuple[str, str, float]) -> dict[str, Any]:
    spans = [
        {"start": text.index(part), "end": text.index(part) + len(part), "text": part, "label": kind, "score": score}
        for part, kind, score in named
    ]
    return {"text": text, "label": tuple(kind for _, kind, _ in named), "score": 0.5, "scores": {}, "spans": spans}


@pytest.mark.parametrize(
    "row, line",
    [
        (tagged("My Glide 2\nis lost.", ("Glide 2", "PRODUCT", 0.981)), "My [Glide 2](PRODUCT 98%) is lost."),
        (
            tagged("👩🏽‍🔧 在上海外滩坏了", ("上海", "PLACE", 0.9), ("外滩", "PLACE", 0.6)),
            "👩🏽‍🔧 在[上海](PLACE 90%)[外滩](PLACE 60%)坏了",
        ),
        (tagged("Nothing here."), "Nothing here."),
        (
            {
                "question": "How\nfar?",
                "context": "x",
                "label": "sixty",
                "score": 0.834,
                "answer": "sixty",
                "spans": [{}],
            },
            "sixty\t83.4%\tHow far?",
        ),
        (
            {"question": "Who?", "context": "x", "label": "", "score": 0.0, "answer": None, "spans": []},
            "(no answer)\t-\tWho?",
        ),
        ({"text_a": "a", "text_b": "b", "label": 0.8123456, "score": 0.8123456, "scores": {}}, "0.8123\ta | b"),
        ({"text": "a text", "vector": [0.1] * 384}, "vector of 384 numbers\ta text"),
    ],
)
def test_a_prediction_is_one_line(row, line):
    assert prediction_line(row) == line


def test_of_a_long_text_the_spans_and_what_is_near_them_are_kept():
    text = "far " * 5000 + "near Leeds here " + "away " * 5000
    line = prediction_line(tagged(text, ("Leeds", "PLACE", 0.7)))
    assert "near [Leeds](PLACE 70%) here" in line
    assert line.startswith("far far")
    assert line.endswith("away")
    assert line.count(" … ") == 2
    assert len(line) < 200


@settings(deadline=None)
@given(st.text("ab电👍🏿\u0301 ש", max_size=60), st.sets(st.integers(0, 60), max_size=8))
def test_every_letter_is_kept_in_order(text, ends):
    cuts = sorted(end for end in ends if end <= len(text))
    spans = [
        {"start": a, "end": b, "text": text[a:b], "label": "X", "score": 1.0}
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    line = prediction_line({"text": text, "spans": spans, "label": (), "score": 1.0})
    assert line.count("](X 100%)") == len(spans)
    assert re.sub(r"\[|\]\(X 100%\)|\s", "", line) == "".join(text.split())


def test_the_next_step_asks_as_the_task_is_asked():
    report = {"task": "answer", "metric": "answer_f1", "test": {"answer_f1": {"value": 0.5}}}
    assert list(report_lines(report, "r"))[-1] == '  next    tunesmith predict r "question" "context"'
    assert list(report_lines(report | {"task": "tag"}, "r"))[-1] == '  next    tunesmith predict r "…"'

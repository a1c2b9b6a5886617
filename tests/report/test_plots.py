"""Scales, ticks and the words of figures."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.report import words
from tunesmith.report.markup import breakable, escape, join, tag
from tunesmith.report.plots.axes import Scale, round_bounds, tick_text, ticks
from tunesmith.report.plots.lines import Marks, Series, learning_plot, line_plot

numbers = st.floats(-1e9, 1e9, allow_nan=False)


@given(numbers, numbers)
def test_bounds_hold_the_data_and_have_a_few_ticks(a, b):
    low, high = round_bounds(min(a, b), max(a, b))
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert low - slack <= min(a, b) <= max(a, b) <= high + slack
    assert low < high
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    assert len(set(tick_text(found))) == len(found)


def test_shares_stay_within_their_limits():
    assert round_bounds(0.97, 0.999, (0.0, 1.0))[1] == 1.0
    assert round_bounds(1.0, 1.0, (0.0, 1.0)) == (pytest.approx(0.95), 1.0)
    assert tick_text([0.99, 0.995, 1.0], is_share=True) == ["99.0\u202f%", "99.5\u202f%", "100.0\u202f%"]


def test_a_log_scale_makes_equal_factors_equally_long():
    scale = Scale(10, 1000, 0, 100, is_log=True)
    assert scale(100) == pytest.approx(50)


def test_a_long_history_stays_light_and_true():
    points = [(float(i), math.sin(i / 900)) for i in range(1, 20_001)]
    svg = line_plot("x" * 30, "step", "loss", [Series("loss", "tuned", points)], Marks(), False)
    assert len(svg) < 12_000
    drawn = list(ElementTree.fromstring(svg).iter("polyline"))
    assert len(drawn) == 1
    assert len((drawn[0].get("points") or "").split()) <= 240


def test_stages_are_drawn_apart():
    points = [(float(i), 1.0 / i) for i in range(1, 21)]
    svg = line_plot("y", "step", "loss", [Series("loss", "tuned", points)], Marks([(10.0, "refit")]), False)
    lengths = [len((line.get("points") or "").split()) for line in ElementTree.fromstring(svg).iter("polyline")]
    assert lengths == [10, 10]
    assert ">refit<" in svg


def test_a_learning_curve_names_its_rows_and_its_scale():
    curve = [{"rows": n, "score": {"value": v, "low": v - 0.1, "high": v + 0.05}} for n, v in ((50, 0.5), (800, 0.8))]
    svg = learning_plot(curve, "macro_f1")
    assert "train rows (log scale)" in svg
    assert re.findall(r"(50|800) rows", svg) == ["50", "800", "50", "800"]
    assert "log scale" not in learning_plot(curve[:1], "macro_f1")


def test_markup_escapes_what_is_not_markup():
    assert tag("p", "<", tag("b", "&"), None, ["x", 2], title='"') == '<p title="&quot;">&lt;<b>&amp;</b>x2</p>'
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert escape("a\x00\ud800\x1bb") == "a\ufffd\ufffd\ufffdb"
    assert join(breakable("a_<b>")) == "a_<wbr>&lt;b&gt;"


@pytest.mark.parametrize(
    "written, expected",
    [
        (words.figure("macro_f1", 0.9061), "90.6\u202f%"),
        (words.figure("mcc", -0.0312), "−0.031"),
        (words.figure("mae", 12345.6), "12,346"),
        (words.figure("unheard_of", 0.5), "0.500"),
        (words.metric_name("unheard_of").title, "Unheard of"),
        (words.metric_name("rmse").lower_is_better, True),
        (words.interval("accuracy", {"value": 0.5, "low": 0.4, "high": 0.612}), "40.0–61.2\u202f%"),
        (words.interval("mcc", {"value": 0.0, "low": -0.1, "high": 0.1}), "−0.100 to 0.100"),
        (words.interval("mcc", {"value": 0.0}), ""),
        (words.difference("accuracy", {"value": -0.021}), "−2.1 points"),
        (words.difference("mae", {"value": 0.25}), "+0.250"),
        (words.rows(1), "1 row"),
        (words.duration(59.6), "1 min 0 s"),
        (words.duration(9.96), "10 s"),
        (words.duration(7265), "2 h 1 min"),
        (words.p_value(0.0004), "< 0.001".replace(" ", "\u202f")),
        (words.label_text(["a", "b"]), "a, b"),
        (words.label_text([]), "(none)"),
        (words.label_text(4.9), "4.9"),
    ],
)
def test_figures_read_well(written, expected):
    assert written == expected

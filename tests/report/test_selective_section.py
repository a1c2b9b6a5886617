"""The section on answering only what is sure: curve, table, threshold, and any part of it missing."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.report.card import render_card
from tunesmith.report.page import render_page


def score(value: float, n: int = 160) -> dict[str, Any]:
    return {"value": value, "low": value / 2, "high": value * 2, "n": n}


def report() -> dict[str, Any]:
    return {
        "run": "r", "task": "classify", "metric": "accuracy",
        "selective": {
            "curve": [[number / 50, 0.2 * (number / 50) ** 2] for number in range(1, 51)], "aurc": 0.068, "best": 0.021,
            "random": 0.2, "at": [{"share": 1.0, "error": score(0.2)}, {"share": 0.5, "error": score(0.05, 80)}],
            "wish": {
                "error": 0.1, "threshold": 0.72, "rows": 120, "crossed": False, "coverage": score(0.66),
                "selective_error": score(0.087, 106), "verdict": "The wish is met.",
            },
        },
    }  # fmt: skip


def test_it_says_what_the_threshold_gives_and_draws_the_curve() -> None:
    page = render_page(report())
    for words in (
        'id="selective"', "The wish is met.", "72.0\u202f%, chosen on 120 dev rows", "by confidence",
        "in the best order", "6.8\u202f%", "if confidence said nothing", "100\u202f%", "50\u202f%", "2.5–10.0",
        'class="best"',
    ):  # fmt: skip
        assert words in page, words


def test_folds_and_runs_without_a_wish_say_so() -> None:
    crossed = report()
    crossed["selective"]["wish"]["crossed"] = True
    assert "threshold that the others give" in render_page(crossed)
    unmet = report()
    unmet["selective"]["wish"]["threshold"] = None
    page = render_page(unmet)
    assert "The wish is met." in page
    assert "dashed line" not in page
    assert 'class="best"' not in page
    plain = report()
    del plain["selective"]["wish"]
    page = render_page(plain)
    assert "by confidence" in page
    assert "confidence of" not in page
    gone = report()
    gone["selective"] = None
    assert 'id="selective"' not in render_page(gone)


@pytest.mark.parametrize("key", ["aurc", "best", "random", "at", "wish", "curve"])
def test_any_part_may_be_missing(key: str) -> None:
    found = report()
    found["selective"][key] = None
    page = render_page(found)
    assert ('id="selective"' in page) == (key != "curve")
    assert "None" not in page


@pytest.mark.parametrize("key", ["error", "threshold", "rows", "crossed", "coverage", "selective_error", "verdict"])
def test_any_part_of_the_wish_may_be_missing(key: str) -> None:
    found = report()
    found["selective"]["wish"][key] = None
    assert "None" not in render_page(found)


def test_the_card_says_whether_the_wish_was_met_and_where_the_threshold_is() -> None:
    card = render_card(report())
    assert "- The wish is met." in card
    assert "model/tunesmith.json" in card
    plain = report()
    del plain["selective"]["wish"]
    assert "model/tunesmith.json" not in render_card(plain)

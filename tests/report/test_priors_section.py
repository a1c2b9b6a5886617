"""The section on shares of the classes: what is to be expected, and any part of it missing."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.report.page import render_page


def score(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.05, "high": value + 0.03, "n": 120}


def report() -> dict[str, Any]:
    return {
        "run": "r", "task": "classify", "metric": "accuracy",
        "priors": {
            "shares": [{"label": "refund", "prior": 0.7, "trained": 0.4, "test": 0.5},
                       {"label": "other", "prior": 0.3, "trained": 0.6, "test": 0.5}],
            "changed": 7, "expected": score(0.9), "uncorrected": score(0.84), "difference": score(0.06),
        },
    }  # fmt: skip


def test_it_says_what_is_to_be_expected() -> None:
    page = render_page(report())
    for words in (
        'id="priors"', "an accuracy of 90.0\u202f% (85.0–93.0\u202f%)", "10.0\u202f% wrong", "it is 84.0\u202f%",
        "+6.0 points", "7 test rows", "refund", "70.0\u202f%", "60.0\u202f%",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize("key", ["shares", "changed", "expected", "uncorrected", "difference"])
def test_any_part_may_be_missing(key: str) -> None:
    found = report()
    found["priors"][key] = None
    page = render_page(found)
    assert ('id="priors"' in page) == (key != "shares")
    assert ("is not known" in page) == (key in ("expected", "uncorrected"))
    assert "None" not in page

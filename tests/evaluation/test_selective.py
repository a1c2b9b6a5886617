"""Error against the share that is answered, against brute force; and thresholds that keep what they promise."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binom

from tunesmith.evaluation.selective import (
    SURE,
    areas,
    confidence_of,
    risk_coverage,
    sure_by_parts,
    surest,
    threshold_for,
    wrong_of,
)


def drawn(seed, rows, levels=0):
    """Confidences that are right as often as they say; of `levels` values where given."""
    random = np.random.default_rng(seed)
    confidence = 0.25 + 0.75 * random.beta(2, 1, rows)
    confidence = np.round(confidence * levels) / levels if levels else confidence
    return confidence, random.random(rows) > confidence


def test_the_curve_without_equal_confidences_is_the_error_of_the_k_surest():
    confidence, wrong = drawn(0, 60)
    by_hand = [wrong[sorted(range(60), key=lambda at: -confidence[at])[:k]].mean() for k in range(1, 61)]
    assert risk_coverage(confidence, wrong) == pytest.approx(by_hand, abs=1e-12)
    assert areas(confidence, wrong)["aurc"] == pytest.approx(np.mean(by_hand), abs=1e-12)


def test_equal_confidences_count_as_the_mean_over_their_orders():
    confidence = np.array([0.9, 0.7, 0.7, 0.7, 0.5, 0.5])
    wrong = np.array([False, True, False, False, True, False])
    curves = []
    for order in permutations(range(6)):
        if np.all(np.diff(confidence[list(order)]) <= 0):
            curves.append(np.cumsum(wrong[list(order)]) / np.arange(1, 7))
    assert len(curves) == 12
    assert risk_coverage(confidence, wrong) == pytest.approx(np.mean(curves, axis=0), abs=1e-12)


def test_the_best_order_is_the_lowest_of_all_and_the_random_one_their_mean():
    wrong = np.array([True, False, True, False, False])
    found = [areas(np.argsort(order) / 5.0, wrong)["aurc"] for order in permutations(range(5))]
    each = areas(np.arange(5.0), wrong)
    assert each["best"] == pytest.approx(min(found), abs=1e-12)
    assert each["random"] == pytest.approx(np.mean(found), abs=1e-12)


def test_the_surest_share_has_its_rows_and_an_interval():
    confidence, wrong = np.linspace(1, 0.5, 40), np.arange(40) >= 30
    assert surest(confidence, wrong, 1.0).value == pytest.approx(0.25)
    half = surest(confidence, wrong, 0.5)
    assert (half.value, half.n, half.low) == (0.0, 20, 0.0)
    assert 0.1 < half.high < 0.2


@pytest.mark.parametrize("levels", [0, 20])
@pytest.mark.parametrize("error", [0.1, 0.2])
def test_the_threshold_is_the_lowest_whose_bound_meets_the_rate(levels, error):
    confidence, wrong = drawn(5, 300, levels)

    def is_met(least):
        above = confidence >= least
        # Clopper and Pearson: the bound lies below the rate where so few errors are rarer than 10 % at the rate.
        return binom.cdf(wrong[above].sum(), above.sum(), error) <= 1 - SURE

    lowest = min(least for least in confidence if is_met(least))
    assert threshold_for(confidence, wrong, error) == lowest


def test_few_rows_meet_no_low_rate():
    sure = np.linspace(1.0, 0.9, 45)
    none = np.zeros(45, dtype=bool)
    assert threshold_for(sure, none, 0.05) == pytest.approx(0.9)
    assert threshold_for(sure[:44], none[:44], 0.05) is None
    assert threshold_for(sure, ~none, 0.05) is None
    assert threshold_for(sure[:0], none[:0], 0.05) is None


def test_the_rate_is_exceeded_about_as_seldom_as_the_bound_says():
    """Where confidence is right as often as it says, the true error above a threshold is known."""
    many = np.sort(0.25 + 0.75 * np.random.default_rng(1).beta(2, 1, 200_000))[::-1]
    true = np.cumsum(1 - many) / np.arange(1, len(many) + 1)
    missed, found = 0, 0
    for seed in range(200):
        least = threshold_for(*drawn(seed, 300), 0.1)
        if least is not None:
            found += 1
            missed += true[np.searchsorted(-many, -least, side="right") - 1] > 0.1
    assert found > 150
    assert 0 < missed < 0.15 * 200


def test_a_fifth_is_answered_from_the_threshold_of_the_others():
    confidence, wrong = drawn(2, 400)
    sure = sure_by_parts(confidence, wrong, 0.15, seed=3)
    least = {threshold_for(confidence, wrong, 0.15)}
    part = np.random.default_rng(3).permutation(400) % 5
    for number in range(5):
        own = part == number
        least.add(threshold_for(confidence[~own], wrong[~own], 0.15))
        assert confidence[own][sure[own]].min() > confidence[own][~sure[own]].max()
        flipped = np.where(own, ~wrong, wrong)
        assert np.array_equal(sure_by_parts(confidence, flipped, 0.15, seed=3)[own], sure[own]), "its own do not count"
    assert len(least) > 1
    assert sure_by_parts(confidence[:20], wrong[:20], 0.01, seed=0).all()


def test_confidence_and_wrong_are_those_of_the_most_probable_class():
    answers = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert confidence_of(answers).tolist() == [0.8, 0.6]
    assert wrong_of(np.array([1, 1]), answers).tolist() == [False, True]

"""Other shares of the classes: the formula against NumPy and against Bayes, what is refused, what is to be expected."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tunesmith.core.fusion import Asked
from tunesmith.knowledge.priors import Priors, expected_accuracy, prior_faults
from tunesmith.recipe.catalogue import load_entry

LABELS = ("a", "b", "c")
NOBODY = Asked([])


def test_probabilities_are_multiplied_by_the_ratio_of_the_shares():
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.ones(3), 50)
    shares, trained = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
    by_hand = answers * shares / trained
    by_hand /= by_hand.sum(axis=1, keepdims=True)
    found = Priors(LABELS, shares, trained).adjust(answers, NOBODY)
    assert found == pytest.approx(by_hand, abs=1e-12)
    assert Priors(LABELS, trained, trained).adjust(answers, NOBODY) == pytest.approx(answers, abs=1e-12)
    assert Priors(LABELS, trained, shares).adjust(found, NOBODY) == pytest.approx(answers, abs=1e-12)


def test_where_only_the_shares_differ_it_is_the_rule_of_bayes():
    """Two normal classes, with p(c | x) worked out at one place and corrected for the other."""
    x = np.linspace(-3, 4, 30)
    density = np.exp(-((x[:, None] - np.array([0.0, 1.5])) ** 2) / 2)

    def bayes(shares):
        joint = density * shares
        return joint / joint.sum(axis=1, keepdims=True)

    there, here = np.array([0.9, 0.1]), np.array([0.4, 0.6])
    assert Priors(("a", "b"), there, here).adjust(bayes(here), NOBODY) == pytest.approx(bayes(there), abs=1e-12)


def test_rows_count_with_the_weights_that_the_loss_gave_them():
    found = Priors.of({"b": 0.3, "a": 0.5, "c": 0.205}, LABELS, np.array([0, 0, 1, 2]), np.array([0.5, 0.5, 2.0, 1.0]))
    assert found.trained == pytest.approx([0.25, 0.5, 0.25])
    assert found.shares == pytest.approx(np.array([0.5, 0.3, 0.205]) / 1.005)


def test_it_comes_back_from_its_state_and_says_where_it_changes_the_answer():
    first = Priors(LABELS, np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5]))
    again = load_entry("fusions", "priors").load(json.loads(json.dumps(first.state())))
    answers = np.array([[0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
    assert np.array_equal(again.adjust(answers, NOBODY), first.adjust(answers, NOBODY))
    assert again.evidence(answers, NOBODY) == [("without the shares that were given: c 0.40",), ()]


@pytest.mark.parametrize(
    "given, told",
    [
        ({"a": 0.5, "b": 0.25, "c": 0.255}, []),
        ({"a": 0.5, "b": 0.25, "c": 0.3}, ["K823"]),
        ({"a": 0.5, "b": 0.5}, ["K822"]),
        ({"a": 0.5, "b": 0.25, "c": 0.2, "cc": 0.05}, ["K822"]),
        ({"a": 0.5, "d": 0.5}, ["K822", "K822"]),
    ],
)
def test_shares_of_other_labels_or_that_are_no_whole_are_told(given, told):
    assert [fault.code for fault in prior_faults(given, LABELS)] == told


def test_a_near_label_is_named():
    [fault, _] = prior_faults({"refnd": 0.5, "other": 0.5}, ("refund", "other"))
    assert "refund" in fault.remedy.split("The labels")[0]


def test_what_is_to_be_expected_is_the_accuracy_of_weighed_rows():
    random = np.random.default_rng(1)
    truth, answers = random.integers(0, 3, 200), random.dirichlet(np.ones(3), 200)
    shares = np.array([0.7, 0.2, 0.1])
    weights = (shares / (np.bincount(truth) / 200))[truth]
    by_hand = np.average(answers.argmax(1) == truth, weights=weights)
    assert expected_accuracy(shares, truth, answers) == pytest.approx(by_hand, abs=1e-12)
    assert np.isnan(expected_accuracy(shares, np.minimum(truth, 1), answers))

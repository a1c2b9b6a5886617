import json

import numpy as np
import pytest

from tunesmith.evaluation import compare as comparing
from tunesmith.evaluation.compare import compare, mcnemar, pair
from tunesmith.evaluation.metrics import CLASSIFY, MULTILABEL, REGRESS


def answers(right, targets):
    """Probabilities of two classes that are right where `right` says so."""
    given = np.where(right, targets, 1 - targets)
    return np.eye(2)[given] * 0.8 + 0.1


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 500)
    return targets, {share: answers(random.random(500) < share, targets) for share in (0.6, 0.7, 0.71, 0.9)}


def test_better_than_every_baseline(rows):
    targets, given = rows
    found = compare("accuracy", CLASSIFY, targets, given[0.9], {"majority": given[0.6], "frozen": given[0.7]})
    tuned, frozen = CLASSIFY["accuracy"](targets, given[0.9]), CLASSIFY["accuracy"](targets, given[0.7])
    assert found["verdict"].startswith(
        f"Better than every baseline: accuracy {tuned:.3f} against {frozen:.3f} "
        f"for the frozen model with a linear head ({100 * (tuned - frozen):+.1f} points, 95 % interval +"
    )
    assert found["verdict"].endswith(", 500 rows).")
    assert [entry["outcome"] for entry in found["against"].values()] == ["tuned better"] * 2
    assert all(entry["p_bootstrap"] < 0.01 and entry["p_mcnemar"] < 0.01 for entry in found["against"].values())
    assert json.loads(json.dumps(found)) == found


def test_a_difference_within_chance_is_called_that(rows):
    targets, given = rows
    found = compare("macro_f1", CLASSIFY, targets, given[0.71], {"majority": given[0.6], "tfidf": given[0.7]})
    assert found["verdict"].startswith(
        "Not distinguishable from TF-IDF with logistic regression on 500 rows: macro-F1 0."
    )
    assert found["against"]["tfidf"]["outcome"] == "not distinguishable"
    difference = found["against"]["tfidf"]["difference"]
    assert difference["low"] < 0 < difference["high"]
    assert found["against"]["tfidf"]["p_bootstrap"] > 0.05


def test_the_baseline_wins_and_the_verdict_says_so(rows):
    targets, given = rows
    found = compare("accuracy", CLASSIFY, targets, given[0.7], {"tfidf": given[0.9], "frozen": given[0.71]})
    assert found["verdict"].startswith("TF-IDF with logistic regression wins: accuracy 0.")
    assert "for the tuned model (+" in found["verdict"]
    assert found["verdict"].endswith("Use it, or gather more rows.")
    assert found["against"]["tfidf"]["outcome"] == "baseline better"
    assert found["against"]["tfidf"]["difference"]["value"] < 0


@pytest.mark.parametrize("metric", ["log_loss", "mae", "rmse"])
def test_lower_is_better_is_minded(metric):
    random = np.random.default_rng(1)
    if metric == "log_loss":
        table, targets = CLASSIFY, random.integers(0, 2, 200)
        near, far = answers(random.random(200) < 0.95, targets), answers(random.random(200) < 0.6, targets)
    else:
        table, targets = REGRESS, random.normal(size=200)
        near, far = targets + 0.1 * random.normal(size=200), targets + random.normal(size=200)
    good = compare(metric, table, targets, near, {"majority": far})
    assert good["against"]["majority"]["outcome"] == "tuned better"
    assert good["against"]["majority"]["difference"]["value"] < 0
    assert good["verdict"].startswith("Better than the baseline: ")
    assert good["verdict"].endswith(", 200 rows; lower is better).")
    assert "points" not in good["verdict"]
    bad = compare(metric, table, targets, far, {"majority": near})
    assert bad["verdict"].startswith("The majority class wins: ")


def test_a_constant_baseline_has_no_correlation_and_loses():
    random = np.random.default_rng(1)
    targets = random.normal(size=100)
    found = compare("pearson", REGRESS, targets, targets + random.normal(size=100), {"majority": np.zeros(100)})
    assert found["against"]["majority"]["outcome"] == "tuned better"
    assert found["against"]["majority"]["p_mcnemar"] is None
    assert "against 0.000 for the majority class" in found["verdict"]


def test_an_undefined_figure_is_said():
    targets, probs = np.zeros(20, int), np.full((20, 2), 0.5)
    found = compare("roc_auc", CLASSIFY, targets, probs, {"majority": probs})
    assert found == {
        "metric": "roc_auc",
        "verdict": "Nothing to compare: ROC-AUC is not defined on these 20 rows.",
        "against": {},
    }
    assert compare("accuracy", CLASSIFY, targets, probs, {})["verdict"] == "No baseline was measured."
    assert pair("roc_auc", CLASSIFY, targets, probs, probs)["verdict"].endswith("not defined on these 20 rows.")


def test_five_rows_prove_nothing():
    targets = np.array([0, 1, 0, 1, 0])
    right, wrong = answers(np.ones(5, bool), targets), answers(np.zeros(5, bool), targets)
    found = compare("accuracy", CLASSIFY, targets, right, {"majority": wrong})
    assert found["against"]["majority"]["outcome"] == "not distinguishable"


def test_several_labels_have_no_mcnemar(rows):
    random = np.random.default_rng(2)
    targets = (random.random((100, 3)) < 0.4).astype(int)
    found = compare("micro_f1", MULTILABEL, targets, targets * 0.9, {"majority": random.random((100, 3))})
    assert found["against"]["majority"]["p_mcnemar"] is None
    assert found["against"]["majority"]["outcome"] == "tuned better"


def test_pairing_sees_what_two_intervals_do_not(rows):
    """A model that repeats another and puts 2 % of the rows right is better, though both intervals overlap widely."""
    targets, given = rows
    better = given[0.7].copy()
    wrong = np.flatnonzero(given[0.7].argmax(axis=1) != targets)[:10]
    better[wrong] = better[wrong][:, ::-1]
    assert pair("accuracy", CLASSIFY, targets, better, given[0.7])["outcome"] == "first better"


def test_pair_names_both_and_turns_around(rows):
    targets, given = rows
    one = pair("accuracy", CLASSIFY, targets, given[0.9], given[0.7], titles=("runs/b", "runs/a"))
    other = pair("accuracy", CLASSIFY, targets, given[0.7], given[0.9], titles=("runs/a", "runs/b"))
    assert (one["outcome"], other["outcome"]) == ("first better", "second better")
    assert one["verdict"].startswith("runs/b is better: accuracy 0.")
    assert ", runs/b against runs/a (+" in one["verdict"]
    assert other["verdict"].startswith("runs/b is better: accuracy 0.")
    assert one["difference"]["low"] == pytest.approx(-other["difference"]["high"])
    same = pair("accuracy", CLASSIFY, targets, given[0.7], given[0.7], titles=("runs/a", "runs/b"))
    assert same["verdict"].startswith("runs/a and runs/b are not distinguishable: ")
    assert same["p_bootstrap"] == same["p_mcnemar"] == 1.0


@pytest.mark.parametrize("first,second", [(0, 3), (1, 6), (4, 4), (2, 9), (30, 55)])
def test_mcnemar_equals_a_sum_of_coin_tosses(first, second):
    from math import comb

    targets = np.zeros(first + second + 5, int)
    right = np.arange(len(targets))
    one = np.eye(2)[np.where((right < first) | (right >= first + second), 0, 1)]
    other = np.eye(2)[np.where(right >= first, 0, 1)]
    tosses, few = first + second, min(first, second)
    expected = 2 * sum(comb(tosses, k) for k in range(few)) / 2**tosses + comb(tosses, few) / 2**tosses
    assert mcnemar(targets, one, other) == pytest.approx(min(1.0, expected) if first != second else 1.0)


def test_equal_models_are_called_different_about_one_time_in_twenty():
    random = np.random.default_rng(3)
    wrongly = 0
    for trial in range(150):
        targets = random.integers(0, 2, 80)
        one, other = (answers(random.random(80) < 0.75, targets) for _ in range(2))
        wrongly += pair("accuracy", CLASSIFY, targets, one, other, resamples=300, seed=trial)["outcome"] != (
            "not distinguishable"
        )
    assert 1 <= wrongly <= 18  # 5 % of 150 is 7.5, with a standard deviation of 2.7


def test_large_and_small_numbers_are_readable():
    assert comparing._number(12345.678) == "12,345.7"
    assert comparing._number(-0.04, "+") == "-0.040"

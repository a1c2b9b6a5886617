import numpy as np
import pytest

from tunesmith.evaluation import calibrate, thresholds

SINGLE, SEVERAL = "single_label_classification", "multi_label_classification"


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("truth", [0.4, 1.0, 3.0])
def test_the_temperature_that_made_the_rows_is_found(truth):
    random = np.random.default_rng(0)
    logits = 2 * random.normal(size=(4000, 4))
    targets = np.array([random.choice(4, p=p) for p in softmax(logits)])
    assert calibrate.fit_temperature(truth * logits, targets, SINGLE) == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize("truth", [0.4, 3.0])
def test_the_temperature_of_several_labels_is_found(truth):
    random = np.random.default_rng(0)
    logits = 2 * random.normal(size=(4000, 3))
    targets = (random.random((4000, 3)) < 1 / (1 + np.exp(-logits))).astype(int)
    assert calibrate.fit_temperature(truth * logits, targets, SEVERAL) == pytest.approx(truth, rel=0.1)


def test_temperature_equals_a_search_by_another_method():
    minimize_scalar = pytest.importorskip("scipy.optimize").minimize_scalar
    random = np.random.default_rng(1)
    targets = random.integers(0, 3, 60)
    logits = 3 * random.normal(size=(60, 3)) + 2 * np.eye(3)[targets]

    def cost(power):
        return -np.log(softmax(logits / np.exp(power))[np.arange(60), targets]).sum() + power**2 / 2

    expected = np.exp(minimize_scalar(cost, bounds=(-3, 3), method="bounded").x)
    assert calibrate.fit_temperature(logits, targets, SINGLE) == pytest.approx(expected, rel=1e-3)


def test_few_rows_and_numbers_keep_the_temperature_at_one():
    logits, targets = np.tile([[0.0, 9.0]], (9, 1)), np.zeros(9, int)
    assert calibrate.fit_temperature(logits, targets, SINGLE) == 1.0
    assert calibrate.fit_temperature(np.zeros((50, 1)), np.zeros(50), "regression") == 1.0


def test_a_small_split_without_mistakes_does_not_ask_for_certainty():
    logits = np.tile([[2.0, 0.0]], (12, 1))
    assert 0.2 < calibrate.fit_temperature(logits, np.zeros(12, int), SINGLE) < 1.0


def test_the_temperature_stays_within_its_bounds():
    logits = 1e4 * np.random.default_rng(0).normal(size=(500, 3))
    assert calibrate.fit_temperature(logits, np.zeros(500, int), SINGLE) == pytest.approx(20.0, rel=1e-3)


def test_calibration_error_equals_an_independent_computation():
    random = np.random.default_rng(2)
    probs = random.dirichlet(np.ones(3), 300)
    targets = random.integers(0, 3, 300)
    expected = 0.0
    for row in range(10):
        inside = [i for i, p in enumerate(probs) if row / 10 < max(p) <= (row + 1) / 10]
        if inside:
            accuracy = sum(probs[i].argmax() == targets[i] for i in inside) / len(inside)
            confidence = sum(max(probs[i]) for i in inside) / len(inside)
            expected += len(inside) / 300 * abs(accuracy - confidence)
    found = calibrate.reliability(targets, probs)
    assert found["ece"] == pytest.approx(expected)
    assert sum(row["n"] for row in found["bins"]) == 300


def test_reliability_by_hand():
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.45, 0.55]])
    found = calibrate.reliability(np.array([0, 1, 1]), probs, bins=2)
    assert found["bins"] == [
        {"low": 0.5, "high": 1.0, "confidence": pytest.approx(0.75), "accuracy": pytest.approx(2 / 3), "n": 3}
    ]
    assert found["ece"] == pytest.approx(0.75 - 2 / 3)


def test_reliability_of_several_labels_counts_every_label():
    found = calibrate.reliability(np.array([[1, 0], [1, 0]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert found["ece"] == 0.0
    assert [(row["low"], row["accuracy"], row["n"]) for row in found["bins"]] == [(0.0, 0.0, 2), (0.9, 1.0, 2)]


def test_no_rows_have_no_error():
    assert calibrate.reliability(np.empty(0, int), np.empty((0, 2))) == {"ece": 0.0, "bins": []}


def test_threshold_moves_to_where_f1_is_best():
    random = np.random.default_rng(0)
    truth = random.random((2000, 2)) < 0.3
    probs = np.where(truth, random.uniform(0.2, 0.5, (2000, 2)), random.uniform(0.0, 0.22, (2000, 2)))
    assert thresholds.choose(truth.astype(int), probs) == pytest.approx([0.21, 0.21], abs=0.02)


def test_threshold_stays_near_one_half_on_few_positives():
    targets = np.array([[1]] * 2 + [[0]] * 50)
    probs = np.array([[0.4]] * 2 + [[0.1]] * 50)
    # the best cut nearest to 0.5 is 0.25; two positives against ten of prior leave 0.5 - 0.25 / 6, which finds neither
    assert thresholds.choose(targets, probs) == pytest.approx([0.5])
    probs[:2] = 0.49
    assert thresholds.choose(targets, probs) == pytest.approx([0.5 + (0.295 - 0.5) / 6])


def test_threshold_without_positives_or_negatives_or_differences():
    assert thresholds.choose(np.zeros((5, 1), int), np.full((5, 1), 0.2)) == pytest.approx([0.5])
    assert thresholds.choose(np.ones((5, 1), int), np.full((5, 1), 0.7)) == pytest.approx([0.5])
    assert thresholds.choose(np.ones((5, 1), int), np.zeros((5, 1))) == pytest.approx([0.5])


def test_chosen_thresholds_are_never_worse_on_their_rows():
    from tunesmith.evaluation import metrics

    random = np.random.default_rng(5)
    for _ in range(30):
        targets = (random.random((40, 3)) < 0.4).astype(int)
        probs = np.clip(0.3 * targets + 0.7 * random.random((40, 3)), 0, 1)
        chosen = metrics.multilabel(thresholds.choose(targets, probs))["macro_f1"](targets, probs)
        assert chosen >= metrics.MULTILABEL["macro_f1"](targets, probs) - 1e-12

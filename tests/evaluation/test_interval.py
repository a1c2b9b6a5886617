import numpy as np
import pytest

from tunesmith.evaluation import interval, metrics


def outputs_for(name: str, rows: int):
    random = np.random.default_rng(1)
    if name == "regress":
        targets = np.round(random.normal(size=rows), 1)
        return metrics.REGRESS, targets, targets + random.normal(size=rows)
    if name == "multilabel":
        targets = (random.random((rows, 3)) < 0.3).astype(int)
        return metrics.MULTILABEL, targets, 0.3 * targets + 0.7 * random.random((rows, 3))
    targets = random.integers(0, 4, rows)
    probs = random.dirichlet(np.ones(4), rows) + np.eye(4)[targets] / 2
    return metrics.CLASSIFY, targets, probs / 1.5


@pytest.mark.parametrize("problem", ["classify", "multilabel", "regress"])
def test_all_resamples_at_once_equal_one_at_a_time(problem):
    table, targets, outputs = outputs_for(problem, 37)
    slow = {name: (lambda t, o, metric=metric: metric(t, o)) for name, metric in table.items()}
    fast = interval.bootstrap(table, targets, outputs, resamples=60, seed=4)
    plain = interval.bootstrap(slow, targets, outputs, resamples=60, seed=4)
    assert set(fast) == set(table)
    for name, score in fast.items():
        assert (score.value, score.low, score.high) == pytest.approx(
            (plain[name].value, plain[name].low, plain[name].high)
        )
        assert score.n == 37
        assert score.low < score.value < score.high


def test_same_seed_same_interval_whatever_the_chunk(monkeypatch):
    table, targets, outputs = outputs_for("classify", 50)
    once = interval.bootstrap(table, targets, outputs, resamples=300, seed=2)
    assert interval.bootstrap(table, targets, outputs, resamples=300, seed=3) != once
    monkeypatch.setattr(interval, "CHUNK", 50 * 7)
    again = interval.bootstrap(table, targets, outputs, resamples=300, seed=2)
    for name, score in once.items():
        assert (score.low, score.high) == pytest.approx((again[name].low, again[name].high), abs=1e-12)


def test_many_rows_take_fewer_resamples(monkeypatch):
    table, targets, outputs = outputs_for("classify", 50)
    monkeypatch.setattr(interval, "BUDGET", 50 * 400)
    drawn = interval.resampled(table, targets, [outputs], resamples=1000, seed=0)
    assert {name: len(values) for name, (values,) in drawn.items()} == {
        "accuracy": 400, "macro_f1": 400, "weighted_f1": 400, "mcc": 400, "roc_auc": 200, "log_loss": 400,
    }  # fmt: skip


def test_undefined_figures_are_left_out():
    probs = np.array([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    scores = interval.bootstrap(metrics.CLASSIFY, np.zeros(3, int), probs, resamples=50)
    assert "roc_auc" not in scores
    assert "accuracy" in scores
    assert interval.bootstrap(metrics.CLASSIFY, np.zeros(0, int), np.empty((0, 2)), resamples=50) == {}


def test_a_class_that_some_resamples_miss_does_not_spoil_the_interval():
    targets = np.array([0] * 30 + [1])
    probs = np.column_stack([np.linspace(0.9, 0.2, 31), np.linspace(0.1, 0.8, 31)])
    score = interval.bootstrap(metrics.CLASSIFY, targets, probs, resamples=200)["roc_auc"]
    assert (score.value, score.low, score.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("name,truth", [("accuracy", 0.7), ("mae", 0.8)])
def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty(name, truth):
    random = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        if name == "accuracy":
            targets = np.zeros(200, int)
            right = random.random(200) < truth
            outputs = np.column_stack([right, ~right]).astype(float)
            table = {name: metrics.CLASSIFY[name]}
        else:
            targets, outputs = np.zeros(200), random.normal(scale=truth * np.sqrt(np.pi / 2), size=200)
            table = {name: metrics.REGRESS[name]}
        score = interval.bootstrap(table, targets, outputs, resamples=300, seed=trial)[name]
        held += score.low <= truth <= score.high
    assert 180 <= held <= 199  # 95 % of 200 is 190, with a standard deviation of 3


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (50, 50), (412, 1000)])
def test_the_interval_of_a_share_is_wilsons(hits, n):
    z = 1.959963984540054
    share, squared = hits / n, z**2 / n
    spread = np.sqrt(squared * share * (1 - share) + squared**2 / 4)
    found = interval.proportion(hits, n)
    assert (found.value, found.n) == (share, n)
    expected = [(share + squared / 2 + sign * spread) / (1 + squared) for sign in (-1, 1)]
    assert [found.low, found.high] == pytest.approx(expected, abs=1e-12)

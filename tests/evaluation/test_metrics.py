import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.evaluation import metrics
from tunesmith.evaluation.answers import ANSWERS
from tunesmith.evaluation.selective import SELECTIVE
from tunesmith.evaluation.similarity import RANKED, SCORED
from tunesmith.evaluation.spans import SPANS
from tunesmith.evaluation.writing import WRITING

sklearn_metrics = pytest.importorskip("sklearn.metrics")


def classified(seed: int, rows: int, classes: int):
    """Targets and probabilities that agree more often than chance; a class may be missing on either side."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, classes, rows)
    logits = random.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[targets]
    probs = np.exp(logits)
    return targets, probs / probs.sum(axis=1, keepdims=True)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), classes=st.integers(2, 9))
def test_class_figures_equal_an_independent_computation(seed, rows, classes):
    targets, probs = classified(seed, rows, classes)
    predicted = probs.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes without rows, which is what is tried here
        expected = {
            "accuracy": sklearn_metrics.accuracy_score(targets, predicted),
            "macro_f1": sklearn_metrics.f1_score(targets, predicted, average="macro"),
            "weighted_f1": sklearn_metrics.f1_score(targets, predicted, average="weighted"),
            "mcc": sklearn_metrics.matthews_corrcoef(targets, predicted),
            "log_loss": sklearn_metrics.log_loss(targets, probs, labels=range(classes)),
        }
    found = {name: metrics.CLASSIFY[name](targets, probs) for name in expected}
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 5])
def test_area_with_ties_equals_an_independent_computation(classes):
    targets, probs = classified(3, 300, classes)
    probs = np.round(probs, 1) + 1e-3  # ties
    probs /= probs.sum(axis=1, keepdims=True)
    scores = probs[:, 1] if classes == 2 else probs
    expected = sklearn_metrics.roc_auc_score(targets, scores, multi_class="ovr")
    assert metrics.CLASSIFY["roc_auc"](targets, probs) == pytest.approx(expected, abs=1e-12)


def test_area_is_undefined_with_one_class_and_skips_a_missing_one():
    probs = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    assert np.isnan(metrics.CLASSIFY["roc_auc"](np.array([1, 1, 1]), probs))
    assert metrics.CLASSIFY["roc_auc"](np.array([0, 1, 0]), probs) == 1.0


def test_log_loss_of_a_certain_mistake_is_finite():
    assert 10 < metrics.CLASSIFY["log_loss"](np.array([0]), np.array([[0.0, 1.0]], dtype=np.float32)) < 20


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), labels=st.integers(1, 6))
def test_label_figures_equal_an_independent_computation(seed, rows, labels):
    random = np.random.default_rng(seed)
    targets = (random.random((rows, labels)) < 0.3).astype(int)
    probs = np.clip(0.6 * targets + 0.6 * random.random((rows, labels)) - 0.1, 0.01, 0.99)
    thresholds = random.uniform(0.2, 0.8, labels)
    given_labels = (probs >= thresholds).astype(int)

    def f1(average, zero):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sklearn_metrics.f1_score(targets, given_labels, average=average, zero_division=zero)

    if labels > 1:  # one column is not multilabel for scikit-learn
        found = {name: metric(targets, probs) for name, metric in metrics.multilabel(thresholds).items()}
        assert found["micro_f1"] == pytest.approx(f1("micro", 0.0), abs=1e-12)
        assert found["macro_f1"] == pytest.approx(f1("macro", 0.0), abs=1e-12)
        assert found["samples_f1"] == pytest.approx(f1("samples", 1.0), abs=1e-12)
        assert found["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(targets, given_labels))
    expected = np.mean(
        [
            sklearn_metrics.log_loss(column, p, labels=[0, 1])
            for column, p in zip(targets.T, probs.T, strict=True)
        ]
    )  # fmt: skip
    assert metrics.MULTILABEL["log_loss"](targets, probs) == pytest.approx(expected)


def test_thresholds_decide():
    targets, probs = np.array([[1, 0], [1, 0]]), np.array([[0.3, 0.6], [0.3, 0.6]])
    assert metrics.MULTILABEL["subset_accuracy"](targets, probs) == 0.0
    assert metrics.multilabel(np.array([0.3, 0.7]))["subset_accuracy"](targets, probs) == 1.0


def test_number_figures_equal_an_independent_computation():
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    targets = np.round(random.normal(size=80), 1) + 1000  # ties, and far from zero
    outputs = (targets + random.normal(size=80)).astype(np.float32)[:, None]
    found = {name: metric(targets, outputs) for name, metric in metrics.REGRESS.items()}
    errors = targets - outputs[:, 0].astype(float)
    assert found == pytest.approx(
        {
            "pearson": stats.pearsonr(targets, outputs[:, 0].astype(float)).statistic,
            "spearman": stats.spearmanr(targets, outputs[:, 0]).statistic,
            "mae": np.abs(errors).mean(),
            "rmse": np.sqrt((errors**2).mean()),
        },
        abs=1e-9,
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_correlation_with_a_constant_is_undefined(constant):
    targets = np.arange(7.0)
    for name in ("pearson", "spearman"):
        assert np.isnan(metrics.REGRESS[name](targets, np.full(7, constant)))


def test_every_figure_says_its_direction_and_its_name():
    tables = (metrics.CLASSIFY, metrics.MULTILABEL, metrics.REGRESS, SPANS, ANSWERS, SCORED, RANKED, WRITING, SELECTIVE)
    names = {name for table in tables for name in table}
    assert len(names) == 36
    assert set(metrics.HIGHER_IS_BETTER) == names == set(metrics.DISPLAY)
    lower = [name for name in sorted(names) if not metrics.HIGHER_IS_BETTER[name]]
    assert lower == ["empty_share", "log_loss", "mae", "perplexity", "rmse", "selective_error"]


def test_no_rows_is_undefined_not_an_error():
    for table, targets, outputs in (
        (metrics.CLASSIFY, np.empty(0, int), np.empty((0, 3))),
        (metrics.MULTILABEL, np.empty((0, 3), int), np.empty((0, 3))),
        (metrics.REGRESS, np.empty(0), np.empty(0)),
    ):
        assert all(np.isnan(metric(targets, outputs)) for metric in table.values())


def test_per_class_equals_an_independent_computation():
    targets, probs = classified(5, 60, 4)
    rows = metrics.per_class(targets, probs, ["a", "b", "c", "d"])
    expected = sklearn_metrics.precision_recall_fscore_support(targets, probs.argmax(axis=1))
    assert [row["label"] for row in rows] == ["a", "b", "c", "d"]
    for key, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [row[key] for row in rows] == pytest.approx(list(values))


def test_per_class_of_several_labels_a_row():
    targets, probs = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[0.9, 0.9], [0.1, 0.9], [0.1, 0.1]])
    assert metrics.per_class(targets, probs, ["a", "b"]) == [
        {"label": "a", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2},
        {"label": "b", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
    ]


def test_confusion_counts_rows_by_class_and_answer():
    targets, probs = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    assert metrics.confusion(targets, probs, ["no", "yes"]) == {"labels": ["no", "yes"], "counts": [[1, 1], [0, 1]]}

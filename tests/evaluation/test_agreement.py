from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tunesmith.evaluation.agreement import agreement


def test_it_is_the_kappa_of_the_nearest_name() -> None:
    random = np.random.default_rng(2)
    names, targets = random.normal(size=(4, 6)), random.integers(4, size=60)
    rows = names[targets] + 1.5 * random.normal(size=(60, 6))
    unit, label = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, names))
    nearest = ((unit - unit.mean(0)) @ (label - label.mean(0)).T).argmax(1)
    expected = cohen_kappa_score(targets, nearest)
    assert 0.2 < expected < 0.9
    assert agreement(rows, names, np.arange(4), targets).kappa == pytest.approx(expected, abs=1e-12)


def test_chance_is_zero_and_certainty_one() -> None:
    names, targets = np.eye(3, 5), np.arange(300) % 3
    assert agreement(names[targets], names, np.arange(3), targets).kappa == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(size=(300, 5))
    assert abs(agreement(noise, names, np.arange(3), targets).kappa) < 0.15
    assert agreement(noise, names, np.arange(3), np.zeros(300, int)).kappa <= 0.0


@pytest.mark.parametrize("rows, classes", [(16, 2), (32, 2), (32, 4), (300, 3)])
def test_names_that_say_nothing_are_seldom_taken_to_say_something(rows: int, classes: int) -> None:
    random, targets = np.random.default_rng(7), np.arange(rows) % classes
    each = np.arange(classes)
    found = [
        agreement(random.normal(size=(rows, 9)), random.normal(size=(classes, 9)), each, targets) for _ in range(400)
    ]
    assert np.mean([one.is_enough for one in found]) < 0.16
    names = random.normal(size=(classes, 9))
    assert agreement(names[targets] + 0.5 * random.normal(size=(rows, 9)), names, each, targets).is_enough


def test_hints_that_are_all_alike_say_nothing() -> None:
    rows, targets = np.random.default_rng(1).normal(size=(20, 4)), np.arange(20) % 2
    found = agreement(rows, np.ones((2, 4)), np.arange(2), targets)
    assert found.kappa == 0.0
    assert not found.is_enough


def test_of_a_label_with_several_hints_the_mean_counts_and_rows_of_others_do_not() -> None:
    random = np.random.default_rng(3)
    targets, classes = np.arange(90) % 3, np.array([0, 0, 0, 2, 2])
    rows, hints = random.normal(size=(90, 6)), random.normal(size=(5, 6))
    unit = hints / np.linalg.norm(hints, axis=1, keepdims=True)
    means = np.stack([unit[:3].mean(0), unit[3:].mean(0)])
    some = targets != 1
    expected = agreement(rows[some], means, np.arange(2), targets[some] // 2)
    assert agreement(rows, hints, classes, targets) == expected


def test_hints_of_one_label_cannot_be_judged() -> None:
    assert agreement(np.eye(4), np.ones((2, 4)), np.zeros(2, int), np.zeros(4, int)) is None
    assert agreement(np.eye(4), np.eye(4)[:2], np.arange(2), np.full(4, 2)) is None

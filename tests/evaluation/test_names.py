from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tunesmith.evaluation.names import agreement


def test_it_is_the_kappa_of_the_nearest_name() -> None:
    random = np.random.default_rng(2)
    names, targets = random.normal(size=(4, 6)), random.integers(4, size=60)
    rows = names[targets] + 1.5 * random.normal(size=(60, 6))
    unit, label = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, names))
    nearest = ((unit - unit.mean(0)) @ (label - label.mean(0)).T).argmax(1)
    expected = cohen_kappa_score(targets, nearest)
    assert 0.2 < expected < 0.9
    assert agreement(rows, names, targets).kappa == pytest.approx(expected, abs=1e-12)


def test_chance_is_zero_and_certainty_one() -> None:
    names, targets = np.eye(3, 5), np.arange(300) % 3
    assert agreement(names[targets], names, targets).kappa == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(size=(300, 5))
    assert abs(agreement(noise, names, targets).kappa) < 0.15
    assert agreement(noise, names, np.zeros(300, int)).kappa <= 0.0


@pytest.mark.parametrize("rows, classes", [(16, 2), (32, 2), (32, 4), (300, 3)])
def test_names_that_say_nothing_are_seldom_taken_to_say_something(rows: int, classes: int) -> None:
    random, targets = np.random.default_rng(7), np.arange(rows) % classes
    found = [agreement(random.normal(size=(rows, 9)), random.normal(size=(classes, 9)), targets) for _ in range(400)]
    assert np.mean([each.is_enough for each in found]) < 0.16
    names = random.normal(size=(classes, 9))
    assert agreement(names[targets] + 0.5 * random.normal(size=(rows, 9)), names, targets).is_enough


def test_names_that_are_all_alike_say_nothing() -> None:
    rows, targets = np.random.default_rng(1).normal(size=(20, 4)), np.arange(20) % 2
    for names, classes in ((np.ones((2, 4)), targets), (np.ones((1, 4)), np.zeros(20, int))):
        assert agreement(rows, names, classes).kappa == 0.0
        assert not agreement(rows, names, classes).is_enough

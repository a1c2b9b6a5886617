"""What rows are and how reliable voters are, without gold labels: against the published example, and by rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunesmith.knowledge.labelmodel import dawid_skene, loudness_of
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row
from tunesmith.knowledge.weaklabels import WeakLabels, weak_labels

ANAESTHETISTS = """
111 1 1 1 1; 333 4 3 3 4; 112 2 1 2 2; 222 3 1 2 1; 222 3 2 2 2; 222 3 3 2 2; 122 2 1 1 1; 333 3 4 3 3; 222 2 2 2 3
232 2 2 2 3; 444 4 4 4 4; 222 3 3 4 3; 111 1 1 1 1; 222 3 2 1 2; 121 1 1 1 1; 111 2 1 1 1; 111 1 1 1 1; 111 1 1 1 1
222 2 2 2 1; 222 1 3 2 2; 222 2 2 2 2; 222 2 2 2 1; 222 3 2 2 2; 221 2 2 2 2; 111 1 1 1 1; 111 1 1 1 1; 232 2 2 2 2
111 1 1 1 1; 111 1 1 1 1; 112 1 1 2 1; 111 1 1 1 1; 333 3 2 3 3; 111 1 1 1 1; 222 2 2 2 2; 222 3 2 3 2; 433 4 3 4 3
221 2 2 3 2; 232 3 2 3 3; 333 3 4 3 2; 111 1 1 1 1; 111 1 1 1 1; 121 2 1 1 1; 232 2 2 2 2; 121 1 1 1 1; 222 2 2 2 2
"""
"""Dawid and Skene 1979, table 1: the fitness of 45 patients as five anaesthetists judged it, the first three times."""


def answers() -> np.ndarray:
    rows = [row.split() for line in ANAESTHETISTS.strip().splitlines() for row in line.split(";")]
    return np.array([[[said.count(grade) for grade in "1234"] for said in row] for row in rows], dtype=float)


def shares(counts: np.ndarray) -> np.ndarray:
    votes = counts.sum(axis=1)
    return votes / votes.sum(axis=1, keepdims=True)


def test_the_example_of_the_paper() -> None:
    counts = answers()
    assert counts.shape == (45, 5, 4)
    found = dawid_skene(counts, shares(counts))
    assert found.shares.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    expected = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.rates[:, 0].round(2).tolist() == expected, "the first, who was asked three times"
    assert found.chances.argmax(axis=1)[[1, 2, 10]].tolist() == [3, 1, 3]


def test_doubt_keeps_rates_at_the_beginning() -> None:
    counts = answers()
    begun = shares(counts)
    sure = dawid_skene(counts, begun, doubt=1e9)
    rates = np.einsum("nk,nrl->krl", begun, counts)
    assert sure.rates == pytest.approx(rates / rates.sum(axis=2, keepdims=True), abs=1e-5)


def test_voters_who_say_the_same_count_as_one() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    loud = np.stack([one, one, one, other], axis=1).astype(float)
    assert loudness_of(loud, np.full((4000, 2), 0.5)) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1], abs=0.1)


RULES = """
rules:
  - {name: right, label: yes!, words: [a]}
  - {name: half, label: yes!, words: [b]}
  - {name: no, label: no!, words: [c]}
  - {name: no again, label: no!, words: [d]}
  - {name: not no, against: no!, words: [e]}
  - {name: taught, learn: true, words: [f]}
"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[WeakLabels, np.ndarray]:
    """Rows of two kinds on which rules are right 95, 50, 90 and 90 times of a hundred, and what they are."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    rules = read_rules(path)
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 20_000)  # 1 for yes
    rates = {"a": (0.03, 0.57), "b": (0.5, 0.5), "c": (0.54, 0.06), "d": (0.54, 0.06), "e": (0.1, 0.5), "f": (0.1, 0.4)}
    rows = [Row(" ".join(word for word, rate in rates.items() if rng.random() < rate[kind])) for kind in truth]
    return weak_labels(rules, rules.counts(rows), ["no!", "yes!"]), truth


def test_rules_are_weighed_without_gold_labels(labelled: tuple[WeakLabels, np.ndarray]) -> None:
    found, truth = labelled
    assert found.right[:5] == pytest.approx([0.95, 0.5, 0.9, 0.9, 0.83], abs=0.08)
    assert found.right[1] < 0.55, "one that is right by chance is found out"
    assert np.isnan(found.right[5]), "a rule that rows teach has no vote to be right"
    decided = truth[found.places]
    assert (found.best == decided).mean() > 0.88
    sure = found.weights > np.median(found.weights)
    assert (found.best == decided)[sure].mean() > (found.best == decided)[~sure].mean()


def test_rows_of_which_rules_say_nothing_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    rules = read_rules(path)
    found = weak_labels(
        rules, rules.counts([Row("a"), Row("nothing"), Row("a c"), Row("c"), Row("f")]), ["no!", "yes!"]
    )
    assert found.places.tolist() == [0, 2, 3], "where only what is taught speaks, there is no vote"
    none = weak_labels(rules, rules.counts([Row("nothing")]), ["no!", "yes!"])
    assert len(none.places) == len(none.best) == 0

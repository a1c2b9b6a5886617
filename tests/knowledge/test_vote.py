"""Votes are added to log probabilities; their weights are what labelled rows leave of what rules claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from tunesmith.core.example import TextExample
from tunesmith.core.fusion import Asked
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Rules
from tunesmith.knowledge.vote import ALONE, BESIDE, CLAIM, HEARD, Votes
from tunesmith.recipe.text import write_document

LABELS = ("bad", "good", "odd")


def rules_of(tmp_path: Path, *rules: dict[str, Any], **lists: Any) -> Rules:
    path = tmp_path / "rules.yaml"
    path.write_text(write_document({"lists": lists, "rules": list(rules)}), encoding="utf-8")
    return read_rules(path)


def rows(*texts: str, **columns: str) -> list[TextExample]:
    return [TextExample(id=str(n), source=f"row {n}", text=text, columns=columns) for n, text in enumerate(texts)]


def asked(*texts: str, **columns: str) -> Asked:
    return Asked(rows(*texts, **columns))


def weighed(rules: Rules, *weights: float) -> np.ndarray[Any, Any]:
    """Each rule with so much weight on its own label."""
    return rules.directions(LABELS) * np.array(weights)[:, None]


def log_loss(z: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    return float(sum(np.log(np.exp(row).sum()) - row[at] for row, at in zip(z, truth, strict=True)))


def test_votes_are_added_to_log_probabilities(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "good", "words": ["fine"]}, {"against": "bad", "words": ["fine", "fun"]},
        {"label": "odd", "words": ["weird"]},
    )  # fmt: skip
    votes = Votes(rules, LABELS, weighed(rules, 0.4, 0.3, 0.0))
    answers = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
    found = votes.adjust(answers, asked("fine, fun and fine", "nothing", "weird"))
    raised = answers[0] * np.exp([-0.3 * np.log2(4), 0.4 * np.log2(3), 0.0])
    np.testing.assert_allclose(found[0], raised / raised.sum(), atol=1e-12)
    np.testing.assert_array_equal(found[1:], answers[1:])  # bit for bit: nobody spoke, or what spoke weighs nothing


def test_without_rows_that_the_model_has_not_seen_a_rule_is_believed_unless_rows_contradict_it(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "good", "words": ["fine"]}, {"label": "good", "words": ["dull"], "strength": 2},
        {"label": "odd", "words": ["weird"], "strength": 3},
    )  # fmt: skip
    seen = rows(*["a fine one"] * 20, *["a dull one"] * 20)
    truth = np.array([1] * 20 + [0] * 20)
    fitted = Votes.fit(rules, LABELS, seen, truth, [], np.empty(0, dtype=int), np.empty((0, 3)))
    np.testing.assert_allclose(fitted.weights, weighed(rules, CLAIM, 0.0, CLAIM), atol=1e-9)


def test_the_second_fit_is_the_mode_of_likelihood_times_prior(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "good", "words": ["fine"]})
    held = rows("fine", "fine fine fine", "plain", "fine and fine")
    truth, hits = np.array([1, 1, 0, 2]), np.log2([2, 4, 1, 3])
    answers = np.array([[0.3, 0.4, 0.3], [0.5, 0.4, 0.1], [0.6, 0.2, 0.2], [0.2, 0.2, 0.6]])
    seen = rows(*["fine"] * 9)
    fitted = Votes.fit(rules, LABELS, seen, np.array([1] * 9), held, truth, answers)

    def cost(weight: float) -> float:
        z = np.log(answers) + np.outer(hits * weight, [0, 1, 0])
        return log_loss(z, truth) + (weight - CLAIM) ** 2 / (2 * BESIDE)

    best = minimize_scalar(cost, bounds=(0, 3), method="bounded", options={"xatol": 1e-9}).x
    assert fitted.weights[0, 1] == pytest.approx(best, abs=1e-4)


def test_the_first_fit_weighs_rules_against_what_rows_say(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "good", "words": ["fine"]})
    seen = rows("fine", "fine", "fine", "other", "other", "other")
    truth = np.array([1, 0, 2, 0, 1, 2])  # it says nothing
    fitted = Votes.fit(rules, LABELS, seen, truth, [], np.empty(0, dtype=int), np.empty((0, 3)))

    def cost(weight: float) -> float:  # by symmetry the numbers for the other two classes are equal; a grid finds them
        shifts = np.linspace(-1, 1, 401)
        z = np.outer(np.log2([2, 2, 2, 1, 1, 1]) * weight, [0, 1, 0])
        best = min(log_loss(z + np.array([a, -2 * a, a]), truth) + 3 * a**2 for a in shifts)
        return best + (weight - CLAIM) ** 2 / (2 * ALONE)

    best = min(np.linspace(0, 1, 401), key=cost)
    assert 0 < fitted.weights[0, 1] < CLAIM
    assert fitted.weights[0, 1] == pytest.approx(best, abs=0.01)


def test_what_the_model_knows_already_a_rule_need_not_say_again(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "good", "words": ["fine"]})
    held, truth = rows(*["fine"] * 400), np.array([1] * 300 + [0] * 100)
    knows = np.tile([0.25, 0.75, 0.0], (400, 1))
    knows_not = np.tile([0.5, 0.5, 0.0], (400, 1))
    weights = [
        Votes.fit(rules, LABELS, held, truth, held, truth, answers).weights[0, 1] for answers in (knows, knows_not)
    ]
    assert weights[0] < 0.25
    assert 0.8 < weights[1] < np.log(3)  # which lifts an even chance to three in four


def test_alone_they_say_what_they_claim_and_the_shares_decide_the_rest(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "good", "words": ["fine"]}, {"label": "bad", "words": ["dull"], "strength": 2})
    found = Votes(rules, LABELS, weighed(rules, 0.0, 0.0)).alone(
        np.array([0.2, 0.3, 0.5]), rows("fine", "dull fine", "none")
    )
    assert found.argmax(1).tolist() == [1, 0, 2]
    np.testing.assert_allclose(found[1, 0] / found[1, 1], np.exp(CLAIM), rtol=1e-3)


def test_evidence_says_who_spoke_and_what_the_model_says_alone(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"name": "praise", "label": "good", "words": ["fine", "fun", "neat", "nice"]},
        {"against": "good", "column": {"stars": 1}}, {"label": "odd", "words": ["fine"]},
    )  # fmt: skip
    votes = Votes(rules, LABELS, weighed(rules, 0.5, 0.25, 0.0))
    answers = np.array([[0.2, 0.5, 0.3]])
    [said] = votes.evidence(answers, asked("Fine fun, neat and nice", stars="1"))
    assert said == (
        "praise (fine, fun, neat …) votes for good: +1.16", "stars 1 (yes) votes against good: -0.25",
        "without rules: good 0.50",
    )  # fmt: skip
    assert list(votes.evidence(answers, asked("nothing here"))) == [()]
    assert votes.columns == ("stars",)


def test_they_are_loaded_without_their_files(tmp_path: Path) -> None:
    (tmp_path / "warm.txt").write_text("fine\nnot * bad\n", encoding="utf-8")
    rules = rules_of(
        tmp_path, {"label": "good", "list": "warm"}, {"label": "odd", "list": "warm", "length": {"max": 1}},
        {"label": "bad", "pattern": "d+ull", "unless": ["never dull"]},
        {"against": "odd", "column": {"from": ["a", 1]}},
        warm="warm.txt",
    )  # fmt: skip
    before = Votes(rules, LABELS, weighed(rules, 0.5, 0.2, 0.7, 0.1))
    state = before.state()
    assert sum(map(len, state["lists"])) == 3  # a list that two rules look for stands there once
    (tmp_path / "warm.txt").unlink()
    (tmp_path / "rules.yaml").unlink()
    after = Votes.load(state)
    texts = asked("not so bad", "FINE", "DDull", "never dull", "dull", **{"from": "1"})
    answers = np.full((5, 3), 1 / 3)
    np.testing.assert_array_equal(after.adjust(answers, texts), before.adjust(answers, texts))
    assert after.evidence(answers, texts) == before.evidence(answers, texts)
    assert (before.adjust(answers, texts) != answers).any(axis=1).all()


def test_a_rule_that_learns_votes_as_rows_taught_it(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"learn": True, "words": ["fine"], "name": "fine ones"})
    seen = rows(*["fine"] * 20, *["other"] * 20)
    truth = np.array([1] * 16 + [0] * 4 + [0] * 10 + [1] * 5 + [2] * 5)
    none = np.empty(0, dtype=int)
    fitted = Votes.fit(rules, LABELS, seen, truth, [], none, np.empty((0, 3)))
    assert fitted.weights.argmax() == 1
    assert fitted.weights[0, 1] > 0.2 > 0 > fitted.weights[0, 0]
    [said] = fitted.evidence(np.array([[0.2, 0.2, 0.6]]), asked("a fine day"))
    assert said[0].startswith("fine ones (fine) votes for good: +")
    nothing = Votes.fit(rules, LABELS, seen, np.arange(40) % 3, [], none, np.empty((0, 3)))
    assert np.abs(nothing.weights).max() < 0.05
    assert nothing.alone(np.array([0.2, 0.3, 0.5]), rows("fine")).argmax() == 2  # without rows it says nothing


def test_a_rule_that_learns_learns_less_of_what_the_model_knows(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"learn": True, "words": ["fine"]})
    held, truth = rows(*["fine"] * 60, *["other"] * 60), np.array([1] * 50 + [0] * 10 + [0] * 50 + [1] * 10)
    knows = np.array([[1 / 6, 5 / 6, 0.0]] * 60 + [[5 / 6, 1 / 6, 0.0]] * 60)
    pulls = [
        Votes.fit(rules, LABELS, held, truth, held, truth, answers).weights[0] @ [-1, 1, 0]
        for answers in (knows, np.tile([0.5, 0.5, 0.0], (120, 1)))
    ]
    assert 0 < pulls[0] < pulls[1] / 2


def test_a_rule_whose_terms_were_learnt_from_claims_less(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "good", "words": ["fine"]}, {"label": "good", "pattern": "fi.e"},
        {"label": "bad", "words": ["dull"], "length": {"max": 9}}, {"against": "odd", "words": ["fine"]},
    )  # fmt: skip
    nobody = ([], np.empty(0, dtype=int), [], np.empty(0, dtype=int), np.empty((0, 3)))
    for heard, first in ((True, HEARD), (False, CLAIM)):
        found = Votes.fit(rules, LABELS, *nobody, heard=heard)
        np.testing.assert_allclose(found.weights, weighed(rules, first, CLAIM, CLAIM, CLAIM), atol=1e-9)

"""Equal and nearly equal texts, against comparisons of every pair."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from tunesmith.data import duplicates
from tunesmith.data.duplicates import Union, find_clusters, join_groups
from tunesmith.data.minhash import SHINGLE, SIZE, jaccard, normalise, signatures

WORDS = [f"word{letter}{number}" for letter in "abcdefgh" for number in range(30)]


def sentences(count: int, rng: random.Random) -> list[str]:
    return [" ".join(rng.choices(WORDS, k=rng.randint(6, 25))) for _ in range(count)]


def edited(text: str, edits: int, rng: random.Random) -> str:
    words = text.split()
    for _ in range(edits):
        words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


def slow_clusters(texts: list[str]) -> list[int]:
    """Return the clusters that comparing every pair gives."""
    union = Union(len(texts))
    for one, two in itertools.combinations(range(len(texts)), 2):
        a, b = normalise(texts[one]), normalise(texts[two])
        long = min(len(a), len(b)) >= duplicates.MIN_SHINGLES + SHINGLE - 1
        if " ".join(texts[one].split()).casefold() == " ".join(texts[two].split()).casefold() or (
            long and jaccard(a, b) >= duplicates.NEAR
        ):
            union.join(one, two)
    return union.roots().tolist()


def test_clusters_equal_those_of_every_pair() -> None:
    rng = random.Random(3)
    texts = sentences(120, rng)
    texts += [edited(text, edits, rng) for text in texts[:60] for edits in (0, 1, 2)]
    texts += [text.upper() + " !" for text in texts[60:70]]
    rng.shuffle(texts)
    found = find_clusters([texts]).near.tolist()
    expected = slow_clusters(texts)
    assert found == expected
    assert 130 < len(set(expected)) < 200  # of 310 texts


def test_the_estimate_is_unbiased() -> None:
    """Over 300 pairs the mean error of the estimate must be within four standard errors of zero."""
    rng = random.Random(5)
    base = [normalise(text) for text in sentences(300, rng)]
    changed = [normalise(edited(text, rng.randint(1, 6), rng)) for text in base]
    estimates = (signatures(base) == signatures(changed)).mean(axis=1)
    truth = np.array([jaccard(one, two) for one, two in zip(base, changed, strict=True)])
    errors = estimates - truth
    sigma = float(np.sqrt((truth * (1 - truth)).mean() / SIZE))
    assert abs(errors.mean()) < 4 * sigma / np.sqrt(300)
    assert 0.8 * sigma < errors.std() < 1.25 * sigma


def test_signatures_do_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [normalise(text) for text in sentences(50, random.Random(1))]
    together = signatures(texts)
    monkeypatch.setattr("tunesmith.data.minhash.BATCH_CHARACTERS", 1)
    assert (signatures(texts) == together).all()


def test_short_texts_must_be_equal() -> None:
    near = find_clusters([["card lost", "card last", "Card  lost", "", "手机很好", "手机很坏"]]).near
    assert near.tolist() == [0, 1, 0, 3, 4, 5]


def test_pairs_must_agree_in_both_texts() -> None:
    left = ["the same first text of both pairs"] * 3
    right = [
        "one second text, and a long one",
        "another second text, also of length",
        "One second  text, and a long one",
    ]
    assert find_clusters([left, right]).same.tolist() == [0, 1, 0]


def test_where_the_first_text_of_a_pair_ends_counts() -> None:
    found = find_clusters([["New York", "New", "new york "], ["city hall", "York city hall", " City hall"]], near=False)
    assert found.same.tolist() == [0, 1, 0]


def test_clusters_can_be_left_out() -> None:
    texts = ["a sentence with enough letters in it to count", "a sentence with enough letters in it to count!"]
    assert find_clusters([texts]).near.tolist() == [0, 0]
    assert find_clusters([texts], near=False).near.tolist() == [0, 1]


def test_beyond_the_budget_the_estimate_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(8)
    texts = sentences(40, rng)
    texts += [f"{text}." for text in texts]
    monkeypatch.setattr(duplicates, "EXACT_PAIRS", -1000)
    monkeypatch.setattr(duplicates, "jaccard", None)
    assert find_clusters([texts]).near.tolist() == [*range(40), *range(40)]


def test_hostile_texts_are_no_trouble() -> None:
    texts = ["\ud800" * 30, "\x00" * 50, "!" * 100, "a" * 20_000, "a" * 20_001, "İ" * 40, "ß" * 40]
    assert len(find_clusters([texts]).near) == len(texts)


def test_groups_are_joined_over_chains() -> None:
    assert join_groups([0, 1, 2, 3, 4], ["x", "x", "y", "z", "z"], [9, 8, 8, 7, 6]).tolist() == [0, 0, 0, 3, 3]

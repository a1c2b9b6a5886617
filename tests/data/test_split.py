"""Splits: shares, classes, groups, time, folds."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Example
from tunesmith.data.split import fold_examples, split_examples


def examples(targets: list[Any]) -> list[Example]:
    return [Example(id=str(number), source="", target=target) for number, target in enumerate(targets)]


def singles(rows: list[Example]) -> range:
    return range(len(rows))


targets_and_groups = st.lists(
    st.tuples(st.sampled_from("aaaaabbbccd"), st.integers(0, 30)), min_size=8, max_size=120
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(targets_and_groups, st.floats(0.05, 0.6), st.integers(0, 5))
def test_what_must_hold_for_every_split(pairs: list[tuple[str, int]], share: float, seed: int) -> None:
    rows, groups = examples([target for target, _ in pairs]), [group for _, group in pairs]
    if len(set(groups)) < 2:
        return
    kept, held = split_examples(rows, groups, share, seed=seed)
    assert sorted(kept + held) == list(range(len(rows)))
    assert not {groups[place] for place in kept} & {groups[place] for place in held}
    assert {rows[place].target for place in kept} == {row.target for row in rows}
    assert (kept, held) == split_examples(rows, groups, share, seed=seed)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 3)), min_size=2, max_size=12), st.floats(0.05, 0.9))
def test_numbers_are_never_all_held_out(pairs: list[tuple[float, int]], share: float) -> None:
    groups = [group for _, group in pairs]
    if len(set(groups)) < 2:
        return
    kept, held = split_examples(examples([number for number, _ in pairs]), groups, share, seed=1)
    assert kept
    assert sorted(kept + held) == list(range(len(pairs)))


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2, 0.5])
def test_every_class_is_held_out_in_its_share(share: float) -> None:
    targets = ["a"] * 1000 + ["b"] * 100 + ["c"] * 20 + ["d"] * 4 + ["e"] * 2 + ["f"]
    rows = examples(targets)
    _, held = split_examples(rows, singles(rows), share, seed=1)
    counts = Counter(rows[place].target for place in held)
    assert abs(len(held) - share * len(rows)) <= 2
    for name, total in (("a", 1000), ("b", 100), ("c", 20)):
        assert abs(counts[name] - share * total) <= 1
    assert counts["d"] >= 1
    assert counts["f"] == 0


def test_the_seed_decides() -> None:
    rows = examples(["a", "b"] * 50)
    held = [split_examples(rows, singles(rows), 0.2, seed=seed)[1] for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


def test_numbers_are_held_out_from_the_whole_range() -> None:
    rng = random.Random(0)
    rows = examples([rng.gauss(0, 1) ** 3 for _ in range(500)])
    _, held = split_examples(rows, singles(rows), 0.2, seed=1)
    ranks = sorted(range(500), key=lambda place: rows[place].target)  # type: ignore[arg-type, return-value]
    tenths = Counter(ranks.index(place) // 50 for place in held)
    assert tenths == dict.fromkeys(range(10), 10)


def test_several_labels_are_stratified_by_the_rarest() -> None:
    rng = random.Random(2)
    targets = [tuple(sorted({"common", rng.choice(["x", "y"])})) for _ in range(200)] + [("common", "rare")] * 10
    rows = examples(targets)
    kept, held = split_examples(rows, singles(rows), 0.2, seed=1)
    assert sum("rare" in row.target for row in (rows[place] for place in held)) == 2  # type: ignore[operator]
    lone = examples([("a", "b")] + [("b",)] * 40)
    kept, _ = split_examples(lone, singles(lone), 0.5, seed=3)
    assert 0 in kept


def test_groups_of_mixed_classes_keep_the_proportions() -> None:
    rng = random.Random(4)
    groups = [number // 5 for number in range(600)]
    rows = examples([rng.choice("aaab") for _ in range(600)])
    _, held = split_examples(rows, groups, 0.25, seed=1)
    counts = Counter(rows[place].target for place in held)
    total = Counter(row.target for row in rows)
    assert abs(len(held) - 150) <= 5
    assert abs(counts["b"] / total["b"] - 0.25) < 0.05


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="one group"):
        split_examples(examples(["a", "b"] * 5), [0] * 10, 0.2, seed=1)
    with pytest.raises(ValueError, match="one group"):
        fold_examples(examples(["a", "b"] * 5), [0] * 10, 5, 1, 1)


def test_the_latest_rows_are_held_out() -> None:
    rows = examples(["a", "b"] * 50)
    times = [float((number * 37) % 100) for number in range(100)]
    kept, held = split_examples(rows, singles(rows), 0.2, seed=1, times=times)
    assert sorted(times[place] for place in held) == list(range(80, 100))
    groups = [int(time) // 30 for time in times]  # the last group, 90 to 99, is the only one that is late as a whole
    kept, held = split_examples(rows, groups, 0.2, seed=1, times=times)
    assert sorted(times[place] for place in held) == list(range(90, 100))
    assert len(kept) == 90


@settings(max_examples=100, deadline=None)
@given(targets_and_groups, st.integers(2, 6), st.integers(1, 2))
def test_what_must_hold_for_folds(pairs: list[tuple[str, int]], folds: int, repeats: int) -> None:
    rows, groups = examples([target for target, _ in pairs]), [group for _, group in pairs]
    if len(set(groups)) < 2:
        return
    found = fold_examples(rows, groups, folds, repeats, seed=3)
    assert len(found) <= folds * repeats
    for train, test in found:
        assert train
        assert test
        assert sorted(train + test) == list(range(len(rows)))
        assert not {groups[place] for place in train} & {groups[place] for place in test}
    assert Counter(place for _, test in found for place in test) == dict.fromkeys(range(len(rows)), repeats)


def test_folds_are_even_and_stratified() -> None:
    rows = examples(["a"] * 50 + ["b"] * 25 + ["c"] * 7)
    found = fold_examples(rows, singles(rows), 5, 2, seed=1)
    assert len(found) == 10
    for _, test in found:
        counts = Counter(rows[place].target for place in test)
        assert (counts["a"], counts["b"]) == (10, 5)
        assert counts["c"] in (1, 2)
    assert {tuple(test) for _, test in found[:5]} != {tuple(test) for _, test in found[5:]}

from __future__ import annotations

import random

from tunesmith.core.batch import Features
from tunesmith.text.batching import Batches

MEAN = 20
"""Tokens of a text on average, which is about what sst2 has."""


def of_many_lengths(count: int) -> list[Features]:
    """Return rows whose lengths scatter as those of sentences do, from 3 to some 60 tokens."""
    drawn = random.Random(0)
    lengths = [3 + round(drawn.gammavariate(2.5, (MEAN - 3) / 2.5)) for _ in range(count)]
    return [Features({"input_ids": [1] * length}, None, 1.0, owner) for owner, length in enumerate(lengths)]


def padding(batches: Batches, epoch: int) -> float:
    lengths = [[batches.examples[at][0].length for at in batch] for batch in batches.epoch(epoch)]
    return 1.0 - sum(map(sum, lengths)) / sum(max(of) * len(of) for of in lengths)


def test_less_than_a_twentieth_of_many_rows_is_padding() -> None:
    batches = Batches(of_many_lengths(4000), 16, seed=0)
    assert padding(batches, 0) < 0.05
    assert padding(Batches(of_many_lengths(300), 16, seed=0), 0) < 0.15


def test_a_few_long_rows_do_not_pad_all_others() -> None:
    rows = of_many_lengths(600)
    for at in range(0, 600, 60):
        rows[at] = Features({"input_ids": [1] * 255}, None, 1.0, at)
    assert padding(Batches(rows, 16, seed=0), 0) < 0.25  # each batch of sixteen drawn at random would be more than half


def test_rows_meet_others_in_every_epoch() -> None:
    batches = Batches(of_many_lengths(4000), 16, seed=0)
    companions = [{at: frozenset(batch) for batch in batches.epoch(number) for at in batch} for number in (0, 1)]
    shared = [len(companions[0][at] & companions[1][at]) - 1 for at in range(4000)]
    assert sum(shared) / len(shared) < 1.5  # of fifteen

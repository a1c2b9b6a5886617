"""Rows that are learnt only after dev loss was lowest are told apart from those that were learnt before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tunesmith.core.batch import Batch, Loss
from tunesmith.engine.ranks import Ranks
from tunesmith.engine.recall import Recall

SURE, WRONG = [0.0, 5.0], [5.0, 0.0]


def batch(rows: list[int]) -> Batch:
    ones = torch.ones(len(rows))
    return Batch({}, torch.ones(len(rows), dtype=torch.long), ones, torch.arange(len(rows)), [1] * len(rows), rows=rows)


def test_a_row_learnt_after_the_mark_is_known_by_heart() -> None:
    recall = Recall(4)

    def learn(rows: list[int], logits: list[list[float]]) -> None:
        loss = Loss(torch.zeros(len(rows)), outputs=torch.tensor(logits))
        assert recall.wrap(lambda _: loss)(batch(rows)) is loss

    learn([2, 0], [WRONG, SURE])
    learn([3, 1], [WRONG, SURE])
    recall.mark()
    assert recall.by_heart() == []
    learn([0, 2], [SURE, SURE])  # 2 was wrong at the mark
    learn([1, 3], [WRONG, WRONG])  # 1 was forgotten, 3 was never learnt
    assert recall.by_heart() == [2]
    other = Recall(4)
    other.restore(recall.state())
    assert other.by_heart() == [2]


def test_rows_of_other_batches_are_not_listened_to() -> None:
    recall = Recall(1)
    loss = Loss(torch.zeros(2), outputs=torch.tensor([SURE, SURE]))
    recall.wrap(lambda _: loss)(batch([]))
    assert recall.now.tolist() == [0.0]


def test_of_a_row_that_two_processes_saw_the_later_look_counts() -> None:
    halves = [Recall(3), Recall(3)]

    def look(at: int, step: int, rows: list[int], logits: list[list[float]]) -> None:
        halves[at].step = step
        loss = Loss(torch.zeros(len(rows)), outputs=torch.tensor(logits))
        halves[at].wrap(lambda _: loss)(batch(rows))

    look(0, 1, [0, 1], [SURE, WRONG])
    look(1, 2, [1, 2], [SURE, SURE])  # row 1 is seen here after it was seen there
    look(0, 3, [2], [WRONG])  # and row 2 the other way round
    seen = [(torch.nonzero(half._seen >= 0)[:, 0], half) for half in halves]
    parts = {at: (rows, half._seen[rows], half.now[rows]) for at, (rows, half) in enumerate(seen)}

    class Two(Ranks):
        def gathered(self, found: Mapping[int, Any]) -> dict[int, Any]:
            return parts

    for at, half in enumerate(halves):
        half.merge(Two(at, 2))
    assert halves[0].now.tolist() == halves[1].now.tolist()
    assert [value > 0.5 for value in halves[0].now.tolist()] == [True, True, False]

"""Rows that are learnt only after dev loss was lowest are told apart from those that were learnt before."""

from __future__ import annotations

import torch

from tunesmith.core.batch import Batch, Loss
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

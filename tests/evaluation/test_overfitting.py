"""Where dev loss turns is found once, and neither noise nor a short training is called overfitting."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.evaluation.overfitting import Gap, gap_of, is_wide, turn_of, turned_now


def history(train: list[float | None], dev: list[float], scores: list[float]) -> list[dict[str, Any]]:
    return [
        {"step": 10 * at, "epoch": float(at), "train_loss": t, "dev_loss": d, "dev_score": s}
        for at, (t, d, s) in enumerate(zip(train, dev, scores, strict=True))
    ]


OVERFIT = history([None, 0.8, 0.4, 0.1, 0.02], [1.0, 0.6, 0.5, 0.58, 0.7], [0.3, 0.6, 0.7, 0.69, 0.7])


def test_the_turn_is_where_dev_loss_was_lowest() -> None:
    found = turn_of(OVERFIT)
    assert found is not None
    assert (found.step, found.epoch, found.low, found.last, found.train) == (20, 2.0, 0.5, 0.7, 0.02)
    assert not found.gained


def test_a_score_that_still_rises_after_the_turn_is_told_in_the_direction_of_the_score() -> None:
    better = [{**moment, "dev_score": 0.1 * at} for at, moment in enumerate(OVERFIT)]
    found, reverse = turn_of(better), turn_of(better, maximise=False)
    assert found is not None
    assert reverse is not None
    assert found.gained
    assert not reverse.gained


@pytest.mark.parametrize(
    ("train", "dev"),
    [
        ([None, 0.8, 0.4, 0.1], [1.0, 0.6, 0.5, 0.7]),  # one evaluation after the lowest
        ([None, 0.8, 0.4, 0.1, 0.05], [1.0, 0.6, 0.5, 0.51, 0.52]),  # hardly a rise
        ([None, 0.4, 0.4, 0.5, 0.6], [1.0, 0.5, 0.6, 0.7, 0.8]),  # train loss rises too: the rate is too high
        ([None, 0.02, 0.01, 0.005], [0.011, 0.010, 0.012, 0.014]),  # a large share of next to nothing
    ],
)
def test_what_is_no_overfitting(train: list[float | None], dev: list[float]) -> None:
    assert turn_of(history(train, dev, [0.5] * len(dev))) is None


def test_it_is_said_at_the_first_evaluation_that_shows_it_and_never_again() -> None:
    longer = [*OVERFIT, {**OVERFIT[-1], "step": 50, "epoch": 5.0, "dev_loss": 0.9, "train_loss": 0.01}]
    said = [size for size in range(1, len(longer) + 1) if turned_now(longer[:size])]
    assert said == [5]  # two evaluations after the lowest


def test_the_gap_is_that_of_the_step_that_was_kept() -> None:
    assert gap_of(OVERFIT, 30) == Gap(30, 0.1, 0.58)
    assert gap_of(OVERFIT, 0) is None  # nothing was trained yet
    assert gap_of([{"step": 30, "train_loss": 0.1}], 30) is None  # a refit has no dev
    assert is_wide(Gap(30, 0.1, 0.58))
    assert not is_wide(Gap(30, 0.4, 0.58))
    assert not is_wide(Gap(30, 0.01, 0.1))

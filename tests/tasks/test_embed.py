"""Vectors: both losses against plain loops, answers of length 1, what is learnt from which rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import PairExample, TripletExample
from tunesmith.tasks.embed import SCALE, Embed


def pair(target: float) -> PairExample:
    return PairExample(id="1", source="row 1", text_a="a", text_b="b", target=target)


def batch_of(targets: list[float], texts: int) -> Batch:
    size = len(targets)
    return Batch({}, torch.tensor(targets), torch.ones(size), torch.arange(size * texts), [texts] * size)


def vectors(rows: int, texts: int, seed: int = 0) -> torch.Tensor:
    """[rows · texts, 4], near enough to each other that no loss is zero."""
    return torch.randn(rows * texts, 4, generator=torch.Generator().manual_seed(seed)) * 0.2 + 1


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def test_pairs_are_scored_if_their_scores_differ() -> None:
    assert Embed().fit([pair(1.0), pair(3.5)]).scored
    assert not Embed().fit([pair(1.0), pair(1.0)]).scored
    assert Embed(scored=False).metric == "mrr"
    assert Embed(scored=True).metric == "spearman"
    for task in (Embed(scored=True), Embed(scored=False)):
        assert Embed.load(task.state()) == task


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, 5.0]), min_size=1, max_size=7), st.integers(0, 99))
def test_scored_pairs_lose_by_every_pair_with_a_lower_score(scores: list[float], seed: int) -> None:
    values = vectors(len(scores), 2, seed)
    found = Embed(scored=True).losses(values, batch_of(scores, 2))
    near = [cosine(values[2 * at], values[2 * at + 1]) for at in range(len(scores))]
    for i, loss in enumerate(found):
        lower = [j for j in range(len(scores)) if scores[j] < scores[i]]
        expected = math.log(1 + sum(math.exp(SCALE * (near[j] - near[i])) for j in lower))
        assert float(loss) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("texts", [2, 3])
@pytest.mark.parametrize("rows", [1, 5])
def test_ranked_rows_lose_by_every_other_text_of_the_batch(rows: int, texts: int) -> None:
    values = vectors(rows, texts)
    found = Embed(scored=False).losses(values, batch_of([1.0] * rows, texts))
    candidates = [(row, side) for side in range(1, texts) for row in range(rows)]
    for row, loss in enumerate(found):
        near = {at: cosine(values[row * texts], values[at[0] * texts + at[1]]) * SCALE for at in candidates}
        expected = -math.log(math.exp(near[row, 1]) / sum(math.exp(value) for value in near.values()))
        assert float(loss) == pytest.approx(expected, abs=1e-4)
    if rows == 1 and texts == 2:
        assert float(found[0]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scored", [True, False])
def test_losses_have_gradients_that_are_numbers_even_for_equal_vectors(scored: bool) -> None:
    values = torch.ones(8, 4, requires_grad=True)
    Embed(scored=scored).losses(values, batch_of([0.0, 1.0, 1.0, 2.0], 2)).sum().backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize("texts", [2, 3])
def test_answers_are_vectors_of_length_one_in_the_order_of_the_texts(texts: int) -> None:
    values = vectors(4, texts)
    one = TripletExample(id="1", source="row 1", text_a="a", text_b="b", negative="c", target=1.0)
    examples = [one] * 4
    found = Embed().answers(Read(values, [texts] * 4), examples)
    assert found.shape == (4, texts, 4)
    assert np.linalg.norm(found, axis=-1) == pytest.approx(1, abs=1e-6)
    said = Embed().decode(found, examples)
    for row, prediction in enumerate(said):
        expected = cosine(values[row * texts], values[row * texts + 1])
        assert prediction.label == prediction.score == pytest.approx(expected, abs=1e-6)
    zero = Embed().answers(Read(torch.zeros(2, 4), [2]), examples[:1])
    assert not zero.any()
    assert np.isfinite(zero).all()

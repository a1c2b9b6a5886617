import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tunesmith.evaluation import similarity
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.similarity import RANKED, SCORED, cosines, distinct, ranks_of_right


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def texts(seed, rows, sides, size=8, different=None):
    """Vectors of texts, second texts near to their first; of `different` second texts where given."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, sides, size))
    vectors[:, 1] += vectors[:, 0]
    if different:
        vectors[:, 1] = vectors[random.integers(0, min(different, rows), rows), 1]
    return unit(vectors)


def places_by_looking(vectors):
    """The place of the right answer of each row, one row and one candidate after the other."""
    candidates = []
    for side in range(1, vectors.shape[1]):
        for row in vectors[:, side].astype(np.float64):
            if not any(np.array_equal(row, known) for known in candidates):
                candidates.append(row)
    places = []
    for query, answer in vectors[:, :2].astype(np.float64):
        own = query @ answer
        above = sum(query @ other > own + 1e-6 for other in candidates)
        level = sum(abs(query @ other - own) <= 1e-6 for other in candidates)
        places.append(above + (1 + level) / 2)
    return np.array(places)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000), rows=st.integers(3, 30), sides=st.integers(2, 3), different=st.sampled_from([None, 4])
)
def test_ranks_equal_a_search_by_hand(seed, rows, sides, different):
    vectors = texts(seed, rows, sides, different=different)
    places = places_by_looking(vectors)
    if len(np.unique(vectors[:, 1:].reshape(-1, 8), axis=0)) < 2:
        assert np.isnan(ranks_of_right(vectors)).all()
        return
    assert ranks_of_right(vectors) == pytest.approx(places)
    expected = {"mrr": np.mean(1 / places)} | {f"recall_at_{k}": np.mean(places <= k) for k in (1, 5, 10)}
    assert {name: metric(np.zeros(rows), vectors) for name, metric in RANKED.items()} == pytest.approx(expected)


def test_blocks_do_not_change_the_ranks(monkeypatch):
    vectors = texts(1, 50, 2)
    whole = ranks_of_right(vectors)
    monkeypatch.setattr(similarity, "_known", {})
    monkeypatch.setattr(similarity, "CELLS", 7 * 50)
    assert (ranks_of_right(vectors) == whole).all()


def test_ranks_are_taken_anew_when_vectors_change():
    vectors = texts(2, 20, 2)
    before = ranks_of_right(vectors)
    vectors[:, 1] = vectors[::-1, 1].copy()
    assert (ranks_of_right(vectors) != before).any()


def test_a_text_read_twice_with_other_padding_is_one_candidate():
    vectors = texts(3, 40, 2)
    vectors[20:, 1] = vectors[:20, 1]
    random = np.random.default_rng(0)
    moved = vectors.copy()
    moved[:, 1] = unit(vectors[:, 1] + random.normal(scale=3e-7, size=(40, 8)))
    assert not np.array_equal(moved[20:, 1], moved[:20, 1])
    first, names = distinct(moved[:, 1])
    assert len(first) == 20
    assert (names[:20] == names[20:]).all()
    assert ranks_of_right(moved) == pytest.approx(ranks_of_right(vectors))


def test_a_model_that_tells_nothing_apart_does_not_come_out_first():
    same = np.tile(texts(4, 1, 2), (30, 1, 1))
    assert np.isnan(RANKED["mrr"](np.zeros(30), same))
    nothing = np.zeros((30, 2, 8), dtype=np.float32)
    assert (ranks_of_right(nothing) == 15.5).all()  # texts of which nothing is known share the places 1 to 30


def test_negatives_are_candidates():
    answers = np.eye(4, dtype=np.float32)
    queries = unit(np.eye(4) + 0.5 * np.roll(np.eye(4), 1, axis=1))
    without = np.stack([queries, answers], axis=1)
    assert (ranks_of_right(without) == 1).all()
    assert (ranks_of_right(np.stack([queries, answers, queries], axis=1)) == 2).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), rows=st.integers(5, 60))
def test_correlations_equal_an_independent_computation(seed, rows):
    vectors = texts(seed, rows, 2)
    targets = np.round(3 * cosines(vectors) + np.random.default_rng(seed).normal(size=rows))
    if len(np.unique(targets)) < 2:
        return
    likeness = [float(a.astype(np.float64) @ b.astype(np.float64)) for a, b in vectors]
    assert SCORED["spearman"](targets, vectors) == pytest.approx(stats.spearmanr(targets, likeness).statistic)
    assert SCORED["pearson"](targets, vectors) == pytest.approx(stats.pearsonr(targets, likeness).statistic)


def test_every_figure_gets_an_interval_and_resamples_draw_queries():
    vectors = texts(6, 60, 2)
    targets = cosines(vectors) + np.random.default_rng(6).normal(scale=0.3, size=60)
    scores = bootstrap({**SCORED, **RANKED}, targets, vectors, resamples=200)
    assert set(scores) == {*SCORED, *RANKED}
    assert all(score.low < score.value < score.high for score in scores.values())
    counts = np.random.default_rng(7).integers(0, 3, (60, 3)).astype(float)
    expected = [np.repeat(1 / places_by_looking(vectors), column.astype(int)).mean() for column in counts.T]
    assert RANKED["mrr"].over(targets, vectors, counts) == pytest.approx(expected)

"""Tags and spans: there and back, and the best legal sequence is the best of all legal ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Span
from tunesmith.text import bio

KINDS = ["LOC", "PER"]
LOGITS = st.sampled_from([-np.inf, -3.0, -1.5, -1.0, -0.5, 0.0]) | st.floats(-5, 0)


def is_legal(path: tuple[int, ...]) -> bool:
    """Every I- stands behind the B- or I- of its kind; O is 0, B- are odd, the I- of a B- is the next."""
    return all(tag == 0 or tag % 2 == 1 or (at and path[at - 1] in (tag, tag - 1)) for at, tag in enumerate(path))


def best_of_all(scores: np.ndarray) -> float:
    legal = (path for path in product(range(scores.shape[1]), repeat=len(scores)) if is_legal(path))
    return max(sum(scores[at, tag] for at, tag in enumerate(path)) for path in legal)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), kinds=st.integers(1, 2), lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_the_best_path_is_the_best_of_all_legal_ones(data: st.DataObject, kinds: int, lengths: list[int]) -> None:
    size = 1 + 2 * kinds
    texts = [
        np.array(data.draw(st.lists(LOGITS, min_size=n * size, max_size=n * size))).reshape(n, size) for n in lengths
    ]
    for scores, path in zip(texts, bio.best_paths(texts), strict=True):
        found = tuple(int(tag) for tag in path)
        assert len(found) == len(scores)
        assert is_legal(found)
        got = sum(scores[at, tag] for at, tag in enumerate(found))
        assert got == pytest.approx(best_of_all(scores))


def test_equal_scores_give_a_legal_path() -> None:
    paths = bio.best_paths([np.zeros((5, 5)), np.full((3, 5), -np.inf), np.zeros((0, 5))])
    assert [len(path) for path in paths] == [5, 3, 0]
    assert all(is_legal(tuple(path)) for path in paths)


def test_the_greedy_path_may_be_illegal_and_is_not_taken() -> None:
    # O, I-LOC is the best tag by tag; B-LOC, I-LOC is the best that is legal.
    scores = np.log(np.array([[0.5, 0.4, 0.1], [0.1, 0.1, 0.8]]))
    assert not is_legal(tuple(scores.argmax(1)))
    [path] = bio.best_paths([scores])
    assert path.tolist() == [1, 2]


def test_a_text_gets_the_same_path_alone_and_among_others() -> None:
    draw = np.random.default_rng(3)
    texts = [draw.normal(size=(int(n), 7)) for n in draw.integers(0, 12, size=2 * bio.AT_ONCE + 5)]
    for text, path in zip(texts, bio.best_paths(texts), strict=True):
        assert path.tolist() == bio.best_paths([text])[0].tolist()


@given(st.data())
def test_spans_of_whole_words_come_back(data: st.DataObject) -> None:
    words, at = [], 0
    for gap, size in data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), max_size=9)):
        words.append((at + gap, at + gap + size))
        at += gap + size
    borders = data.draw(st.lists(st.integers(0, len(words)), unique=True).map(sorted))
    pairs = zip(borders[::2], borders[1::2], strict=False)
    spans = [Span(words[a][0], words[b - 1][1], data.draw(st.sampled_from(KINDS))) for a, b in pairs]
    tags = bio.encode(spans, words, KINDS)
    assert is_legal(tuple(tags))
    found = bio.decode(np.array(tags), words, KINDS)
    assert [span for span, _ in found] == spans
    for span, part in found:
        assert (words[part.start][0], words[part.stop - 1][1]) == (span.start, span.end)


@pytest.mark.parametrize(
    ("spans", "tags"),
    [
        ([], "O O O O"),
        ([(0, 3, "LOC")], "B-LOC O O O"),
        ([(0, 7, "LOC")], "B-LOC I-LOC O O"),
        ([(0, 3, "LOC"), (4, 7, "LOC")], "B-LOC B-LOC O O"),
        ([(5, 6, "PER")], "O B-PER O O"),  # part of a word takes the word
        ([(5, 9, "PER")], "O B-PER I-PER O"),
        ([(3, 4, "PER")], "O O O O"),  # nothing but a space
        ([(0, 5, "LOC"), (5, 11, "PER")], "B-LOC I-LOC B-PER O"),  # the shared word goes to the first
        ([(5, 11, "PER"), (0, 5, "LOC")], "B-LOC I-LOC B-PER O"),  # in whatever order they come
    ],
)  # fmt: skip
def test_tags_of_spans(spans: list[tuple[int, int, str]], tags: str) -> None:
    words = [(0, 3), (4, 7), (8, 11), (12, 15)]
    names = bio.tags_of(KINDS)
    assert names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert " ".join(names[tag] for tag in bio.encode([Span(*s) for s in spans], words, KINDS)) == tags

"""Texts → windows: nothing lost, nothing over the limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Example, PairExample, TextExample
from tunesmith.models.load import load_tokenizer
from tunesmith.text.batching import Batches, Collator, by_owner, sorted_batches
from tunesmith.text.windows import Encoder


def one(text: str) -> Example:
    return TextExample(id="1", source="row 1", text=text)


def two(a: str, b: str) -> Example:
    return PairExample(id="1", source="row 1", text_a=a, text_b=b)


def inside(features, specials=(2, 3)) -> list[list[int]]:
    return [[i for i in f.inputs["input_ids"] if i not in specials] for f in features]


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.sampled_from(["the", "film", "was", "good", "awful", "strange", "bike"]), max_size=80))
def test_windows_cover_every_token_in_order(tiny: Path, words: list[str]) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    encoder = Encoder(tokenizer, 12, long="window", overlap=3)
    features = encoder.encode([one(" ".join(words))])
    assert all(f.length <= 12 for f in features)
    parts = inside(features)
    whole = parts[0] + [token for part in parts[1:] for token in part[3:]]
    assert whole == tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(("a", "b"), [(5, 60), (60, 5), (60, 60), (3, 4), (0, 50)])
def test_windows_of_a_pair_slide_over_the_longer_text(tiny: Path, a: int, b: int) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    encoder = Encoder(tokenizer, 20, long="window", overlap=2)
    features = encoder.encode([two("good " * a, "bad " * b)])
    assert all(f.length <= 20 for f in features)
    good, bad = (tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in ("good", "bad"))
    counts = [(part.count(good), part.count(bad)) for part in inside(features)]
    longer = sum(c[0 if a > b else 1] for c in counts)
    assert longer >= max(a, b), "the longer text is read to its end"
    assert all(c[0 if a <= b else 1] >= min(a, b, 8) for c in counts), "every window sees the shorter one"


def test_truncation_keeps_the_beginning(tiny: Path) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    [features] = Encoder(tokenizer, 6).encode([one("good bad odd fine poor weird")])
    assert inside([features]) == [tokenizer("good bad odd fine", add_special_tokens=False)["input_ids"]]


def test_owners_count_examples_across_chunks(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.text.windows.CHUNK", 2)
    tokenizer, _ = load_tokenizer(tiny)
    features = Encoder(tokenizer, 8, long="window", overlap=1).encode([one("good " * n) for n in (1, 9, 2, 12, 3)])
    assert sorted({f.owner for f in features}) == [0, 1, 2, 3, 4]
    assert len(by_owner(features)) == 5


def test_an_epoch_is_a_permutation_that_seed_and_number_determine(tiny: Path) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    features = Encoder(tokenizer, 32).encode([one("good " * (1 + i % 9)) for i in range(50)])
    batches = Batches(features, 8, seed=3)
    first = batches.epoch(0)
    assert sorted(i for batch in first for i in batch) == list(range(50))
    assert first == Batches(features, 8, seed=3).epoch(0)
    assert first != batches.epoch(1)
    stream, resumed = batches.from_step(0), batches.from_step(9)
    taken = [next(stream) for _ in range(12)]
    assert [next(resumed) for _ in range(3)] == taken[9:]


def test_sorted_batches_hold_all_windows_of_an_example_together(tiny: Path) -> None:
    tokenizer, _ = load_tokenizer(tiny)
    features = Encoder(tokenizer, 8, long="window", overlap=1).encode([one("good " * n) for n in (30, 1, 2, 17, 3)])
    batches = list(sorted_batches(features, 4))
    assert sorted(i for positions, _ in batches for i in positions) == [0, 1, 2, 3, 4]
    for positions, windows in batches:
        assert {w.owner for w in windows} == set(positions)
        batch = Collator(0, "single_label_classification")(windows)
        assert len(batch.weights) == len(positions)

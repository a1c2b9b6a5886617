"""Tokens in files are those that the encoder makes, are found again, and are made anew where they are torn."""

from __future__ import annotations

import pickle
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.core.example import Example, PairExample, TextExample
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text import tokencache
from tunesmith.text.batching import Batches, Collator, sorted_batches
from tunesmith.text.tokencache import find_tokens, keep_tokens, key_of
from tunesmith.text.tokens import HEADER, STARTS, Stored, Tokens, write_tokens
from tunesmith.text.windows import Encoder

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
TEXTS = [" ".join(random.Random(at).choices(WORDS, k=1 + at % 23)) for at in range(300)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    return tmp_path / "tokens"


def rows_of(pair: bool) -> list[Example]:
    if not pair:
        return [TextExample(id=str(at), source="", target=at % 3, text=text) for at, text in enumerate(TEXTS)]
    both = zip(TEXTS, reversed(TEXTS), strict=True)
    return [PairExample(id=str(at), source="", target=1.0, text_a=a, text_b=b) for at, (a, b) in enumerate(both)]


@pytest.mark.parametrize("kind", sorted(FAMILIES))
@pytest.mark.parametrize("pair", [False, True])
def test_features_from_files_are_those_of_the_encoder(tmp_path: Path, kind: Any, pair: bool) -> None:
    tokenizer = tiny_tokenizer(TEXTS, kind)
    examples = [replace(example, weight=0.5 + at % 2) for at, example in enumerate(rows_of(pair))]
    eager = Encoder(tokenizer, 12).encode(examples, lambda example: example.target)
    sides: Sequence[Sequence[str]] = [TEXTS, TEXTS[::-1]] if pair else [TEXTS]
    write_tokens(sides, tokenizer, 12, tmp_path)
    tokens = Tokens.open(tmp_path)
    assert tokens is not None
    rows = np.arange(len(TEXTS))
    lazy = Stored(tokens, rows, examples, lambda example: example.target)
    assert list(lazy) == eager
    assert lazy.lengths.tolist() == [f.length for f in eager]
    assert tokens.used() == {token for f in eager for token in f.inputs["input_ids"]}
    for number in (0, 1):
        assert list(Batches(lazy, 16, seed=3).epoch(number)) == Batches(eager, 16, seed=3).epoch(number)
    assert [at for at, _ in sorted_batches(lazy, 8)] == [at for at, _ in sorted_batches(eager, 8)]
    collate = Collator(0, "single_label_classification")
    one, other = collate(lazy[3:9]), collate(eager[3:9])
    assert all((one.inputs[name] == other.inputs[name]).all() for name in other.inputs)


def test_another_process_gets_the_path_of_the_tokens_and_not_what_they_are(tmp_path: Path) -> None:
    write_tokens([TEXTS * 20], tiny_tokenizer(TEXTS, "bert"), 16, tmp_path)
    tokens = Tokens.open(tmp_path)
    assert tokens is not None
    sent = pickle.dumps(tokens)
    found = pickle.loads(sent)
    assert len(sent) < 1000 < tokens.starts.nbytes
    assert found.of(5) == tokens.of(5)


def test_some_rows_of_a_file_can_be_read_in_any_order(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer(TEXTS, "bert")
    examples = rows_of(False)
    write_tokens([TEXTS], tokenizer, 16, tmp_path)
    tokens = Tokens.open(tmp_path)
    assert tokens is not None
    places = np.array([250, 7, 31])
    found = Stored(tokens, places, [examples[at] for at in places], lambda example: example.target)
    eager = Encoder(tokenizer, 16).encode([examples[at] for at in places], lambda example: example.target)
    assert list(found) == eager


def test_keys_differ_where_data_tokenizer_or_window_do() -> None:
    one, other = tiny_tokenizer(TEXTS, "bert"), tiny_tokenizer([*TEXTS, "iota kappa"], "bert")
    base = key_of("a", one, 16)
    one("some text", truncation=True, max_length=4)  # what was asked of it before changes nothing
    assert key_of("a", one, 16) == base
    assert len({base, key_of("b", one, 16), key_of("a", other, 16), key_of("a", one, 17)}) == 4


def test_tokens_are_found_again_and_torn_ones_are_not(folder: Path) -> None:
    tokenizer = tiny_tokenizer(TEXTS, "bert")
    assert find_tokens("k") is None
    made = keep_tokens("k", [TEXTS], tokenizer, 16)
    found = find_tokens("k")
    assert found is not None
    assert [found.of(at) for at in range(9)] == [made.of(at) for at in range(9)]
    for name in ("input_ids", STARTS):
        path = folder / "k" / name
        path.write_bytes(path.read_bytes()[:-1])
        assert find_tokens("k") is None
        keep_tokens("k", [TEXTS], tokenizer, 16)
        assert find_tokens("k") is not None
    (folder / "k" / HEADER).write_text('{"inputs": ', encoding="utf-8")
    assert find_tokens("k") is None


def test_what_was_used_longest_ago_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer(TEXTS, "bert")
    for name in ("one", "two"):
        keep_tokens(name, [TEXTS], tokenizer, 16)
        time.sleep(0.01)
    find_tokens("one")
    size = sum(file.stat().st_size for file in (folder / "one").iterdir())
    monkeypatch.setattr(tokencache, "MOST_BYTES", size + 1)
    monkeypatch.setattr(tokencache, "STALE_SECONDS", -1)
    (folder / "half-killed").mkdir()
    keep_tokens("three", [TEXTS], tokenizer, 16)
    assert {place.name for place in folder.iterdir()} == {"one", "three"}

"""Blocks of running text: no token is lost, and of a corpus little is in memory at a time."""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tunesmith.core.batch import Features
from tunesmith.data import corpus
from tunesmith.data.corpus import divide
from tunesmith.errors import InputError
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.models.tinywriters import WRITERS, tiny_writer_tokenizer
from tunesmith.recipe.schema import Data
from tunesmith.text.batching import Batches
from tunesmith.text.stream import Blocks, Streamed, separator_of, write_stream

TEXTS = [f"the film number {at} was odd" + " and so" * (at % 5) for at in range(57)]
DECODERS = sorted(name for name, writer in WRITERS.items() if writer.problem == "causal")


def tokenizer_of(family: str) -> Any:
    return tiny_tokenizer(TEXTS, family) if family in FAMILIES else tiny_writer_tokenizer(TEXTS, family)


@pytest.mark.parametrize("family", [*sorted(FAMILIES), *DECODERS])
def test_blocks_hold_every_token_once_and_run_on(family: str, tmp_path: Path) -> None:
    tokenizer, ahead = tokenizer_of(family), family in DECODERS
    chunks = [TEXTS[at : at + 10] for at in range(0, len(TEXTS), 10)]
    stream = write_stream(chunks, tokenizer, tmp_path / "tokens", "train", words=not ahead)
    between = separator_of(tokenizer, not ahead)
    assert len(between) == 1
    whole: list[int] = []
    for text in TEXTS:
        whole += [*(between if whole else []), *tokenizer(text, add_special_tokens=False)["input_ids"]]
    blocks = Blocks(stream, tokenizer, 24, "c.txt", ahead=ahead)
    inside: list[int] = []
    for at in range(len(blocks)):
        block = blocks.one(at)
        assert len(block.ids) == 24 or at == len(blocks) - 1
        assert block.ids[: len(blocks.before)] == blocks.before
        inside += block.ids[len(blocks.before) : len(block.ids) - len(blocks.behind)]
        if ahead:
            assert [block.ids[place + 1] for place in block.places or ()] == list(block.due) == list(block.ids[1:])
        else:
            assert block.places is None
            assert len(block.starts) == len(block.ids)
    assert inside == whole
    assert stream.texts == len(TEXTS)


def test_batches_of_blocks_hold_each_once_and_make_only_what_is_asked_for(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer(TEXTS, "bert")
    stream = write_stream([TEXTS], tokenizer, tmp_path, "train", words=True)

    class Counted(Streamed):
        made = 0

        def __getitem__(self, at: Any) -> Any:
            type(self).made += 1
            return super().__getitem__(at)

    features = Counted(Blocks(stream, tokenizer, 16, "c.txt", ahead=False))
    batches = Batches(features, 4, seed=3)
    orders = [[at for batch in batches.epoch(number) for at in batch] for number in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(len(features)))
    assert orders[0] != orders[1]
    steps = batches.from_step(batches.per_epoch + 2)
    assert next(steps) == list(batches.epoch(1))[2]
    assert Counted.made == 0
    found: Sequence[Features] = batches.features([5, 2])
    assert [f.owner for f in found] == [5, 2]
    assert Counted.made == 2
    assert torch.tensor(found[0].inputs["input_ids"]).shape == (16,)


def test_a_corpus_is_never_held_whole(tmp_path: Path) -> None:
    """Thirty megabytes go through; the encoding is told by four of them, and of texts there is one at a time."""
    path = tmp_path / "large.txt.gz"
    line = "so the film was odd and the book was good and " * 200
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(f"{at} {line}\n" for at in range(3_300))
    parts = divide(Data(train=str(path)), 1, dev=5, test=5)
    tracemalloc.start()
    letters = sum(len(text) for chunk in parts.train for text in chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert letters > 30_000_000
    assert peak < 12_000_000


def test_tokens_are_written_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "CHUNK_TEXTS", 7)
    path = tmp_path / "c.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    seen: list[int] = []

    def watched(chunks: Iterator[list[str]]) -> Iterator[list[str]]:
        for chunk in chunks:
            seen.append(len(chunk))
            yield chunk

    tokenizer = tiny_tokenizer(TEXTS, "bert")
    opened = corpus.open_corpus(str(path), Data(train=str(path)), [])
    stream = write_stream(watched(opened.chunks()), tokenizer, tmp_path / "t", "train", words=True)
    assert max(seen) == 7
    assert sum(seen) == len(TEXTS) == stream.texts
    assert stream.ids.dtype.itemsize == 2
    assert not stream.ids.flags.writeable, "it is a file, mapped"


def test_texts_come_from_lines_and_from_columns(tmp_path: Path) -> None:
    plain, rows = tmp_path / "c.txt", tmp_path / "c.jsonl"
    plain.write_text("one, two\n\n  three\tfour \n", encoding="utf-8")
    rows.write_text("".join(json.dumps({"n": 1, "body": text}) + "\n" for text in ("one, two", "three\tfour")), "utf-8")
    for path in (plain, rows):
        guesses: list[str] = []
        found = corpus.open_corpus(str(path), Data(train=str(path)), guesses)
        assert [text for chunk in found.chunks() for text in chunk] == ["one, two", "three\tfour"]
    assert "body" in guesses[0]
    with pytest.raises(InputError, match=r'(?s)K106 .*no column "bodi".*Did you mean "body"'):
        corpus.open_corpus(str(rows), Data(train=str(rows), text="bodi"), [])
    redacted = corpus.open_corpus(str(plain), Data(train=str(plain), redact=("all",)), [])
    assert redacted.change is not None
    assert redacted.change("to bob@example.com") == "to [EMAIL]"


def test_what_is_held_out_is_not_trained_on_and_copies_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("\n".join([*TEXTS, *TEXTS]), encoding="utf-8")
    parts = divide(Data(train=str(path)), 5, dev=9, test=8)
    train = [text for chunk in parts.train for text in chunk]
    held = {*parts.held["test"], *parts.held["dev"]}
    assert len(parts.held["test"]) == 8
    assert not held & set(train)
    [finding] = parts.findings()
    assert finding.code == "K121"
    assert finding.count == parts.train.copies == 2 * len(TEXTS) - len(train) - 17
    again = divide(Data(train=str(path)), 5, dev=9, test=8)
    assert again.held == parts.held
    few = tmp_path / "few.txt"
    few.write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(InputError, match="K128"):
        divide(Data(train=str(few)), 5, dev=9, test=8)


def test_a_stream_is_sent_by_the_paths_of_its_files(tmp_path: Path) -> None:
    stream = write_stream([TEXTS * 200], tokenizer_of("bert"), tmp_path / "tokens", "train", words=True)
    sent = pickle.dumps(stream)
    assert len(sent) < 1000 < stream.ids.nbytes
    found = pickle.loads(sent)
    assert isinstance(found.ids, np.memmap)
    assert (found.ids.tolist(), found.starts.tolist(), found.texts) == (
        stream.ids.tolist(), stream.starts.tolist(), stream.texts,
    )  # fmt: skip


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "head.csv"
    empty.write_text("text,label\n", encoding="utf-8")
    with pytest.raises(InputError, match="K128"):
        divide(Data(train=str(empty)), 0, dev=1, test=1)

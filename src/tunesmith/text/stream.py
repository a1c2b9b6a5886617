"""Running text as tokens: written to a file once, and read block by block, however large it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tunesmith.core.batch import Features
from tunesmith.core.example import BlockExample, Example
from tunesmith.core.lazy import Lazy
from tunesmith.core.words import words_of
from tunesmith.text.frame import Frame
from tunesmith.text.lazy import LazyFeatures
from tunesmith.text.masking import Masker

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STARTS = "word_starts"
"""The input that says which tokens begin a word; it is for the masker, and no model gets to see it."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """The tokens of a corpus.

    Args:
        ids: [N], special tokens between the texts counted in.
        starts: [N] whether each begins a word; empty where nothing is masked.
        texts: how many texts it holds.
    """

    ids: Array
    starts: Array
    texts: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Send files to another process by their paths, not by what they hold."""
        return _sent, (_place(self.ids), _place(self.starts), self.texts)


def write_stream(
    chunks: Iterable[Sequence[str]], tokenizer: PreTrainedTokenizerBase, folder: Path, name: str, *, words: bool
) -> Stream:
    """Write the tokens of texts to files in `folder`, and return them mapped into memory.

    Args:
        chunks: of texts; one is held at a time.
        tokenizer: fast.
        folder: of the files, made where there is none.
        name: of the files.
        words: whether it is found out where words begin.

    Cost: on disk two bytes a token (four beyond 65,536 of them), and one more with `words`; memory for one chunk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32
    paths = folder / f"{name}.ids", folder / f"{name}.starts"
    between = separator_of(tokenizer, words)
    texts = 0
    with paths[0].open("wb") as ids_file, paths[1].open("wb") as starts_file:
        for chunk in chunks:
            for ids, starts in _tokens(tokenizer, chunk, words):
                apart = between if texts else []
                np.asarray([*apart, *ids], dtype=kind).tofile(ids_file)
                np.asarray([*[True] * len(apart), *starts] if words else [], dtype=np.bool_).tofile(starts_file)
                texts += 1
    return Stream(_mapped(paths[0], kind), _mapped(paths[1], np.bool_), texts)


def stream_of(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, words: bool) -> Stream:
    """Return the tokens of a few texts, held in memory."""
    between = separator_of(tokenizer, words)
    ids: list[int] = []
    starts: list[bool] = []
    count = 0
    for tokens, begins in _tokens(tokenizer, texts, words):
        apart = between if count else []
        ids += [*apart, *tokens]
        starts += [*[True] * len(apart), *begins] if words else []
        count += 1
    return Stream(np.array(ids, dtype=np.int64), np.array(starts, dtype=np.bool_), count)


def separator_of(tokenizer: PreTrainedTokenizerBase, masked: bool) -> list[int]:
    """Return what stands between two texts: for encoders what parts two texts, for decoders what ends one."""
    found = (tokenizer.sep_token_id if masked else None), tokenizer.eos_token_id
    return [int(token) for token in found if token is not None][:1]


def _tokens(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], words: bool
) -> Iterator[tuple[Sequence[int], Sequence[bool]]]:
    """Yield the tokens of each text that has some, and which of them begin a word."""
    encoded = tokenizer(
        list(texts), add_special_tokens=False, truncation=False, return_offsets_mapping=words, verbose=False
    )
    for at, (text, ids) in enumerate(zip(texts, encoded["input_ids"], strict=True)):
        if ids:
            yield ids, _starts(text, encoded["offset_mapping"][at]) if words else ()


def _starts(text: str, offsets: Sequence[tuple[int, int]]) -> list[bool]:
    """Return which tokens begin a word: all that do not begin inside one, or on the same character as the one before.

    Several tokens of bytes may make up one character.
    """
    inside = np.zeros(len(text) + 1, dtype=np.bool_)
    for first, last in words_of(text):
        inside[first + 1 : last] = True
    found: list[bool] = []
    previous = -1
    for start, end in offsets:
        begin = start
        while begin + 1 < end and text[begin].isspace():
            begin += 1
        found.append(not inside[begin] and begin != previous)
        previous = begin
    return found


def _place(values: Array) -> Any:
    return (Path(str(values.filename)), values.dtype) if isinstance(values, np.memmap) else values


def _sent(ids: Any, starts: Any, texts: int) -> Stream:
    ids, starts = (_mapped(*values) if isinstance(values, tuple) else values for values in (ids, starts))
    return Stream(ids, starts, texts)


def _mapped(path: Path, kind: Any) -> Array:
    if not path.stat().st_size:  # nothing cannot be mapped
        return np.empty(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r")


class Blocks(Lazy[Example]):
    """Blocks of a stream, made when they are asked for; they run on across texts, and no token is left out.

    Args:
        stream: the tokens.
        tokenizer: whose special tokens stand around each block.
        size: tokens of a block, those counted in; the last may have fewer.
        name: of the file, as messages say it.
        ahead: whether each token but the first is to be foreseen; else some are masked.
    """

    def __init__(
        self, stream: Stream, tokenizer: PreTrainedTokenizerBase, size: int, name: str, *, ahead: bool
    ) -> None:
        self.stream, self.name, self.ahead = stream, name, ahead
        self.before, self.behind = (list(part) for part in Frame.of(tokenizer, 1).parts)
        self.room = max(1, size - len(self.before) - len(self.behind))

    def __len__(self) -> int:
        return -(-len(self.stream.ids) // self.room)

    def one(self, at: int) -> BlockExample:
        """Return the block at a place."""
        here = slice(at * self.room, (at + 1) * self.room)
        ids = [*self.before, *self.stream.ids[here].tolist(), *self.behind]
        name, source = str(at + 1), f"{self.name} block {at + 1}"
        if self.ahead:
            return BlockExample(id=name, source=source, text="", ids=ids, places=range(len(ids) - 1), due=ids[1:])
        around = [True] * len(self.before), [True] * len(self.behind)
        starts = [*around[0], *self.stream.starts[here].tolist(), *around[1]]
        return BlockExample(id=name, source=source, text="", ids=ids, starts=starts)


def held_blocks(
    blocks: Sequence[Example], tokenizer: PreTrainedTokenizerBase, masker: Masker | None, seed: int
) -> list[Example]:
    """Return all blocks with their text, and with masks that the seed and their places determine."""
    found: list[Example] = []
    for at, block in enumerate(blocks):
        assert isinstance(block, BlockExample), "blocks of a stream"
        text = tokenizer.decode(block.ids, skip_special_tokens=True)
        block = replace(block, text=text)
        if masker is not None:
            generator = torch.Generator().manual_seed(seed * 1_000_003 + at)
            ids, places, due = masker(block.ids, block.starts, generator)
            block = replace(block, ids=ids, places=places, due=due)
        found.append(block)
    return found


def features_of(example: Example, at: int) -> Features:
    """Return the features of a block, `at` its position; without a target where its masks are still to be drawn."""
    assert isinstance(example, BlockExample), f"no block in a {type(example).__name__}"
    inputs: dict[str, Sequence[int]] = {"input_ids": example.ids, "attention_mask": [1] * len(example.ids)}
    if example.places is None:
        return Features({**inputs, STARTS: [int(start) for start in example.starts]}, owner=at, units=0)
    places = [(unit, place, place) for unit, place in enumerate(example.places)]
    return Features(inputs, target=list(example.due), owner=at, units=len(places), places=places)


class Streamed(LazyFeatures):
    """The features of blocks, one for each; all blocks but the last have the same length."""

    def __init__(self, blocks: Sequence[Example]) -> None:
        self.blocks = blocks

    def __len__(self) -> int:
        return len(self.blocks)

    def one(self, at: int) -> Features:
        """Return the features of the block at a place."""
        return features_of(self.blocks[at], at)

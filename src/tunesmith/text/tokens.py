"""Tokens of many rows in files: written once, in large pieces, and read row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Features
from tunesmith.core.example import Example
from tunesmith.text.lazy import Array, LazyFeatures

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FIELDS = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}
"""Name of an input → what `tokenizers` calls it. Inputs of other names are not written."""
HEADER, STARTS = "tokens.json", "starts"
AT_ONCE = 4096
"""Texts that are tokenised together: enough for the threads of `tokenizers`, whose results take 10 kB a text."""
LOOKED_AT = 1 << 22
"""Tokens that are read together where all are gone through."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of N rows, one window each.

    Args:
        inputs: name → the values of all rows one after the other, mapped into memory, or the one number that all are.
        starts: [N + 1] where the values of each row begin, and where the last ends.
        path: of the file of token ids.
    """

    inputs: Mapping[str, Array | int]
    starts: Array
    path: Path

    @classmethod
    def open(cls, folder: Path) -> Tokens | None:
        """Return what `write_tokens` has written to `folder`; None where it is not there, or not whole."""
        try:
            header = json.loads((folder / HEADER).read_bytes())
            sizes = {name: (folder / name).stat().st_size for name in header["sizes"]}
            if sizes != header["sizes"]:
                return None
            starts = np.fromfile(folder / STARTS, dtype=np.int64)
            inputs = {
                name: kind if isinstance(kind, int) else np.memmap(folder / name, dtype=kind, mode="r")
                for name, kind in header["inputs"].items()
            }
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(inputs, starts, folder / "input_ids")

    def __reduce__(self) -> tuple[Any, ...]:
        """Send files to another process by their path, not by what they hold."""
        return Tokens.open, (self.path.parent,)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def lengths(self, rows: Array) -> Array:
        """Return the number of tokens of each of `rows`."""
        found: Array = self.starts[rows + 1] - self.starts[rows]
        return found

    def of(self, row: int) -> dict[str, list[int]]:
        """Return the inputs of a row."""
        start, end = int(self.starts[row]), int(self.starts[row + 1])
        return {
            name: [values] * (end - start) if isinstance(values, int) else values[start:end].tolist()
            for name, values in self.inputs.items()
        }  # fmt: skip

    def used(self) -> set[int]:
        """Return the ids that any row has."""
        values = self.inputs["input_ids"]
        if isinstance(values, int):
            return {values}
        found: set[int] = set()
        with self.path.open("rb") as file:  # read, not mapped: what is mapped counts as memory of the process
            while len(part := np.fromfile(file, dtype=values.dtype, count=LOOKED_AT)):
                found.update(np.unique(part).tolist())
        return found


class Stored(LazyFeatures):
    """The features of examples whose tokens are in files.

    Args:
        tokens: of all rows.
        rows: [N] of the examples among them.
        examples: N of them.
        target: example → target as the loss wants it.
    """

    def __init__(
        self, tokens: Tokens, rows: Array, examples: Sequence[Example], target: Callable[[Example], Any]
    ) -> None:
        self.tokens, self.rows, self.examples, self.target = tokens, rows, examples, target

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> Array:
        """The tokens of each, [N]."""
        return self.tokens.lengths(self.rows)

    def one(self, at: int) -> Features:
        """Return the features of the example at a place."""
        example = self.examples[at]
        target = None if example.target is None else self.target(example)
        return Features(self.tokens.of(int(self.rows[at])), target=target, weight=example.weight, owner=at)


def names_of(tokenizer: PreTrainedTokenizerBase) -> list[str] | None:
    """Return the names of the inputs of a tokenizer; None where their values cannot be written."""
    names = list(tokenizer("a", verbose=False).keys())
    return names if tokenizer.is_fast and set(names) <= FIELDS.keys() else None


def write_tokens(
    sides: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_tokens: int, folder: Path
) -> None:
    """Write the tokens of rows of one or two texts, longer ones cut off, to files in `folder`.

    The threads of `tokenizers` share the work, unless `TOKENIZERS_PARALLELISM` is `false`.

    Args:
        sides: the first text of every row, and the second where there is one.
        tokenizer: for which `names_of` knows the inputs.
        max_tokens: of a row, special tokens counted in.
        folder: that is there.

    Cost: on disk two bytes a token (four beyond 65,536 of them), 8 bytes a row, and a byte a token for each other
        input that is not the same number throughout.
    """
    names = names_of(tokenizer)
    assert names is not None, "inputs that can be written"
    kinds = dict.fromkeys(names, "uint8") | {"input_ids": "uint16" if len(tokenizer) <= 1 << 16 else "uint32"}
    edges: dict[str, set[int]] = {name: set() for name in names}
    lengths: list[Array] = []
    files = {name: (folder / name).open("wb") for name in names}
    try:
        for found in _encoded(sides, tokenizer, max_tokens):
            counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
            lengths.append(counts)
            for name, file in files.items():
                rows = (getattr(encoding, FIELDS[name]) for encoding in found)
                values = np.fromiter(chain.from_iterable(rows), dtype=kinds[name], count=int(counts.sum()))
                values.tofile(file)
                edges[name] |= {int(values.min()), int(values.max())} if len(values) else set()
    finally:
        for file in files.values():
            file.close()
    np.concatenate([[0], *lengths]).cumsum().astype(np.int64).tofile(folder / STARTS)
    same = {name: next(iter(values)) for name, values in edges.items() if len(values) == 1}
    for name in same:
        (folder / name).unlink()
    kept = [STARTS, *(name for name in names if name not in same)]
    header = {
        "inputs": {name: same.get(name, kinds[name]) for name in names},
        "sizes": {name: (folder / name).stat().st_size for name in kept},
    }
    (folder / HEADER).write_text(json.dumps(header), encoding="utf-8")


def _encoded(
    sides: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> Iterator[Sequence[Any]]:
    """Yield the encodings of some rows after another, as the tokenizer itself would cut them."""
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(max_tokens, strategy="longest_first", direction=tokenizer.truncation_side)
    backend.no_padding()
    for start in range(0, len(sides[0]), AT_ONCE):
        columns = [side[start : start + AT_ONCE] for side in sides]
        yield backend.encode_batch_fast(columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)))

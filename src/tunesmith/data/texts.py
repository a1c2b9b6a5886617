"""Texts held in Arrow: hardly more than their bytes, and strings only while somebody looks at them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from tunesmith.core.lazy import Lazy, as_array
from tunesmith.data.arrays import column_texts

Array = np.ndarray[Any, Any]

CHUNK = 20_000
"""Texts that are strings at the same time."""


class Texts(Lazy[str]):
    """Strings of a column; a list of them would take 57 bytes more for each.

    Args:
        chunks: of strings, none of them missing.
    """

    def __init__(self, chunks: Iterable[pa.Array]) -> None:
        self._chunks = [chunk for chunk in chunks if len(chunk)]
        self._starts = np.cumsum([0, *map(len, self._chunks)])

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Return `texts`, held so."""
        rest = iter(texts)
        parts = iter(lambda: list(islice(rest, CHUNK)), [])
        return cls(pa.array(part, pa.string()) for part in parts)

    @classmethod
    def stripped(cls, column: pa.ChunkedArray) -> Texts:
        """Return the cells of a column as text, without white space around them; most share the column's memory."""
        return cls(_stripped(chunk) for chunk in column.chunks)

    @classmethod
    def joined(cls, parts: Iterable[Texts]) -> Texts:
        """Return the texts of several, one after the other, in the memory that they have."""
        return cls(chunk for part in parts for chunk in part._chunks)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __iter__(self) -> Iterator[str]:
        for chunk in self._chunks:
            yield from chunk.to_pylist()

    def one(self, at: int) -> str:
        """Return the text at a place."""
        chunk = int(np.searchsorted(self._starts, at, side="right")) - 1
        text: str = self._chunks[chunk][at - int(self._starts[chunk])].as_py()
        return text

    def some(self, places: range) -> list[str]:
        """Return the texts at `places`."""
        return self.pick(as_array(places))

    def pick(self, places: Array) -> list[str]:
        """Return the texts at `places`, in their order."""
        owners = np.searchsorted(self._starts, places, side="right") - 1
        found = np.empty(len(places), dtype=object)
        for chunk in np.unique(owners):
            here = np.flatnonzero(owners == chunk)
            found[here] = self._chunks[chunk].take(pa.array(places[here] - self._starts[chunk])).to_pylist()
        return list(found)

    def where(self, mask: Array) -> Texts:
        """Return the texts at which `mask` [N] is true."""
        parts = zip(self._chunks, np.split(mask, self._starts[1:-1]), strict=False)
        return Texts(chunk.filter(pa.array(part)) for chunk, part in parts)

    def digest(self) -> str:
        """Return a hash of all texts and their borders."""
        found = hashlib.sha256()
        for start in range(0, len(self), CHUNK):
            parts = [text.encode("utf-8", "surrogatepass") for text in self[start : start + CHUNK]]
            found.update(np.fromiter(map(len, parts), dtype=np.int64, count=len(parts)).tobytes())
            found.update(b"".join(parts))
        return found.hexdigest()


def _stripped(chunk: pa.Array) -> pa.Array:
    cells = column_texts(chunk)
    texts = [cell.strip() for cell in cells]
    is_plain = chunk.type == pa.string() and chunk.null_count == 0
    return chunk if is_plain and texts == cells else pa.array(texts, pa.string())


def pick_texts(texts: Sequence[str], places: Array) -> list[str]:
    """Return the texts at `places` of any sequence."""
    return texts.pick(places) if isinstance(texts, Texts) else [texts[place] for place in places.tolist()]


def join_texts(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the texts of several sequences, one after the other."""
    if all(isinstance(part, Texts) for part in parts):
        return Texts.joined(part for part in parts if isinstance(part, Texts))
    return [text for part in parts for text in part]

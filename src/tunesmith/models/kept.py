"""What frozen blocks give of rows, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from tunesmith.core.batch import Features
from tunesmith.runs.states import States

Array: TypeAlias = "np.ndarray[Any, Any]"
TOGETHER = 128
"""Tokens of rows that are computed together.

All are of one length and their number follows from it alone, so that a row comes out the same to the last bit whatever
stands beside it, and in whichever run it is computed. Of minilm, sixteen rows of 25 tokens take 122 ms of one thread
so, 94 ms as one batch and 254 ms one by one (docs/performance.md).
"""
Ask: TypeAlias = Callable[[Mapping[str, Tensor]], Tensor]


class Kept:
    """States of the rows of a training, computed when they are first asked for.

    Args:
        ask: what a body reads → what its frozen blocks give of it, [B, T, H].
        states: where they are kept.
        rows: that are worth keeping; a batch with any other row is not given.
    """

    def __init__(self, ask: Ask, states: States, rows: Iterable[Features]) -> None:
        self.ask, self.states = ask, states
        self.rows: dict[bytes, tuple[Sequence[int], Sequence[int]]] = {}
        for row in rows:
            ids, kinds = row.inputs["input_ids"], row.inputs.get("token_type_ids", ())
            self.rows[key_of(np.asarray(ids), np.asarray(kinds))] = (ids, kinds if any(kinds) else ())
        self.waiting: dict[int, dict[bytes, None]] = {}
        for key, (ids, _) in self.rows.items():
            if key not in states:
                self.waiting.setdefault(len(ids), {})[key] = None

    def read(self, inputs: Mapping[str, Any]) -> Tensor | None:
        """Return the states of a batch, [B, T, H], zero where there is padding; None where they are not kept."""
        ids = inputs["input_ids"].numpy()
        mask, kinds = inputs.get("attention_mask"), inputs.get("token_type_ids")
        marks = np.ones_like(ids) if mask is None else mask.numpy()
        if marks.ndim != 2 or (marks[:, 1:] > marks[:, :-1]).any():  # padding stands elsewhere than behind the text
            return None
        lengths = marks.sum(1)
        kinds = np.zeros_like(ids) if kinds is None else kinds.numpy()
        keys = [key_of(*(row[:n] for row in pair)) for *pair, n in zip(ids, kinds, lengths, strict=True)]
        if any(key not in self.rows for key in keys):
            return None
        given = np.zeros((*ids.shape, self.states.width), dtype=np.float32)
        for at, key in enumerate(keys):
            given[at, : lengths[at]] = self._one(key)
        return torch.from_numpy(given)

    def _one(self, key: bytes) -> Array:
        found = self.states.read(key)
        return self._computed(key) if found is None else found

    def _computed(self, key: bytes) -> Array:
        """Compute a row, and those of its length that wait."""
        length = len(self.rows[key][0])
        waiting = self.waiting.setdefault(length, {})
        waiting.pop(key, None)
        count = max(1, TOGETHER // length)
        keys = [key, *list(waiting)[: count - 1]]
        for other in keys[1:]:
            del waiting[other]
        rows = [self.rows[keys[min(at, len(keys) - 1)]] for at in range(count)]  # the last one fills up
        inputs = {"input_ids": torch.tensor([list(ids) for ids, _ in rows])}
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if any(kinds for _, kinds in rows):
            inputs["token_type_ids"] = torch.tensor([list(kinds or [0] * length) for _, kinds in rows])
        with torch.no_grad():
            found = self.ask(inputs).numpy()
        for other, states in zip(keys, found, strict=False):
            self.states.put(other, states)
        return np.asarray(found[0])


def key_of(ids: Array, kinds: Array) -> bytes:
    """Return what tells a row from all others: a hash of its token ids [T], and of their kinds where any is not 0."""
    digest = hashlib.blake2b(ids.astype(np.int32).tobytes(), digest_size=16)
    if kinds.any():
        digest.update(b"kinds" + kinds.astype(np.int8).tobytes())
    return digest.digest()

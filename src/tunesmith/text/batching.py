"""Features → batches: an order that a seed and an epoch determine, and tensors with no more padding than needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tunesmith.core.batch import Batch, Features

POOL = 16  # batches whose rows are sorted by length together: most of the saving, little less mixing


@dataclass(frozen=True, slots=True)
class Collator:
    """Features → batch, padded to the longest.

    Args:
        pad_id: token id of padding.
        floats: whether targets are numbers (regression, several labels) rather than class indices.
        padding_side: `right` for encoders.
    """

    pad_id: int
    floats: bool = False
    padding_side: str = "right"

    def __call__(self, features: Sequence[Features]) -> Batch:
        """Return the batch of `features`; windows of one example must stand side by side."""
        longest = max(f.length for f in features)
        owners: list[int] = []
        units: list[Features] = []
        for f in features:
            if not units or units[-1].owner != f.owner:
                units.append(f)
            owners.append(len(units) - 1)
        names = [name for name in features[0].inputs if name != "special_tokens_mask"]
        inputs = {name: self._stack([f.inputs[name] for f in features], name, longest) for name in names}
        targets = None
        if units[0].target is not None:
            targets = torch.tensor([u.target for u in units], dtype=torch.float32 if self.floats else torch.long)
        weights = torch.tensor([u.weight for u in units], dtype=torch.float32)
        return Batch(inputs, targets, weights, torch.tensor(owners))

    def _stack(self, rows: Sequence[Sequence[int]], name: str, longest: int) -> torch.Tensor:
        fill = self.pad_id if name == "input_ids" else 0
        table = torch.full((len(rows), longest), fill, dtype=torch.long)
        for i, row in enumerate(rows):
            at = slice(0, len(row)) if self.padding_side == "right" else slice(longest - len(row), longest)
            table[i, at] = torch.tensor(row, dtype=torch.long)
        return table


def by_owner(features: Sequence[Features]) -> list[list[Features]]:
    """Return the windows of each example together, in order."""
    groups: list[list[Features]] = []
    for f in features:
        if groups and groups[-1][0].owner == f.owner:
            groups[-1].append(f)
        else:
            groups.append([f])
    return groups


class Batches:
    """The batches of every epoch of a training.

    The order of an epoch follows from seed and epoch alone, so a resumed run needs no more than the step it reached.
    """

    def __init__(self, features: Sequence[Features], size: int, seed: int) -> None:
        self.examples = by_owner(features)
        self.size = size
        self.seed = seed
        self.per_epoch = -(-len(self.examples) // size)

    def epoch(self, number: int) -> list[list[int]]:
        """Return the positions of the examples of each batch of epoch `number` (from 0)."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order: list[int] = torch.randperm(len(self.examples), generator=generator).tolist()
        pools = [order[i : i + self.size * POOL] for i in range(0, len(order), self.size * POOL)]
        batches: list[list[int]] = []
        for pool in pools:
            pool.sort(key=self._length)
            batches += [pool[i : i + self.size] for i in range(0, len(pool), self.size)]
        mixed = torch.randperm(len(batches), generator=generator).tolist()
        return [batches[i] for i in mixed]

    def from_step(self, step: int) -> Iterator[list[int]]:
        """Yield batches for ever, beginning with the one that optimiser step `step` (from 0) takes."""
        epoch, skip = divmod(step, self.per_epoch)
        while True:
            yield from self.epoch(epoch)[skip:]
            epoch, skip = epoch + 1, 0

    def features(self, positions: Sequence[int]) -> list[Features]:
        """Return the windows of the examples at `positions`."""
        return [f for at in positions for f in self.examples[at]]

    def _length(self, at: int) -> int:
        return max(f.length for f in self.examples[at])


def sorted_batches(features: Sequence[Features], size: int) -> Iterator[tuple[list[int], list[Features]]]:
    """Yield (positions of examples, their windows), longest first, at most about `size` windows each.

    Longest first: what does not fit in memory fails at once, not after an hour.
    """
    examples = by_owner(features)
    order = sorted(range(len(examples)), key=lambda i: -max(f.length for f in examples[i]))
    positions: list[int] = []
    windows: list[Features] = []
    for i in order:
        if windows and len(windows) + len(examples[i]) > size:
            yield positions, windows
            positions, windows = [], []
        positions.append(examples[i][0].owner)
        windows += examples[i]
    if windows:
        yield positions, windows


def padding_id(tokenizer: Any) -> int:
    """Return the id that pads; a tokenizer without one pads with its end of text."""
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0)

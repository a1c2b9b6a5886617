"""Features → batches: an order that a seed and an epoch determine, and tensors with no more padding than needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from tunesmith.core.batch import Batch, Features
from tunesmith.core.lazy import Lazy, as_array
from tunesmith.core.task import Problem
from tunesmith.text.lazy import Alone, by_owner, lengths_of
from tunesmith.text.masking import Masker
from tunesmith.text.packing import pack
from tunesmith.text.stream import STARTS

WORDS = ("token_classification", "causal", "seq2seq", "masked")
"""Problems in which every unit, a word or a token, has a target and a loss of its own."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Collator:
    """Features → batch, padded to the longest; what a decoder reads is padded to its own longest.

    Args:
        pad_id: token id of padding.
        problem: what the targets mean.
        padding_side: `right` for encoders; with a decoder behind them it always is.
        room: tokens of a row that several dialogues share, none of which sees another; 0 gives each its own row.
        masker: of blocks that come without masks, as they do in training.
    """

    pad_id: int
    problem: Problem
    padding_side: str = "right"
    room: int = 0
    masker: Masker | None = None

    def __call__(self, features: Sequence[Features]) -> Batch:
        """Return the batch of `features`; windows of one example must stand side by side."""
        if self.problem == "causal":
            return self._dialogues(features)
        if self.problem == "masked":
            return self._blocks([self._masked(f) for f in features])
        examples = by_owner(features)
        names = [name for name in features[0].inputs if name != "special_tokens_mask"]
        inputs = {name: self._stack([f.inputs[name] for f in features], name) for name in names}
        longest = inputs["input_ids"].shape[1]
        firsts = [windows[0] for windows in examples]
        sizes = [f.units for f in firsts]
        starts = list(accumulate(sizes, initial=0))[:-1]
        pairs = [(start, f) for start, windows in zip(starts, examples, strict=True) for f in windows]
        owner = torch.tensor([start + f.unit for start, f in pairs])
        return Batch(
            inputs, self.targets(firsts), self.weights(firsts), owner, sizes, self._places(pairs, longest),
            rows=[f.owner for f in firsts],
        )  # fmt: skip

    def _dialogues(self, features: Sequence[Features]) -> Batch:
        """Return dialogues on as few rows as they need; logits are asked for only where a token is to be written.

        Where rows are shared, positions begin anew with every dialogue, from which `transformers` sees what may attend
        to what.
        """
        lengths = [f.length for f in features]
        rows = pack(lengths, max(self.room, *lengths)) if self.room else [[at] for at in range(len(features))]
        longest = max(sum(lengths[at] for at in row) for row in rows)
        ids = torch.full((len(rows), longest), self.pad_id, dtype=torch.long)
        marks = torch.zeros_like(ids)
        places: list[tuple[int, int, int]] = []
        starts = list(accumulate((f.units for f in features), initial=0))
        for number, row in enumerate(rows):
            at = 0
            for f, first in ((features[i], starts[i]) for i in row):
                here = slice(at, at + f.length)
                ids[number, here] = torch.tensor(f.inputs["input_ids"])
                marks[number, here] = torch.arange(f.length) if self.room else 1
                places += [(number, at + place, first + unit) for unit, place, _ in f.places or ()]
                at += f.length
        window, token, unit = torch.tensor(places, dtype=torch.long).reshape(-1, 3).unbind(1)
        kept, index = torch.unique(token, return_inverse=True)
        inputs = {"input_ids": ids, "position_ids" if self.room else "attention_mask": marks, "logits_to_keep": kept}
        return Batch(
            inputs, self.targets(features), self.weights(features), torch.zeros(len(rows), dtype=torch.long),
            [f.units for f in features], torch.stack([window, index, index, unit], dim=1), filled=sum(lengths),
        )  # fmt: skip

    def _masked(self, f: Features) -> Features:
        """Return a block with tokens to be foreseen; they are drawn here, from torch's numbers, if they are not yet."""
        if f.places is not None:
            return f
        assert self.masker is not None, "a block without masks needs a masker"
        ids, places, due = self.masker(f.inputs["input_ids"], [bool(start) for start in f.inputs[STARTS]])
        inputs = {"input_ids": ids, "attention_mask": f.inputs["attention_mask"]}
        units = [(unit, place, place) for unit, place in enumerate(places)]
        return replace(f, inputs=inputs, target=due, units=len(units), places=units)

    def _blocks(self, features: Sequence[Features]) -> Batch:
        """Return blocks, with the places of which alone the head is asked: of every seventh token or so."""
        longest = max(f.length for f in features)
        inputs = {name: self._stack([f.inputs[name] for f in features], name) for name in features[0].inputs}
        shifts = [0 if self._pads_right else longest - f.length for f in features]
        kept = [(row, place + shifts[row]) for row, f in enumerate(features) for _, place, _ in f.places or ()]
        inputs["places_to_keep"] = torch.tensor(kept, dtype=torch.long).reshape(-1, 2)
        at = torch.arange(len(kept))
        return Batch(
            inputs, self.targets(features), self.weights(features), torch.zeros(len(features), dtype=torch.long),
            [f.units for f in features], torch.stack([torch.zeros_like(at), at, at, at], dim=1),
        )  # fmt: skip

    def targets(self, firsts: Sequence[Features]) -> torch.Tensor | None:
        """Return the targets of examples, given the first window of each; None where they have none."""
        if firsts[0].target is None:
            return None
        values = [f.target for f in firsts]
        if self.problem in (*WORDS, "question_answering"):
            values = [value for of_example in values for value in of_example]
        classes = self.problem in (*WORDS, "single_label_classification")
        return torch.tensor(values, dtype=torch.long if classes else torch.float32)

    def weights(self, firsts: Sequence[Features]) -> torch.Tensor:
        """Return a weight for each loss, given the first window of each example: words and tokens have their own."""
        weights = torch.tensor([f.weight for f in firsts], dtype=torch.float32)
        if self.problem not in WORDS:
            return weights
        return weights.repeat_interleave(torch.tensor([f.units for f in firsts]))

    def _places(self, pairs: Sequence[tuple[int, Features]], longest: int) -> torch.Tensor | None:
        if pairs[0][1].places is None:
            return None
        rows: list[tuple[int, int, int, int]] = []
        for window, (start, f) in enumerate(pairs):
            shift = 0 if self._pads_right else longest - f.length
            rows += [(window, first + shift, last + shift, start + unit) for unit, first, last in f.places or ()]
        return torch.tensor(rows, dtype=torch.long).reshape(-1, 4)

    @property
    def _pads_right(self) -> bool:
        return self.padding_side == "right" or self.problem == "seq2seq"

    def _stack(self, rows: Sequence[Sequence[int]], name: str) -> torch.Tensor:
        longest = max(map(len, rows))
        fill = self.pad_id if name in ("input_ids", "decoder_input_ids") else 0
        table = torch.full((len(rows), longest), fill, dtype=torch.long)
        for i, row in enumerate(rows):
            at = slice(0, len(row)) if self._pads_right else slice(longest - len(row), longest)
            table[i, at] = torch.tensor(row, dtype=torch.long)
        return table


class Drawn(Lazy[list[int]]):
    """Positions in the order drawn, `size` to a batch; eight bytes each, however many there are.

    Args:
        order: positions.
        size: of a batch; the last has what is left.
        mixed: the batches in the order in which they come; as they stand where it is None.
    """

    def __init__(self, order: Array, size: int, mixed: Array | None = None) -> None:
        self.order, self.size = order, size
        self.mixed = np.arange(-(-len(order) // size)) if mixed is None else mixed

    def __len__(self) -> int:
        return len(self.mixed)

    def one(self, at: int) -> list[int]:
        """Return one batch."""
        start = int(self.mixed[at]) * self.size
        found: list[int] = self.order[start : start + self.size].tolist()
        return found

    def some(self, places: range) -> Drawn:
        """Return the batches at `places`, which are not made for it."""
        return Drawn(self.order, self.size, self.mixed[as_array(places)])


class Batches:
    """The batches of every epoch of a training.

    The order of an epoch follows from seed and epoch alone, so a resumed run needs no more than the step it reached.
    Rows are sorted by length, those of one length in any order. Then each moves to either side, by up to a batch or a
    hundredth of all rows, whichever is more: so every epoch gives it other companions. Batches come in any order.
    """

    def __init__(self, features: Sequence[Features], size: int, seed: int) -> None:
        self.examples = by_owner(features)
        self.size = size
        self.seed = seed
        self.per_epoch = -(-len(self.examples) // size)
        self._lengths = lengths_of(features)

    def epoch(self, number: int) -> Sequence[list[int]]:
        """Return the positions of the examples of each batch of epoch `number` (from 0)."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order = torch.randperm(len(self.examples), generator=generator).numpy()
        if self._lengths is None:
            return Drawn(order, self.size)
        order = order[np.argsort(self._lengths[order], kind="stable")]
        reach = max(self.size, len(order) // 100)
        moved = 2 * reach * torch.rand(len(order), generator=generator, dtype=torch.float64).numpy()
        order = order[np.argsort(np.arange(len(order)) + moved, kind="stable")]
        drawn = Drawn(order, self.size, torch.randperm(self.per_epoch, generator=generator).numpy())
        return drawn if isinstance(self.examples, Alone) else list(drawn)

    def from_step(self, step: int) -> Iterator[list[int]]:
        """Yield batches for ever, beginning with the one that optimiser step `step` (from 0) takes."""
        epoch, skip = divmod(step, self.per_epoch)
        while True:
            yield from self.epoch(epoch)[skip:]
            epoch, skip = epoch + 1, 0

    def features(self, positions: Sequence[int]) -> list[Features]:
        """Return the windows of the examples at `positions`."""
        return [f for at in positions for f in self.examples[at]]


def sorted_batches(
    features: Sequence[Features], size: int, most: int | None = None
) -> Iterator[tuple[list[int], list[Features]]]:
    """Yield (positions of examples, their windows), longest first, at most about `size` windows each.

    Longest first: what does not fit in memory fails at once, not after an hour.

    Args:
        features: the windows of an example side by side.
        size: windows of a batch.
        most: tokens of a batch, padding counted in; None for no bound. An example is never divided.
    """
    examples = by_owner(features)
    lengths = lengths_of(features)
    order = range(len(examples)) if lengths is None else np.argsort(-lengths, kind="stable").tolist()
    positions: list[int] = []
    windows: list[Features] = []
    for i in order:
        own = examples[i]
        count = len(windows) + len(own)
        if windows and (count > size or (most is not None and count * windows[0].length > most)):
            yield positions, windows
            positions, windows = [], []
        positions.append(own[0].owner)
        windows += own
    if windows:
        yield positions, windows


def padding_id(tokenizer: Any) -> int:
    """Return the id that pads; a tokenizer without one pads with its end of text."""
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0)

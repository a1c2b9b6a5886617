"""The blocks that a training leaves as they are: without dropout, and computed once for each row where that pays."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import torch
from torch import nn

from tunesmith.core.batch import Features
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.frozen import Frozen
from tunesmith.models.kept import Kept
from tunesmith.runs.cache import cache_folder
from tunesmith.runs.states import DISK, KIND, MEMORY, States
from tunesmith.text.lazy import LazyFeatures

SAMPLE = 64
"""Tokens of the text by which it is seen how a model is built."""


class Ground:
    """What stands still below the part that is trained.

    Blocks that the optimiser does not hold stand still from the first step to the last. What they give of a row is kept
    between trainings and runs, by a hash of their weights, if every row is read more than once and all fit.

    Blocks that are shut for a while, as `unfreeze` has it, may open with the next step. What they give is kept from the
    second pass over the rows on, in the memory of this training alone, and forgotten when a block opens.

    Args:
        shop: what the run's trainings share.
        model: with all that strategies put into it.
        moving: ids of the parameters that the optimiser holds.
        train: the rows that are learnt from.
        dev: the rows that are looked at.
        per_epoch: steps of a pass over the rows.
        last: step after which training ends.
    """

    def __init__(
        self, shop: Workshop, model: nn.Module, moving: AbstractSet[int], train: Sequence[Features],
        dev: Sequence[Features], per_epoch: int, last: int,
    ) -> None:  # fmt: skip
        self.shop, self.train, self.dev, self.per_epoch = shop, train, dev, per_epoch
        self.frozen: Frozen | None = None
        self.states: States | None = None
        self.always = self.count = self.since = 0
        moves = any(strategy.whole_depth for strategy in shop.strategies)
        if moves or shop.device.ranks.divides or not len(train) or not last:
            return
        sample = torch.tensor([list(train[0].inputs["input_ids"])[:SAMPLE]])
        self.frozen = Frozen(model, sample.to(shop.device.target))
        lowest = self.frozen.still(moving)
        if not lowest or not self.frozen.understands(lowest):
            return
        self.always = lowest
        self.frozen.rest(lowest)
        if last > per_epoch:
            self._keep(lowest, shared=True)

    def settle(self, step: int) -> None:
        """Look at what is shut in `step`."""
        if self.frozen is None:
            return
        count = self.frozen.still()
        if count != self.count:
            self.count, self.since = count, step
        resting = count if count > self.always and self.frozen.understands(count) else self.always
        if self.frozen.depth > resting:
            self.frozen.keep(0, None)
            self.states = None
        self.frozen.rest(resting)
        if self.frozen.depth == 0 and resting > self.always == 0 and step - self.since >= self.per_epoch:
            self._keep(resting, shared=False)

    def state(self) -> dict[str, int]:
        """Return what a checkpoint must hold."""
        return {"count": self.count, "since": self.since}

    def restore(self, state: dict[str, int]) -> None:
        """Go on from `state`."""
        self.count, self.since = state["count"], state["since"]

    def release(self) -> None:
        """Make the model what it was; what is kept for others goes to the disk."""
        if self.frozen is not None:
            self.frozen.release()
        if self.states is not None:
            self.states.flush()
        self.frozen = self.states = None

    def _keep(self, count: int, *, shared: bool) -> None:
        shop, frozen = self.shop, self.frozen
        assert frozen is not None, "something stands still"
        on_cpu = shop.device.target.type == "cpu"
        if not shop.recipe.batching.cache_frozen or not on_cpu or shop.encoder.layout == "stream":
            return
        width = frozen.width
        room = (DISK if shared else MEMORY) // (4 * width)  # in tokens
        if tokens_of(self.train) + tokens_of(self.dev) > room:
            return
        rows = [*self.train, *self.dev]
        if any(strategy.stage == "anchor" for strategy in shop.strategies):  # they may read general texts
            general = shop.plain_features(shop.general.kept)
            rows += general if tokens_of([*rows, *general]) <= room else []
        folder = cache_folder(KIND) / frozen.fingerprint(count) if shared else None
        self.states = States(folder, width)
        frozen.keep(count, Kept(lambda inputs: frozen.ask(inputs, count), self.states, rows).read)


def tokens_of(rows: Sequence[Features]) -> int:
    """Return how many tokens rows have."""
    if isinstance(rows, LazyFeatures) and rows.lengths is not None:
        return int(rows.lengths.sum())
    return sum(len(row.inputs["input_ids"]) for row in rows)

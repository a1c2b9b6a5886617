"""What a model is worth on dev, while it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example
from tunesmith.engine.infer import outputs
from tunesmith.evaluation.interval import resampled
from tunesmith.evaluation.metrics import HIGHER_IS_BETTER
from tunesmith.jobs.workshop import Workshop
from tunesmith.text.lazy import by_owner

RESAMPLES = 100
"""Of dev, for the standard error of a score: it is then off by a fourteenth of itself."""


class Judge:
    """The dev rows, and what a model is worth on them.

    Args:
        shop: what the run's trainings share.
        rows: of dev, at least one.
    """

    def __init__(self, shop: Workshop, rows: Sequence[Example]) -> None:
        self.shop, self.rows = shop, rows
        self.features = shop.encode(rows)
        self.truth = shop.task.truth(rows)
        self.metric = shop.recipe.stop.metric or shop.task.metric

    def read(self, model: nn.Module) -> Read:
        """Return what `model` says of the rows."""
        shop = self.shop
        return outputs(
            model, shop.task, self.features, shop.collate,
            size=shop.encoder.at_once(shop.recipe.batching.predict_size), context=shop.device.inference,
            ranks=shop.device.ranks,
        )  # fmt: skip

    def score(self, read: Read) -> float:
        """Return the figure that dev is chosen by."""
        return float(self.shop.task.metrics()[self.metric](self.truth, self.shop.task.answers(read, self.rows)))

    def error(self, read: Read) -> float:
        """Return the standard error of that figure: how far it is off by the chance of which rows are in dev.

        It is the standard deviation over `RESAMPLES` bootstrap resamples; 0 where the figure is defined on none.
        """
        figures = {self.metric: self.shop.task.metrics()[self.metric]}
        answers = self.shop.task.answers(read, self.rows)
        drawn = resampled(figures, self.truth, [answers], resamples=RESAMPLES, seed=self.shop.recipe.seed)
        known = drawn[self.metric][0]
        known = known[np.isfinite(known)]
        return float(known.std()) if len(known) else 0.0

    def worth(self, model: nn.Module) -> float:
        """Return the same of a model, with its sign changed where less is better."""
        value = self.score(self.read(model))
        return value if HIGHER_IS_BETTER[self.metric] else -value

    def loss(self, read: Read, size: int) -> float:
        """Return the mean loss, taken over batches of `size` rows, as in training: some losses compare rows."""
        collate, task = self.shop.collate, self.shop.task
        sizes, rows = list(read.sizes), read.by_example()
        firsts = [windows[0] for windows in by_owner(self.features)]
        total = count = 0.0
        for start in range(0, len(firsts), size):
            part = slice(start, start + size)
            weights = collate.weights(firsts[part])
            batch = Batch({}, collate.targets(firsts[part]), weights, torch.empty(0), sizes[part])
            total += float((task.losses(torch.cat(list(rows[part])), batch) * weights).sum())
            count += float(weights.sum())
        return total / max(1.0, count)

"""Names of labels as rows to learn from, where they say what the rows of those labels are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from tunesmith.core.batch import Features
from tunesmith.core.example import TextExample
from tunesmith.evaluation.names import FAIR, agreement
from tunesmith.jobs.workshop import Workshop
from tunesmith.tasks.labels import spoken
from tunesmith.text.lazy import by_owner

SEEN = 500
"""Train rows at most by which it is judged whether names say anything."""
Vectors = Callable[[nn.Module, Sequence[Features]], Tensor]
"""Model and windows → the inputs of its last linear layer, [U, H]."""


class Names:
    """The names of the labels of one training, judged once, on the first model that somebody asks with.

    Args:
        shop: what the run's trainings share.
        features: of the train rows.
        targets: their class indices, [N].
        vectors: of windows in a model.
    """

    def __init__(
        self, shop: Workshop, features: Sequence[Features], targets: np.ndarray[Any, Any], vectors: Vectors
    ) -> None:
        self.train, self.targets, self.vectors, self.seed = features, targets, vectors, shop.recipe.seed
        self.windows = windows_of_names(shop)
        self.agreement: float | None = None
        """How far rows lie near the names of their own labels; None where nobody has asked."""

    def of(self, model: nn.Module) -> Tensor | None:
        """Return the vectors of the names, float32 [C, H]; None where they do not say which rows are theirs."""
        if not self.windows:
            return None
        if self.agreement is None:
            self.agreement = self._agreement(model)
        return self.vectors(model, self.windows) if self.agreement >= FAIR else None

    def _agreement(self, model: nn.Module) -> float:
        some = np.random.default_rng(self.seed).permutation(len(self.targets))[:SEEN]
        examples = by_owner(self.train)
        rows = [replace(f, owner=place) for place, at in enumerate(some) for f in examples[int(at)]]
        vectors, names = (self.vectors(model, of).numpy() for of in (rows, self.windows))
        return agreement(vectors, names, self.targets[some])


def windows_of_names(shop: Workshop) -> list[Features]:
    """Return a window for the name of each label; none where a row is not one text that has one label."""
    asks = shop.encoder.pattern or shop.encoder.layout != "row" or len(shop.task.reads[0]) > 1
    if asks or shop.task.head().problem != "single_label_classification":
        return []
    rows = [
        TextExample(id=label, source=f'label "{label}"', text=spoken(label), target=label) for label in shop.task.labels
    ]
    return replace(shop.encoder, long="truncate").encode(rows, shop.task.target)

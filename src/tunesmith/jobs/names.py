"""Names of labels as rows to learn from, where they say what the rows of those labels are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from tunesmith.core.batch import Features
from tunesmith.core.example import TextExample
from tunesmith.evaluation.names import Agreement, agreement
from tunesmith.jobs.workshop import Workshop
from tunesmith.tasks.labels import is_code, spoken
from tunesmith.text.lazy import by_owner

SEEN = 500
"""Train rows at most by which it is judged whether names say anything."""


def windows_of_names(shop: Workshop) -> list[Features]:
    """Return a window for the name of each label.

    None where no strategy reads them, where one is a code, or where a row is not one text that has one label.
    """
    asks = shop.encoder.pattern or shop.encoder.layout != "row" or len(shop.task.reads[0]) > 1
    if asks or shop.task.head().problem != "single_label_classification":
        return []
    labels = shop.task.labels
    if not any(s.reads_names for s in shop.strategies) or any(map(is_code, labels)):
        return []
    texts = [spoken(label) for label in labels]
    texts = texts if len(set(texts)) == len(labels) else list(labels)
    rows = [
        TextExample(id=label, source=f'label "{label}"', text=text, target=label)
        for label, text in zip(labels, texts, strict=True)
    ]
    return replace(shop.encoder, long="truncate").encode(rows, shop.task.target)


def agreement_of(
    shop: Workshop, names: Sequence[Features], train: Sequence[Features], targets: np.ndarray[Any, Any],
    vectors: Callable[[Sequence[Features]], Tensor],
) -> Agreement | None:  # fmt: skip
    """Return whether names say which train rows are theirs, by the model before anything is learnt.

    Args:
        shop: what the run's trainings share.
        names: windows of the names; None is returned where there are none.
        train: windows of the train rows.
        targets: class indices of the train rows, [N].
        vectors: windows → the inputs of the last linear layer, [U, H].
    """
    if not names:
        return None
    some = np.random.default_rng(shop.recipe.seed).permutation(len(targets))[:SEEN]
    examples = by_owner(train)
    rows = [replace(f, owner=place) for place, at in enumerate(some) for f in examples[int(at)]]
    found = agreement(vectors(rows).numpy(), vectors(names).numpy(), targets[some])
    # Processes on unlike hardware may differ in the last bits, and must not part over it.
    return shop.device.ranks.told(found)

"""Features that are made when they are asked for, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.core.batch import Features
from tunesmith.core.lazy import Lazy

Array = np.ndarray[Any, Any]


class LazyFeatures(Lazy[Features]):
    """Features of which each is an example of its own."""

    @property
    def lengths(self) -> Array | None:
        """The tokens of each, [N]; None where all have the same."""
        return None


class Alone(Lazy[list[Features]]):
    """The windows of each example, of which there is one."""

    def __init__(self, features: LazyFeatures) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def one(self, at: int) -> list[Features]:
        """Return the windows of one example."""
        return [self.features[at]]


def by_owner(features: Sequence[Features]) -> Sequence[list[Features]]:
    """Return the windows of each example together, in order; those that are made when asked for stay so."""
    if isinstance(features, LazyFeatures):
        return Alone(features)
    groups: list[list[Features]] = []
    for f in features:
        if groups and groups[-1][0].owner == f.owner:
            groups[-1].append(f)
        else:
            groups.append([f])
    return groups


def lengths_of(features: Sequence[Features]) -> Array | None:
    """Return the tokens of the longest window of each example, [N]; None where all have the same."""
    if isinstance(features, LazyFeatures):
        return features.lengths
    return np.array([max(f.length for f in windows) for windows in by_owner(features)], dtype=np.int64)

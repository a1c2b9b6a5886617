"""Features that are made when they are asked for, however many there are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from tunesmith.core.batch import Features

Array = np.ndarray[Any, Any]


class Lazy(Sequence[Features]):
    """Features of which each is an example of its own."""

    @property
    def lengths(self) -> Array | None:
        """The tokens of each, [N]; None where all have the same."""
        return None

    @abstractmethod
    def make(self, at: int) -> Features:
        """Return the features at a place, from 0."""

    @overload
    def __getitem__(self, at: int) -> Features: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Features]: ...
    def __getitem__(self, at: int | slice) -> Features | Sequence[Features]:
        """Return the features at a place, or those of a slice, all of them at once."""
        if isinstance(at, slice):
            return [self.make(place) for place in range(*at.indices(len(self)))]
        return self.make(range(len(self))[at])


class Alone(Sequence[list[Features]]):
    """The windows of each example, of which there is one."""

    def __init__(self, features: Lazy) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    @overload
    def __getitem__(self, at: int) -> list[Features]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[list[Features]]: ...
    def __getitem__(self, at: int | slice) -> list[Features] | Sequence[list[Features]]:
        """Return the windows of one example, or those of a slice."""
        return [[f] for f in self.features[at]] if isinstance(at, slice) else [self.features[at]]


def by_owner(features: Sequence[Features]) -> Sequence[list[Features]]:
    """Return the windows of each example together, in order; those that are made when asked for stay so."""
    if isinstance(features, Lazy):
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
    if isinstance(features, Lazy):
        return features.lengths
    return np.array([max(f.length for f in windows) for windows in by_owner(features)], dtype=np.int64)

"""Sequences whose items are made when they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar, overload

import numpy as np

T = TypeVar("T")


class Lazy(Sequence[T]):
    """As many items as there are, of which those exist that somebody looks at.

    A kind of its own says how many there are, and how `one` is made; `some` as well where it can make several faster.
    """

    @abstractmethod
    def one(self, at: int) -> T:
        """Return the item at a place, from 0 to the length."""

    def some(self, places: range) -> Sequence[T]:
        """Return the items at `places`."""
        return [self.one(at) for at in places]

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """Return the item at a place, or those of a slice."""
        if isinstance(at, slice):
            return self.some(range(*at.indices(len(self))))
        return self.one(range(len(self))[at])


def as_array(places: range) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return places as an array, [N]; `np.asarray` would look at each of them."""
    return np.arange(places.start, places.stop, places.step, dtype=np.int64)

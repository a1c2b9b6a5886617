"""How knowledge adjusts what a model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.core.example import Example

Array: TypeAlias = "np.ndarray[Any, Any]"


class Fusion(Protocol):
    """Knowledge beside a model, fitted: it adjusts the answers, and says what it had to say to each."""

    @property
    def kind(self) -> str:
        """The name in the table of fusions."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Other columns of a row at which it looks, beside the texts."""
        ...

    def adjust(self, answers: Array, examples: Sequence[Example]) -> Array:
        """Return the answers as they are with the knowledge, in the form that they came in."""
        ...

    def evidence(self, answers: Array, examples: Sequence[Example]) -> Sequence[tuple[str, ...]]:
        """Return what the knowledge says of each example, a sentence each; none where it says nothing.

        Args:
            answers: before they were adjusted.
            examples: of those answers.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return plain data from which `load` makes an equal one, without the files that it was made from."""
        ...

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Fusion:
        """Return the fusion that `state` describes."""
        ...

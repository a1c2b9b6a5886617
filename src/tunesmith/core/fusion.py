"""How knowledge adjusts what a model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.core.batch import Read
    from tunesmith.core.example import Example

Array: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True, slots=True)
class Asked:
    """What knowledge may look at.

    Args:
        examples: N rows that the model was asked about.
        vectors: what its last layer sees of each, float32 [N, H]; None where no knowledge asks for it.
        read: what it says of every unit, calibrated, from which the answers were made; None where that is not known, as
            it need not be where a row is one unit.
    """

    examples: Sequence[Example]
    vectors: Array | None = None
    read: Read | None = None


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

    @property
    def needs_vectors(self) -> bool:
        """Whether it looks at vectors."""
        ...

    def adjust(self, answers: Array, asked: Asked) -> Array:
        """Return the answers as they are with the knowledge, in the form that they came in."""
        ...

    def evidence(self, answers: Array, asked: Asked) -> Sequence[tuple[str, ...]]:
        """Return what the knowledge says of each example, a sentence each; none where it says nothing.

        Args:
            answers: before they were adjusted.
            asked: the rows of those answers.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return plain data and arrays from which `load` makes an equal one, without the files it was made from."""
        ...

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Fusion:
        """Return the fusion that `state` describes."""
        ...

"""How much two texts belong together, as data write it: a number, or a yes or no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunesmith.data.labels import fold, number_of, plain_number

VERDICTS = {
    **dict.fromkeys(("1", "yes", "y", "true", "same", "match", "positive", "duplicate", "similar", "related"), 1.0),
    **dict.fromkeys(("0", "no", "n", "false", "different", "negative", "mismatch", "dissimilar", "unrelated"), 0.0),
}
"""What says that two texts belong together, and that they do not."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How the scores of a column are written: as verdicts (yes and no), or as numbers.

    Example:
        >>> scale = Scale.learn(["yes", "No", ""])
        >>> scale.value("YES"), scale.value("2.5"), Scale.learn(["0", "2.5"]).value("2,5")
        (1.0, None, 2.5)
    """

    verdicts: bool

    @classmethod
    def learn(cls, cells: Iterable[str]) -> Scale:
        """Return verdicts where all cells that are not empty are such, else numbers."""
        return cls(all(_verdict(cell) is not None for cell in set(cells) if cell))

    def value(self, cell: str) -> float | None:
        """Return the score that `cell` is, None where it is none."""
        return _verdict(cell) if self.verdicts else number_of(cell)

    @property
    def wanted(self) -> str:
        """What a score should be, in words."""
        return "yes or no" if self.verdicts else "a number"


def _verdict(cell: str) -> float | None:
    return VERDICTS.get(fold(plain_number(cell)))

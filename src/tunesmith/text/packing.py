"""Several short sequences on one row, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Sequence


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Return rows of at most `room` tokens, as positions in `lengths`: the longest first, each where it first fits.

    A sequence longer than `room` has a row of its own. No packing needs over 11/9 of the rows that the best one does.

    Source: Johnson 1973, Near-optimal bin packing algorithms (first fit decreasing).

    Example:
        >>> pack([5, 3, 4, 2], room=8)
        [[0, 1], [2, 3]]
    """
    rows: list[list[int]] = []
    left: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        row = next((row for row, free in enumerate(left) if free >= lengths[at]), None)
        if row is None:
            rows.append([at])
            left.append(room - lengths[at])
        else:
            rows[row].append(at)
            left[row] -= lengths[at]
    return rows

"""What two texts have in common, counted in runs of words or characters: the ground of chrF, BLEU and ROUGE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.evaluation.figure import Array

__all__ = ["shared_runs"]

_CHUNK = 1_000_000
"""Tokens that are sorted at once: about 0.1 GB."""


def shared_runs(references: Sequence[Sequence[str]], written: Sequence[Sequence[str]], longest: int) -> Array:
    """Return of each row, for runs of 1 to `longest` tokens, how many were written, asked for and shared.

    A run is shared as often as both sides hold it.

    Args:
        references: N texts in tokens; a string is a text in characters.
        written: N texts in tokens.
        longest: L.

    Returns:
        [N, L, 3].

    Cost: 1,000 rows of 200 characters on either side, L = 6: 0.3 s.

    Example:
        >>> shared_runs(["abab"], ["abba"], 2).tolist()
        [[[4.0, 4.0, 4.0], [3.0, 3.0, 2.0]]]
    """
    parts = [_shared(references[start:end], written[start:end], longest) for start, end in _chunks(references, written)]
    return np.concatenate(parts) if parts else np.zeros((0, longest, 3))


def _chunks(references: Sequence[Sequence[str]], written: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Yield the bounds of as many rows as are counted at once."""
    start = size = 0
    for row, (reference, text) in enumerate(zip(references, written, strict=True)):
        size += len(reference) + len(text)
        if size > _CHUNK or row == len(references) - 1:
            yield start, row + 1
            start, size = row + 1, 0


def _shared(references: Sequence[Sequence[str]], written: Sequence[Sequence[str]], longest: int) -> Array:
    texts, rows = [*references, *written], len(references)
    numbers: dict[str, int] = {}
    token = np.fromiter((numbers.setdefault(one, len(numbers)) for text in texts for one in text), dtype=np.int64)
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    row_of, is_written = text_of % max(1, rows), text_of >= rows
    found = np.zeros((rows, longest, 3))
    run = row_of  # which run begins at each token, told apart between rows too: here that of no tokens
    for size in range(1, longest + 1):
        whole = text_of[: len(token) - size + 1] == text_of[size - 1 :]
        if not whole.any():
            break
        at = np.flatnonzero(whole)
        kinds, first, kind = np.unique(
            run[at] * len(numbers) + token[at + size - 1], return_index=True, return_inverse=True
        )
        said = np.bincount(kind, is_written[at], len(kinds))
        asked = np.bincount(kind, minlength=len(kinds)) - said
        for column, count in enumerate((said, asked, np.minimum(said, asked))):
            found[:, size - 1, column] = np.bincount(row_of[at[first]], count, rows)
        run = np.zeros(len(token), dtype=np.int64)
        run[at] = kind
    return found

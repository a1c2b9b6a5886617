"""Rows that stand twice: in one file with different targets, or in two files, of which one tests the other."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.duplicates import Array, Clusters
from tunesmith.data.findings import count_of, have, note_rows, shorten
from tunesmith.data.rows import Rows


def repeated(ids: Array) -> Array:
    """Return which entries have occurred before.

    Example:
        >>> repeated(np.array([4, 2, 4, 4])).tolist()
        [False, False, True, True]
    """
    found = np.ones(len(ids), dtype=bool)
    found[np.unique(ids, return_index=True)[1]] = False
    return found


def torn_places(ids: Array, values: Sequence[Hashable]) -> list[int]:
    """Return the places of all ids that stand with more than one value.

    Example:
        >>> torn_places(np.array([4, 2, 4, 2]), ["a", "b", "c", "b"])
        [0, 2]
    """
    places = np.flatnonzero(np.isin(ids, ids[repeated(ids)])).tolist()
    seen: dict[int, set[Hashable]] = {}
    for place in places:
        seen.setdefault(int(ids[place]), set()).add(values[place])
    return [place for place in places if len(seen[int(ids[place])]) > 1]


def conflict_findings(
    code: str, rows: Rows, ids: Array, values: Sequence[Hashable], what: str, remedy: str, *, noun: str = "text"
) -> Iterator[Finding]:
    """Yield a warning if equal rows of a file have different targets.

    Args:
        ids: [N] equal for rows that say the same.
        values: [N] what must then be equal.
        what: that such a `noun` has.
    """
    torn = torn_places(ids, values)
    if torn:
        yield note_rows(
            code, "warning", rows.name,
            f"{have(len(np.unique(ids[torn])), noun)} {what}, in {count_of(len(torn), 'row')}, such as "
            f'"{shorten(rows.texts[0][torn[0]], 50)}".',
            remedy, rows.numbers[torn].tolist(),
        )  # fmt: skip


def leak_findings(
    files: Mapping[str, Rows], parts: Mapping[str, Clusters], codes: tuple[str, str], what: str, remedy: str
) -> Iterator[Finding]:
    """Yield a warning where dev or test has what train has, and where test has what dev has.

    Args:
        files: split → rows.
        parts: split → clusters of its rows.
        codes: of what is the same, and of what is nearly the same.
        what: is the same, such as "text".
        remedy: with `{left}` for the earlier split and `{right}` for the later.
    """
    for left, right in (("train", "dev"), ("train", "test"), ("dev", "test")):
        if left not in files or right not in files:
            continue
        rows = files[right]
        exact = np.isin(parts[right].same, parts[left].same)
        near = np.isin(parts[right].near, parts[left].near) & ~exact
        for code, places, how in zip(codes, (exact, near), ("the same", "nearly the same"), strict=True):
            if places.any():
                numbers = rows.numbers[places].tolist()
                yield note_rows(
                    code, "warning", rows.name,
                    f"{have(len(numbers), 'row')} {how} {what} as a row of {files[left].name}: "
                    f"{len(numbers) / len(rows):.1%} of {len(rows):,}.",
                    remedy.format(left=left, right=right), numbers,
                )  # fmt: skip

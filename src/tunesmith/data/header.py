"""Whether the first row names the columns, and what they are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tunesmith.data.names import is_known

MAX_NAME = 60
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?%?$")


def is_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Return whether `first` reads like names of columns rather than like a row of data.

    A known name (text, label, …) settles it. Otherwise a number, a long cell, or a value that its column repeats
    says that the row is data.

    Example:
        >>> is_header(["label", "review"], [["1", "tasty"]])
        True
        >>> is_header(["ham", "see you at five"], [["spam", "you have won"], ["ham", "ok"]])
        False
    """
    cells = [cell.strip() for cell in first]
    if not any(cells):
        return False
    known = any(is_known(cell) for cell in cells)
    columns: list[Counter[str]] = [Counter() for _ in cells]
    for row in body:
        if not known or list(row) != list(first):  # files that were pasted together repeat their header
            for values, cell in zip(columns, row, strict=False):
                values[cell.strip()] += 1
    repeats = max((values[cell] for cell, values in zip(cells, columns, strict=True) if cell), default=0)
    if known:
        return repeats < 2
    if repeats or any(len(cell) > MAX_NAME or NUMBER.match(cell) for cell in cells):
        return False
    return not _reads_like_prose(cells, columns)


def _reads_like_prose(cells: Sequence[str], columns: Sequence[Counter[str]]) -> bool:
    """Return whether a cell is a sentence as the rest of its column is: several words, or unspaced script."""
    for cell, values in zip(cells, columns, strict=True):
        sample = list(values)[:200]
        if not sample:
            continue
        wordy = sum(1 for value in sample if len(value.split()) >= 4) * 2 > len(sample)
        unspaced = sum(1 for value in sample if len(value) >= 8 and not value.isascii()) * 2 > len(sample)
        if (wordy and len(cell.split()) >= 4) or (unspaced and len(cell) >= 8 and not cell.isascii()):
            return True
    return False


def column_names(
    header: Sequence[str] | None, body: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a distinct name per column, and those that had to be made up.

    Args:
        header: the header row, None where there is none.
        body: the rows below it.
    """
    widths = Counter(map(len, body))
    usual = max(widths, key=lambda width: (widths[width], width)) if widths else 0
    if header is None:
        return distinct_names([""] * usual)
    names = [cell.strip() for cell in header]
    # Statistics programs write row numbers without a name for their column.
    if usual == len(header) + 1 and all(row and NUMBER.match(row[0].strip()) for row in body):
        names.insert(0, "")
    while len(names) > 1 and not names[-1]:  # empty trailing names hold what spilled over from the last column
        names.pop()
    return distinct_names(names)


def distinct_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `names` with unnamed ones numbered and repeated ones told apart, and the made-up ones.

    Example:
        >>> distinct_names(["text", "", "text"])
        (('text', 'column2', 'text_2'), ('column2', 'text_2'))
    """
    result: list[str] = []
    renamed: list[str] = []
    for place, name in enumerate(names, start=1):
        unique, number = name or f"column{place}", 2
        while unique in result:
            unique, number = f"{name or f'column{place}'}_{number}", number + 1
        result.append(unique)
        if unique != name:
            renamed.append(unique)
    return tuple(result), tuple(renamed)

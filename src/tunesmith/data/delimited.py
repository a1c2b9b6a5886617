"""Rows of csv, tsv and their kin: read strictly, mended where a line is torn, and every mend counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TextIO

from tunesmith.data.dialect import Dialect, newline_of, sample_of, sniff
from tunesmith.data.encoding import Encoding, detect_encoding
from tunesmith.data.source import Source, reading

Mend = Literal["", "joined", "quote", "short", "long", "torn", "header", "damaged"]
"""What was wrong with a row: surplus cells joined, a stray quote read as text, too few cells, too many cells,
cut off inside a quoted cell, the header once more, unreadable characters."""

MAX_CELL_LINES = 200
"""A cell whose quotes are wrong is looked for in at most this many lines."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A delimited file ready to be read: the text after `dialect.skip`, and what was found out."""

    file: TextIO
    encoding: Encoding
    dialect: Dialect


@contextmanager
def open_delimited(source: Source, header: bool | None = None) -> Iterator[Opened]:
    """Detect encoding and dialect of `source` and open it as text."""
    with reading(source.name):
        with source.open() as raw:
            encoding = detect_encoding(raw)
        with io.TextIOWrapper(source.open(), encoding.name, encoding.errors, newline="") as file:
            newline = newline_of(file.read(1 << 20))
        with io.TextIOWrapper(source.open(), encoding.name, encoding.errors, newline=newline) as file:
            dialect = sniff(sample_of(file), newline, suffix=source.suffix, header=header)
        with io.TextIOWrapper(source.open(), encoding.name, encoding.errors, newline=newline) as file:
            for _ in range(dialect.skip):
                next(file)
            yield Opened(file, encoding, dialect)


class _Lines:
    """Lines that remember which of them the current record took, and take back those it should not have."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._back: list[str] = []
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._file)
        self.taken.append(line)
        return line

    def give_back(self, lines: Sequence[str]) -> None:
        """Return `lines` to be read again, in order."""
        self._back.extend(reversed(lines))


def records(opened: Opened) -> Iterator[tuple[list[str], Mend]]:
    """Yield every row after the header as cells, with what was mended; blank lines are not rows.

    A strict reader notices quotes that close in the middle of a cell or never. The line where such a cell begins is
    then read with its quotes as text, if that gives the right number of cells, and the lines that the cell had
    swallowed are read again.
    """
    dialect = opened.dialect
    lines = _Lines(opened.file)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    csv.field_size_limit(1 << 30)  # the default refuses cells over 128 KiB, and documents are longer
    reader = csv.reader(lines, delimiter=dialect.delimiter, quoting=quoting, strict=True)
    width, watch = dialect.width, opened.encoding.errors == "replace"
    heading = dialect.has_header
    head: list[str] = []
    while True:
        lines.taken.clear()
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        mend: Mend = ""
        if cells is None or len(cells) != width or len(lines.taken) > 1:
            if cells == [] or not any(line.strip() for line in lines.taken):
                continue
            if heading:
                heading, head = False, cells if cells is not None else _plain(lines.taken[0], dialect)
                continue
            cells, mend = _mend(cells, lines, dialect)
        if heading:
            heading, head = False, cells
            continue
        if cells == head:
            mend = "header"
        elif watch and not mend and any("\ufffd" in cell for cell in cells):
            mend = "damaged"
        yield cells, mend


def _mend(cells: list[str] | None, lines: _Lines, dialect: Dialect) -> tuple[list[str], Mend]:
    """Return the cells of the record that began with the first line taken, and give back what is not part of it."""
    taken = list(lines.taken)
    if cells is not None and not (len(taken) > 1 and _are_rows(taken, dialect)):
        fitted, mend = _fit(cells, dialect)
        if mend in ("", "joined") or len(taken) > 1 or '"' not in taken[0]:
            return fitted, mend
    first, rest = taken[0], taken[1:]
    for cells, fits in ((_loose(first, dialect), _is_plausible), (_plain(first, dialect), _is_familiar)):
        if len(cells) == dialect.width and fits(cells, dialect) and not _is_open(first, cells, rest, dialect):
            lines.give_back(rest)
            return cells, "quote"
    for end in range(2, min(len(taken), MAX_CELL_LINES) + 1):
        if _is_whole_row(taken[end - 1], dialect):
            break
        cells = _loose("".join(taken[:end]), dialect)
        if len(cells) == dialect.width:
            lines.give_back(taken[end:])
            return cells, "quote"
    lines.give_back(rest)
    cells, mend = _fit(_plain(first, dialect), dialect)
    return cells, mend or "torn"


def _is_open(first: str, cells: Sequence[str], rest: Sequence[str], dialect: Dialect) -> bool:
    """Return whether the first line alone, though it has the right number of cells, is only half a row.

    So it is where its last cell opened a quote and the next line does not look like a row of its own.
    """
    if not (rest and cells) or not cells[-1].lstrip().startswith('"') or cells[-1].rstrip().endswith('"'):
        return False
    return not _is_row(rest[0], dialect)


def _is_row(line: str, dialect: Dialect) -> bool:
    """Return whether `line` alone is a row: its cells fit, and its labels are ones that the first lines had."""
    cells, mend = _fit(_plain(line, dialect), dialect)
    return mend in ("", "joined") and _is_familiar(cells, dialect)


def _is_whole_row(line: str, dialect: Dialect) -> bool:
    """Return whether `line` is a row that begins and ends here: its quotes are in pairs, too."""
    if line.count('"') % 2:
        return False
    try:
        cells = next(csv.reader([line], delimiter=dialect.delimiter, strict=True), [])
    except csv.Error:
        cells = _plain(line, dialect)
    return len(cells) == dialect.width and _is_familiar(cells, dialect)


def _are_rows(lines: Sequence[str], dialect: Dialect) -> bool:
    """Return whether `lines`, which a quoted cell has swallowed, are rows by themselves: all, or one in the middle.

    Prose within a cell can have the right number of commas by chance, so the columns of labels must hold known labels;
    where there are none, more than a few lines must agree to the cell.
    """
    if any(dialect.familiar):
        whole = any(_is_whole_row(line, dialect) for line in lines[1:-1])
        return whole or all(_is_row(line, dialect) for line in lines)
    if len(lines) < 4 and dialect.delimiter != "\t":
        return False
    return all(len(_plain(line, dialect)) == dialect.width for line in lines)


def _is_familiar(cells: Sequence[str], dialect: Dialect) -> bool:
    """Return whether the cells of label columns hold labels that the first lines had."""
    return all(not known or cell.strip() in known for cell, known in zip(cells, dialect.familiar, strict=True))


def _is_plausible(cells: Sequence[str], dialect: Dialect) -> bool:
    """Return whether the cells of label columns hold labels met before, or ones that look alike."""
    for cell, known in zip(cells, dialect.familiar, strict=True):
        value = cell.strip()
        if known and value not in known and (not value or len(value) > max(map(len, known)) or " " in value):
            return False
    return True


def _fit(cells: list[str], dialect: Dialect) -> tuple[list[str], Mend]:
    """Bring `cells` to the width of the table: drop empty surplus, join surplus text, fill up what is missing."""
    width = dialect.width
    while dialect.padded and len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) == width:
        return cells, ""
    if len(cells) < width:
        return cells + [""] * (width - len(cells)), "short"
    place = dialect.surplus
    if place is not None:
        end = place + len(cells) - width + 1
        joined = [*cells[:place], dialect.delimiter.join(cells[place:end]), *cells[end:]]
        if _is_plausible(joined, dialect):
            return joined, "joined"
    return [*cells[: width - 1], dialect.delimiter.join(cells[width - 1 :])], "long"


def _plain(line: str, dialect: Dialect) -> list[str]:
    """Split a line at every delimiter, quotes being text; a pair around a whole cell is taken off."""
    cells = line.rstrip("\r\n").split(dialect.delimiter)
    return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' and dialect.quoted else cell for cell in cells]


def _loose(text: str, dialect: Dialect) -> list[str]:
    """Split a record whose quoted cells may hold quotes: only one before a delimiter or the end closes a cell.

    Returns an empty list where a quoted cell does not end.
    """
    text, cells, start, mark = text.rstrip("\r\n"), [], 0, dialect.delimiter
    while True:
        if text.startswith('"', start):
            end = text.find('"' + mark, start + 1)
            if end < 0:
                if not text.endswith('"') or len(text) == start + 1:
                    return []
                end = len(text) - 1
            cells.append(text[start + 1 : end].replace('""', '"'))
            start = end + 1
        else:
            end = text.find(mark, start)
            end = len(text) if end < 0 else end
            cells.append(text[start:end])
            start = end
        if start >= len(text):
            return cells
        start += 1
        if start == len(text):  # the record ends with a delimiter
            return [*cells, ""]

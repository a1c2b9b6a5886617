"""How a delimited file is written: delimiter, quotes, line ends, header, and where surplus cells belong."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TextIO

from tunesmith.data.header import column_names, is_header

DELIMITERS = (",", "\t", ";", "|")
SAMPLE_LINES = 4000
SAMPLE_CHARACTERS = 4_000_000
FAMILIAR_VALUES = 200
"""A column with no more distinct values than this, each met twice on average, holds labels."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the first lines say of the whole file.

    Args:
        delimiter: between cells.
        quoted: whether a double quote at the start of a cell opens a quoted cell.
        newline: what `open` needs so that one line is one line.
        skip: lines before the header (`sep=;`, as spreadsheets write it).
        names: a name per column, made up where the file has none.
        has_header: whether the first row is the header.
        surplus: the column that surplus cells belong to, None where that is not plain.
        padded: whether rows end in empty cells beyond the last column, as spreadsheets write them.
        familiar: per column the values met in the first lines, empty for a column that does not hold labels.
        renamed: columns without a name of their own, or with one that was there before.
    """

    delimiter: str
    quoted: bool
    newline: str
    skip: int
    names: tuple[str, ...]
    has_header: bool
    surplus: int | None
    padded: bool
    familiar: tuple[frozenset[str], ...]
    renamed: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of named columns."""
        return len(self.names)


def newline_of(text: str) -> str:
    """Return the `newline` argument for `open`: a lone CR ends a line only where it usually does."""
    returns = text.count("\r") - text.count("\r\n")
    return "\r" if returns > text.count("\n") else "\n"


def sample_of(file: TextIO) -> list[str]:
    """Return the first lines of `file`, at most `SAMPLE_LINES` lines and about `SAMPLE_CHARACTERS` characters."""
    lines: list[str] = []
    size = 0
    for line in islice(file, SAMPLE_LINES):
        lines.append(line)
        size += len(line)
        if size > SAMPLE_CHARACTERS:
            break
    return lines


def sniff(lines: Sequence[str], newline: str, *, suffix: str = "", header: bool | None = None) -> Dialect:
    """Return the dialect of a file that begins with `lines`.

    Args:
        lines: as they stand, line ends included.
        newline: as `newline_of` says.
        suffix: of the file, which breaks ties (`.tsv` prefers a tab).
        header: whether the first row is the header; found out where None.
    """
    skip = 1 if lines and lines[0].strip().strip('"').lower().startswith("sep=") else 0
    told = lines[0].strip().strip('"')[4:5] if skip else ""
    lines = lines[skip:]
    delimiter, quoted = _delimiter(lines, told, suffix)
    rows = [row for row in parse(lines, delimiter, quoted) if any(cell.strip() for cell in row)]
    first, body = (rows[0], rows[1:]) if rows else ([], [])
    has_header = is_header(first, body) if header is None else header
    body = body if has_header else rows
    names, renamed = column_names(first if has_header else None, body)
    wide = [row for row in [first, *body] if len(row) > len(names)]
    padded = sum(1 for row in wide if not row[-1].strip()) * 2 > len(wide)
    if padded:
        body = [list(_trimmed(row, len(names))) for row in body]
    surplus, familiar = _roles(body, len(names))
    return Dialect(delimiter, quoted, newline, skip, names, has_header, surplus, padded, familiar, renamed)


def parse(lines: Iterable[str], delimiter: str, quoted: bool) -> list[list[str]]:
    """Return the cells of `lines` as a forgiving reader sees them."""
    csv.field_size_limit(1 << 30)  # the default refuses cells over 128 KiB, and documents are longer
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    try:
        return list(csv.reader(lines, delimiter=delimiter, quoting=quoting))
    except csv.Error:  # a bare CR inside a line, which ends it
        parts = [part for line in lines for part in io.StringIO(line, newline=None)]
        return [row for part in parts for row in csv.reader([part], delimiter=delimiter, quoting=quoting)]


def _delimiter(lines: Sequence[str], told: str, suffix: str) -> tuple[str, bool]:
    """Return delimiter and quoting under which most rows are as wide as the header."""
    preferred = {".tsv": "\t", ".tab": "\t", ".psv": "|"}.get(suffix, ",")
    has_quotes = any('"' in line for line in lines)
    best: tuple[tuple[float, bool, int], str] = ((0.0, False, 0), "")
    for delimiter in (told,) if told else DELIMITERS:
        share, width = max(_evenness(lines, delimiter, quoted) for quoted in {True, not has_quotes})
        if share > 0.3:
            best = max(best, ((round(share, 2), delimiter == preferred, width), delimiter))
    delimiter = best[1] or preferred
    return delimiter, not (has_quotes and _quotes_are_text(lines, delimiter))


def _evenness(lines: Sequence[str], delimiter: str, quoted: bool) -> tuple[float, int]:
    """Return the share of rows that are as wide as the first (or as most are), and that width; 0 for one column."""
    widths = [len(row) for row in parse(lines, delimiter, quoted) if row]
    if not widths or widths[0] == 1:
        return 0.0, 1
    usual = Counter(widths[1:] or widths).most_common(1)[0][0]
    return max((widths.count(width) / len(widths), width) for width in {widths[0], usual} if width > 1)


def _quotes_are_text(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether double quotes are ordinary characters here, as in files that were written without quoting.

    They are when nearly every line has the same number of cells without quoting, and most lines with a cell that begins
    with a quote break the rules of quoting.
    """
    plain = [row for row in parse(lines, delimiter, quoted=False) if row]
    width, rows = Counter(map(len, plain)).most_common(1)[0]
    if rows < 0.99 * len(plain) or width < 2:
        return False
    opened = [line for line in lines if line.startswith('"') or delimiter + '"' in line]
    broken = [line for line in opened if line.count(delimiter) == width - 1 and not _is_strict(line, delimiter)]
    return len(broken) * 2 > len(opened)


def _is_strict(line: str, delimiter: str) -> bool:
    """Return whether a line by itself obeys the rules of quoting."""
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True), None)
    except csv.Error:
        return False
    return True


def _roles(rows: Sequence[Sequence[str]], width: int) -> tuple[int | None, tuple[frozenset[str], ...]]:
    """Return where surplus cells belong, and the values of the columns that hold labels.

    Surplus cells are tried in every column. They belong where that column is then much longer than all others, and the
    others are shortest: a text that falls apart in the wrong place leaves pieces of it among the labels.
    """
    usable = [row for row in rows if len(row) >= width]
    if width < 2 or not usable:
        return (0 if width else None), (frozenset(),) * width
    best: tuple[float, int | None] = (float("inf"), None)
    for place in range(width):
        means = [sum(map(len, column)) / len(usable) for column in _columns(usable, width, place)]
        rest = [mean for column, mean in enumerate(means) if column != place]
        if max(rest) * 2 < means[place]:
            best = min(best, (sum(rest), place), key=lambda item: item[0])
    familiar = []
    for column in _columns(usable, width, width - 1 if best[1] is None else best[1]):
        values = frozenset(cell.strip() for cell in column)
        familiar.append(values if len(values) <= min(FAMILIAR_VALUES, len(usable) // 2) else frozenset[str]())
    surplus = None if best[1] is None or familiar[best[1]] else best[1]
    return surplus, tuple(familiar)


def _trimmed(row: Sequence[str], width: int) -> Sequence[str]:
    """Return a row without the empty cells behind its last column."""
    end = len(row)
    while end > width and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _columns(rows: Sequence[Sequence[str]], width: int, place: int) -> list[list[str]]:
    """Return the columns of rows whose surplus cells are joined at `place`."""
    columns: list[list[str]] = [[] for _ in range(width)]
    for row in rows:
        surplus = len(row) - width
        for column, cells in enumerate(columns):
            if column == place:
                cells.append(" ".join(row[place : place + surplus + 1]))
            else:
                cells.append(row[column + surplus * (column > place)])
    return columns

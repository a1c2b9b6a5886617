"""Read rows of any kind of file, whole or in pieces, without ever losing one silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa

from tunesmith.core.report import Finding
from tunesmith.data.arrays import join_tables, to_table
from tunesmith.data.delimited import Mend, Opened, open_delimited, records
from tunesmith.data.findings import count_of, note_rows, raise_errors, shorten
from tunesmith.data.jsons import Record, json_records, jsonl_records
from tunesmith.data.names import is_known
from tunesmith.data.source import Source, open_source
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError

OnBadRow = Literal["error", "skip", "keep"]
CHUNK_ROWS = 20_000
TORN_SHARE = 0.5
"""Where more rows than this share are torn, the file is not what it seems, and leaving them out is no help."""


def read_table(source: str, *, on_bad_row: OnBadRow = "skip", header: bool | None = None) -> Table:
    """Read a whole source: csv, tsv, json, jsonl, parquet, xlsx, conll, each also gzipped; `-`; or `hub:NAME[:split]`.

    Args:
        source: a path, `-` for standard input, or `hub:NAME` with an optional `@configuration` and `:split`.
        on_bad_row: what to do with torn rows: stop, leave them out and say so, or keep them filled up with empty cells.
        header: whether the first row of a delimited file is its header; found out where None.

    Raises:
        InputError: the file cannot be read, or holds torn rows and `on_bad_row` is `error`; every row is named.
        MissingExtra: the library that this kind of file needs is not installed.

    Cost: two passes over a delimited file; memory for the columns, about the size of the file.
    """
    if source.startswith("hub:"):
        from tunesmith.data.hub import read_hub

        return read_hub(source)
    with open_source(source) as found:
        table = _READERS[found.format](found, on_bad_row, header)
        raise_errors(table.findings)
        _refuse_empty(table)
        return replace(table, sha256=found.sha256())


def iter_chunks(source: str, rows: int = 2000, *, header: bool | None = None) -> Iterator[pa.Table]:
    """Yield a source in tables of at most `rows` rows, every row kept: torn ones are filled up with empty cells.

    Delimited files, jsonl and parquet are streamed in constant memory; the other kinds are read first.

    Raises:
        InputError: the file cannot be read, or a jsonl line is not an object.
    """
    if source.startswith("hub:"):
        yield from _slices(read_table(source).data, rows)
        return
    with open_source(source) as found:
        if found.format == "delimited":
            with open_delimited(found, header) as opened:
                for cells, _, _ in _delimited_chunks(opened, rows):
                    yield _cells_table(cells, opened.dialect.names)
        elif found.format == "jsonl":
            for records_, _ in _jsonl_chunks(found, rows, _refuse_line(found)):
                yield to_table(records_)
        elif found.format == "parquet":
            from tunesmith.data.parquet import parquet_chunks

            yield from parquet_chunks(found, rows)
        else:
            yield from _slices(_READERS[found.format](found, "keep", header).data, rows)


def _slices(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, rows):
        yield table.slice(start, rows)


def _refuse_empty(table: Table) -> None:
    if table.rows_read == 0:
        raise InputError(Fault("K128", table.name, "it has a header and no row.", "Give a file with rows."))
    if len(table) < table.rows_read * (1 - TORN_SHARE):
        raise InputError(
            Fault(
                "K104", table.name, f"{table.rows_read - len(table):,} of {table.rows_read:,} rows are torn.",
                "Check delimiter and quotes of the file, or set data.on_bad_row=keep to take the rows as they are.",
            )
        )  # fmt: skip


# --- delimited ---------------------------------------------------------------------------------------------------


def _delimited_chunks(opened: Opened, size: int) -> Iterator[tuple[list[list[str]], list[int], list[tuple[int, Mend]]]]:
    """Yield (rows of cells, their numbers, mends with row numbers)."""
    cells_of: list[list[str]] = []
    numbers: list[int] = []
    mends: list[tuple[int, Mend]] = []
    for number, (cells, mend) in enumerate(records(opened), start=1):
        if mend:
            mends.append((number, mend))
        cells_of.append(cells)
        numbers.append(number)
        if len(cells_of) == size:
            yield cells_of, numbers, mends
            cells_of, numbers, mends = [], [], []
    if cells_of:
        yield cells_of, numbers, mends


def _cells_table(cells: list[list[str]], names: tuple[str, ...]) -> pa.Table:
    columns = zip(*cells, strict=True) if cells else [()] * len(names)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=list(names))


def _read_delimited(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    left_out = {"header"} if on_bad_row == "keep" else {"header", "short", "long", "torn"}
    tables, kept, read = [], [], 0
    mended: dict[Mend, list[int]] = {}
    with open_delimited(source, header) as opened:
        for cells, numbers, mends in _delimited_chunks(opened, CHUNK_ROWS):
            read = numbers[-1]
            for number, mend in mends:
                mended.setdefault(mend, []).append(number)
            bad = {number for number, mend in mends if mend in left_out}
            if bad:
                cells = [row for row, number in zip(cells, numbers, strict=True) if number not in bad]
                numbers = [number for number in numbers if number not in bad]
            tables.append(_cells_table(cells, opened.dialect.names))
            kept.append(np.array(numbers, dtype=np.int64))
        data = pa.concat_tables(tables) if tables else _cells_table([], opened.dialect.names)
        rows = np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
        findings = (*_file_findings(source, opened), *_mend_findings(source, mended, on_bad_row))
        return Table(source.name, data, rows, read, "", findings, _file_guesses(source, opened, header))


def _file_findings(source: Source, opened: Opened) -> Iterator[Finding]:
    encoding, dialect = opened.encoding, opened.dialect
    if encoding.name not in ("utf-8", "utf-8-sig"):
        yield note_rows(
            "K102", "note", source.name, f"the text was read as {encoding.name}, which the bytes look like.",
            "If letters look wrong, save the file as UTF-8.",
        )  # fmt: skip
    if not dialect.has_header:
        yield note_rows(
            "K111", "note", source.name, f"no header: the columns are called {', '.join(dialect.names)}.",
            "If the first row is a header, set data.header=true.",
        )  # fmt: skip
    elif dialect.renamed:
        yield note_rows(
            "K112", "note", source.name, f"columns without a name of their own are called {', '.join(dialect.renamed)}."
        )


def _file_guesses(source: Source, opened: Opened, header: bool | None) -> tuple[str, ...]:
    dialect = opened.dialect
    said = []
    if dialect.width > 1 and dialect.delimiter != {".tsv": "\t", ".tab": "\t"}.get(source.suffix, ","):
        mark = {"\t": "a tab", ";": "a semicolon", "|": "a bar", ",": "a comma"}.get(
            dialect.delimiter, dialect.delimiter
        )
        said.append(f"{source.name}: cells are separated by {mark}.")
    if not dialect.quoted:
        said.append(f"{source.name}: double quotes are ordinary characters, since most of them never close.")
    if not dialect.has_header and header is None:
        said.append(f"{source.name}: the first row was taken as data; change that with --set data.header=true.")
    elif header is None and not any(map(is_known, dialect.names)):
        shown = ", ".join(f'"{shorten(name, 30)}"' for name in dialect.names[:4])
        said.append(f"{source.name}: the first row ({shown}) was taken as header; change that with data.header=false.")
    return tuple(said)


_MENDS: dict[Mend, tuple[str, Literal["note", "warning"], str, str]] = {
    "joined": ("K105", "warning", "{n} had more cells than the header; the surplus was joined into the text.",
               "Quote texts that hold the delimiter."),
    "quote": ("K110", "warning", "{n} opened a quote that does not close properly; it was read as text.",
              "Look at the rows, and double quotes inside quoted cells."),
    "damaged": ("K102", "warning", "{n} held characters that could not be decoded; they were replaced.",
                "Look at the rows, and save the file as UTF-8."),
    "short": ("K104", "warning", "{n} had fewer cells than the header{what}.",
              "Mend the rows; quote texts that hold line breaks. data.on_bad_row: error, skip or keep."),
    "long": ("K104", "warning", "{n} had more cells than the header, and it is not plain where they belong{what}.",
             "Quote texts that hold the delimiter. data.on_bad_row: error, skip or keep."),
    "torn": ("K104", "warning", "{n} ended inside a quoted cell{what}.",
             "Mend the rows. data.on_bad_row: error, skip or keep."),
    "header": ("K104", "warning", "{n} repeated the header and was left out.", "Remove the row."),
}  # fmt: skip


def _mend_findings(source: Source, mended: dict[Mend, list[int]], on_bad_row: OnBadRow) -> Iterator[Finding]:
    what = {"skip": "; left out", "keep": "; kept, filled up or joined at the end", "error": ""}[on_bad_row]
    for mend, (code, severity, message, remedy) in _MENDS.items():
        if rows := mended.get(mend):
            stops = on_bad_row == "error" and mend in ("short", "long", "torn")
            text = message.format(n=count_of(len(rows), "row"), what=what)
            yield note_rows(code, "error" if stops else severity, source.name, text, remedy, rows)


# --- json --------------------------------------------------------------------------------------------------------


def _jsonl_chunks(
    source: Source, size: int, refuse: Callable[[int, str], None]
) -> Iterator[tuple[list[Record], list[int]]]:
    rows: list[Record] = []
    numbers: list[int] = []
    for number, record in jsonl_records(source):
        if isinstance(record, str):
            refuse(number, record)
            continue
        rows.append(record)
        numbers.append(number)
        if len(rows) == size:
            yield rows, numbers
            rows, numbers = [], []
    if rows:
        yield rows, numbers


def _refuse_line(source: Source) -> Callable[[int, str], None]:
    def refuse(number: int, why: str) -> None:
        raise InputError(Fault("K130", f"{source.name} line {number}", f"{why}.", "Mend the line."))

    return refuse


def _read_jsonl(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    bad: dict[int, str] = {}
    chunks = list(_jsonl_parts(source, bad))
    findings: tuple[Finding, ...] = ()
    if bad:
        first, why = next(iter(bad.items()))
        findings = (
            note_rows(
                "K130", "error" if on_bad_row == "error" else "warning", source.name,
                f"{count_of(len(bad), 'line')} could not be read as an object (line {first}: {why})"
                + ("." if on_bad_row == "error" else "; left out."),
                "Mend the lines. data.on_bad_row: error or skip.", list(bad),
            ),
        )  # fmt: skip
    data = join_tables([table for table, _ in chunks]) if chunks else pa.table({})
    rows = np.array([number for _, numbers in chunks for number in numbers], dtype=np.int64)
    return Table(source.name, data, rows, len(rows) + len(bad), "", findings)


def _jsonl_parts(source: Source, bad: dict[int, str]) -> Iterator[tuple[pa.Table, list[int]]]:
    for rows, numbers in _jsonl_chunks(source, CHUNK_ROWS, bad.__setitem__):
        yield to_table(rows), numbers


def _read_json(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    rows = json_records(source)
    if rows is None:
        return _read_jsonl(source, on_bad_row, header)
    return _counted(source.name, to_table(rows))


def _counted(name: str, data: pa.Table, guesses: tuple[str, ...] = ()) -> Table:
    return Table(name, data, np.arange(1, data.num_rows + 1), data.num_rows, "", (), guesses)


# --- binary ------------------------------------------------------------------------------------------------------


def _read_parquet(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    from tunesmith.data.parquet import parquet_chunks

    chunks = list(parquet_chunks(source, CHUNK_ROWS))
    return _counted(source.name, pa.concat_tables(chunks) if chunks else pa.table({}))


def _read_xlsx(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    from tunesmith.data.xlsx import read_sheet

    data, rows, guesses = read_sheet(source, header)
    return Table(source.name, data, rows, len(rows), "", (), guesses)


def _read_conll(source: Source, on_bad_row: OnBadRow, header: bool | None) -> Table:
    from tunesmith.data.conll import read_conll

    return read_conll(source, on_bad_row)


_READERS: dict[str, Callable[[Source, OnBadRow, bool | None], Table]] = {
    "delimited": _read_delimited,
    "json": _read_json,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "xlsx": _read_xlsx,
    "conll": _read_conll,
}

"""Rows of Excel workbooks."""

from __future__ import annotations

import io
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from tunesmith.data.arrays import cell_text
from tunesmith.data.header import column_names, is_header
from tunesmith.data.source import Source, reading
from tunesmith.errors import Fault, InputError, MissingExtra


def read_sheet(source: Source, header: bool | None) -> tuple[pa.Table, np.ndarray[Any, Any], tuple[str, ...]]:
    """Return the first sheet that has rows, the row numbers below its header, and which sheet it was.

    Raises:
        MissingExtra: openpyxl is not installed.
        InputError: the file is no workbook.
    """
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise MissingExtra(f"reading {source.name}", "openpyxl", "xlsx") from None
    with reading(source.name):
        try:
            with source.open() as file:
                book = load_workbook(io.BytesIO(file.read()), read_only=True, data_only=True)
        except (BadZipFile, KeyError, InvalidFileException, ValueError) as error:
            raise InputError(
                Fault(
                    "K103", source.name, f"this is not an xlsx workbook ({error}).", "Save it again as .xlsx or .csv."
                )
            ) from None
    titles = list(book.sheetnames)
    for sheet in book.worksheets:
        rows = [[cell_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        while rows and not any(cell.strip() for cell in rows[-1]):
            rows.pop()
        if rows:
            data, numbers = _sheet_table(rows, header)
            others = [title for title in titles if title != sheet.title]
            guess = f'{source.name}: sheet "{sheet.title}" was read; not read: {", ".join(others)}.' if others else ""
            return data, numbers, (guess,) if guess else ()
    raise InputError(Fault("K128", source.name, "no sheet of the workbook has a row.", "Give a workbook with rows."))


def _sheet_table(rows: list[list[str]], header: bool | None) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    start = next(place for place, row in enumerate(rows) if any(cell.strip() for cell in row))
    has_header = is_header(rows[start], rows[start + 1 :]) if header is None else header
    body = rows[start + has_header :]
    names, _ = column_names(rows[start] if has_header else None, body)
    width = max([len(names), *map(len, rows)])
    numbers = [number for number, row in enumerate(body, start=1) if any(cell.strip() for cell in row)]
    filled = [body[number - 1] + [""] * (width - len(body[number - 1])) for number in numbers]
    columns = [pa.array([row[place] for row in filled], pa.string()) for place in range(len(names))]
    return pa.table(columns, names=list(names)), np.array(numbers, dtype=np.int64)

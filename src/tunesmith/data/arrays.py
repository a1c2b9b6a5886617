"""Values in columns: compact Arrow arrays, and back to Python."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa


def to_array(values: Sequence[Any]) -> pa.Array:
    """Return values of any JSON type as an Arrow array: numbers, truth values, lists of strings, else strings."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str}:
        return pa.array(values, pa.string())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {int, float}:
        try:
            return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
        except (pa.ArrowInvalid, OverflowError):  # numbers beyond 64 bits are names
            return pa.array([None if value is None else str(value) for value in values], pa.string())
    if kinds == {list} and all(_is_flat(value) for value in values if value is not None):
        lists = [None if value is None else [cell_text(item) for item in value] for value in values]
        return pa.array(lists, pa.list_(pa.string()))
    return pa.array([None if value is None else cell_text(value) for value in values], pa.string())


def _is_flat(values: Iterable[Any]) -> bool:
    return all(not isinstance(value, list | dict) for value in values)


def to_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table with a column for every key that occurs, in order of appearance."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    return pa.table({name: to_array([row.get(name) for row in rows]) for name in names})


def join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables one under the other; columns of differing types become numbers where all are, else strings."""
    names = list(dict.fromkeys(name for table in tables for name in table.column_names))
    columns = {}
    for name in names:
        parts = [table[name] if name in table.column_names else pa.nulls(table.num_rows) for table in tables]
        kinds = {part.type for part in parts if part.null_count < len(part)}
        kind = _common(kinds)
        chunks: list[pa.Array] = []
        for part in parts:
            chunks.extend(
                _cast(chunk, kind) for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])
            )
        columns[name] = pa.chunked_array(chunks, kind)
    return pa.table(columns)


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) == 1:
        return kinds.pop()
    if kinds and all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    return pa.string()


def _cast(chunk: pa.Array, kind: pa.DataType) -> pa.Array:
    if chunk.type == kind:
        return chunk
    if chunk.null_count == len(chunk):
        return pa.nulls(len(chunk), kind)
    if kind == pa.string():
        return pa.array([None if value is None else cell_text(value) for value in chunk.to_pylist()], kind)
    return chunk.cast(kind)


def cell_text(value: Any) -> str:
    """Return a cell as text: whole floats without their `.0`, lists and objects as JSON, nothing as an empty string.

    Example:
        >>> cell_text(1.0), cell_text(None), cell_text(True), cell_text(["a"])
        ('1', '', 'true', '["a"]')
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def column_texts(column: pa.ChunkedArray) -> list[str]:
    """Return a column as strings, one per row; nothing is an empty string."""
    values = column.to_pylist()
    if column.type in (pa.string(), pa.large_string()) and column.null_count == 0:
        return list(values)
    return [cell_text(value) for value in values]


def is_list(column: pa.ChunkedArray) -> bool:
    """Return whether every cell of `column` is a list."""
    return bool(pa.types.is_list(column.type) or pa.types.is_large_list(column.type))


def is_number(column: pa.ChunkedArray) -> bool:
    """Return whether `column` holds numbers as such, not written in strings."""
    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))

"""Rows of parquet files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from tunesmith.data.arrays import to_array
from tunesmith.data.source import Source, reading
from tunesmith.errors import Fault, InputError


def parquet_chunks(source: Source, rows: int) -> Iterator[pa.Table]:
    """Yield the rows of a parquet file in tables of at most `rows` rows: strings, numbers and lists of strings.

    Class numbers, in lists too, get the names that the Hugging Face `datasets` library leaves in the metadata.
    """
    import pyarrow.parquet as pq

    with reading(source.name):
        try:
            file = pq.ParquetFile(io.BytesIO(source.open().read()) if source.compressed else source.path)
        except pa.ArrowInvalid as error:
            raise InputError(
                Fault("K101", source.name, f"this parquet file is damaged ({error}).", "Copy or download it again.")
            ) from None
        with file:
            names = class_names(file.schema_arrow.metadata)
            for batch in file.iter_batches(batch_size=rows):
                yield plain_table(pa.table(batch), names)


def class_names(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the class names by column that `datasets` wrote into the schema."""
    try:
        info = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features: dict[str, Any] = info.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    inner = {name: _inner(feature) for name, feature in features.items()}
    return {
        name: feature["names"]
        for name, feature in inner.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)
    }


def _inner(feature: Any) -> Any:
    """Return what a list is a list of; anything else as it is."""
    if isinstance(feature, list) and len(feature) == 1:
        return feature[0]
    return feature.get("feature", feature) if isinstance(feature, dict) else feature


def plain_table(table: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """Return `table` with columns of strings, whole numbers, fractions, truth values or lists of strings."""
    columns = {
        name: _plain(column, names.get(name)) for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pa.table(columns)


def _name(names: list[str], value: Any) -> str | None:
    return names[value] if isinstance(value, int) and value in range(len(names)) else None


def _plain(column: pa.ChunkedArray, names: list[str] | None) -> pa.ChunkedArray:
    kind = column.type
    if names and pa.types.is_integer(kind):
        column = pa.chunked_array([[_name(names, value) for value in column.to_pylist()]])
        return column.cast(pa.string())
    if names and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        lists = [items and [_name(names, value) for value in items] for items in column.to_pylist()]
        return pa.chunked_array([pa.array(lists, pa.list_(pa.string()))])
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return column
    array = to_array(
        [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in column.to_pylist()]
    )
    return pa.chunked_array([array])

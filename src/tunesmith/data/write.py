"""Write rows as they come: csv, jsonl or parquet, complete or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, cast

from tunesmith.data.arrays import cell_text
from tunesmith.errors import Fault, InputError, RunError, did_you_mean

Row = Mapping[str, Any]
WRITABLE = (".csv", ".tsv", ".jsonl", ".parquet")


class Writer:
    """Rows on their way into a file; the file appears under its name when everything is in it.

    Use it as a context manager: an error on the way leaves what was there before untouched.
    """

    def __init__(self, path: Path, sink: _Sink, temporary: Path) -> None:
        self._path, self._sink, self._temporary = path, sink, temporary
        self.rows = 0

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows; the first ones decide which columns a csv or parquet file has.

        Raises:
            InputError: a row has a column that the first ones had not, and the kind of file cannot take it.
            RunError: the disk is full or refuses.
        """
        if rows:
            with _disk(self._path):
                self._sink.write(rows)
            self.rows += len(rows)

    def close(self) -> None:
        """Finish the file and give it its name."""
        with _disk(self._path):
            self._sink.close()
            os.replace(self._temporary, self._path)

    def discard(self) -> None:
        """Drop what was written."""
        self._sink.abandon()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self.close()
            except BaseException:
                self.discard()
                raise
        else:
            self.discard()


def open_writer(path: str | Path) -> Writer:
    """Open a file for rows: `.csv`, `.tsv` or `.jsonl`, each also `.gz`, or `.parquet`.

    Raises:
        InputError: the suffix is another, or the folder does not exist.

    Example:
        with open_writer("out.jsonl.gz") as writer:
            writer.write([{"text": "where is my bike?", "label": "lost_item"}])
    """
    path = Path(path)
    packed = path.name.lower().endswith(".gz")
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix not in WRITABLE or (packed and suffix == ".parquet"):
        hint = did_you_mean(suffix, WRITABLE)
        raise InputError(
            Fault("K131", str(path), f'files of kind "{suffix or "none"}{".gz" if packed else ""}" are not written.',
                  f"{hint} Name a file that ends in .csv, .tsv, .jsonl (each also .gz) or .parquet.".strip())
        )  # fmt: skip
    if path.is_dir() or not path.parent.is_dir():
        what = "this is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise InputError(Fault("K131", str(path), f"{what}.", "Name a file in a folder that exists."))
    with _disk(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.chmod(name, 0o666 & ~_umask())
    sink: _Sink
    if suffix == ".parquet":
        sink = _Parquet(os.fdopen(handle, "wb"), path)
    else:
        text = _text(os.fdopen(handle, "wb"), packed)
        sink = (
            _JsonLines(text, path) if suffix == ".jsonl" else _Delimited(text, path, "\t" if suffix == ".tsv" else ",")
        )
    return Writer(path, sink, Path(name))


def refuse_overwriting(out: str | Path, *read: str | Path) -> None:
    """Refuse to write a file that is read from.

    Raises:
        InputError: `out` is one of them (K131).
    """
    path = Path(out).resolve()
    if any(str(source) != "-" and Path(source).resolve() == path for source in read):
        message = "it is read from, and what is not written again would be lost."
        raise InputError(Fault("K131", str(out), message, "Name another file."))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _text(raw: IO[bytes], packed: bool) -> _Text:
    # No name and no time in the gzip header: the same rows give the same bytes.
    outer = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) if packed else raw
    return _Text(io.TextIOWrapper(cast(BinaryIO, outer), encoding="utf-8", newline=""), raw)


class _Text:
    """A text file on top of a raw one, which must be synchronised before it gets its name."""

    def __init__(self, file: io.TextIOWrapper, raw: IO[bytes]) -> None:
        self.file, self._raw = file, raw

    def close(self) -> None:
        self.file.flush()
        if isinstance(self.file.buffer, gzip.GzipFile):
            self.file.close()  # writes the checksum, and leaves the raw file open
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self.abandon()

    def abandon(self) -> None:
        for file in (self.file, self._raw):
            with suppress(OSError):  # a full disk: the rest of the buffer has nowhere to go, and the file is dropped
                file.close()


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `RunError` that names the file."""
    try:
        yield
    except OSError as error:
        raise RunError(
            Fault("K131", str(path), f"the file cannot be written ({error.strerror or error}).",
                  "Make room, or write to another folder.")
        ) from None  # fmt: skip


class _Sink(ABC):
    @abstractmethod
    def write(self, rows: Sequence[Row]) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def abandon(self) -> None: ...


def _refuse_new(rows: Sequence[Row], names: Sequence[str], path: Path) -> None:
    known = set(names)
    new = sorted({name for row in rows for name in row if name not in known})
    if new:
        raise InputError(
            Fault("K131", str(path), f"rows came with columns that the first rows had not: {', '.join(new)}.",
                  "Write .jsonl, whose rows may differ.")
        )  # fmt: skip


class _Delimited(_Sink):
    def __init__(self, text: _Text, path: Path, delimiter: str) -> None:
        self._text, self._path = text, path
        self._writer = csv.writer(text.file, delimiter=delimiter, lineterminator="\n")
        self._names: list[str] = []

    def write(self, rows: Sequence[Row]) -> None:
        if not self._names:
            self._names = list(dict.fromkeys(name for row in rows for name in row))
            self._writer.writerow(self._names)
        _refuse_new(rows, self._names, self._path)
        self._writer.writerows([_cell(row.get(name)) for name in self._names] for row in rows)

    def close(self) -> None:
        self._text.close()

    def abandon(self) -> None:
        self._text.abandon()


def _cell(value: Any) -> str:
    """Return a cell: several labels as `a|b`, which is how they are read, and numbers with all their digits."""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "|".join(value)
    return cell_text(value)


class _JsonLines(_Sink):
    def __init__(self, text: _Text, path: Path) -> None:
        self._text = text

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._text.file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        self._text.close()

    def abandon(self) -> None:
        self._text.abandon()


def _table(rows: Sequence[Row]) -> Any:
    """Return rows as a table; lists of numbers, such as vectors, stay numbers."""
    import pyarrow as pa

    from tunesmith.data.arrays import to_table

    table = to_table(rows)
    for at, name in enumerate(table.column_names):
        values = [row.get(name) for row in rows]
        if all(isinstance(value, list) and value and all(isinstance(x, float) for x in value) for value in values):
            table = table.set_column(at, name, pa.array(values, pa.list_(pa.float64())))
    return table


class _Parquet(_Sink):
    """Row groups of what is written at once; the types are those of the first rows."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        self._raw, self._path = raw, path
        self._writer: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [{name: list(item) if isinstance(item, tuple) else item for name, item in row.items()} for row in rows]
        table = _table(rows)
        if self._writer is None:
            # A column without a value so far may hold text later on.
            fields = [
                pa.field(field.name, pa.string() if pa.types.is_null(field.type) else field.type)
                for field in table.schema
            ]
            self._writer = pq.ParquetWriter(self._raw, pa.schema(fields))
        schema = self._writer.schema
        _refuse_new(rows, schema.names, self._path)
        try:
            columns = [
                table[field.name].cast(field.type)
                if field.name in table.column_names
                else pa.nulls(len(rows), field.type)
                for field in schema
            ]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                Fault("K131", str(self._path), f"a column changes its type on the way ({error}).",
                      "Write .jsonl or .csv, which know no types.")
            ) from None  # fmt: skip
        self._writer.write_table(pa.table(columns, schema=schema))

    def close(self) -> None:
        if self._writer is None:
            self.write([{}])
        self._writer.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()

    def abandon(self) -> None:
        if self._writer is not None and not self._raw.closed:
            with suppress(OSError):  # on a full disk; the file is dropped anyway
                self._writer.close()
        self._raw.close()

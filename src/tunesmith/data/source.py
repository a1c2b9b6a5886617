"""Where rows come from: a file, a compressed file, or standard input."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from tunesmith.errors import Fault, InputError, did_you_mean

Format = Literal["delimited", "json", "jsonl", "parquet", "xlsx", "conll"]

SUFFIXES: dict[str, Format] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".psv": "delimited",
    ".txt": "delimited",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    **dict.fromkeys((".conll", ".conllu", ".bio", ".iob", ".iob2", ".iobes", ".bioes", ".bilou", ".bioul"), "conll"),
}
READABLE = "csv, tsv, json, jsonl, parquet, xlsx or conll (each also .gz)"
BLOCK = 1 << 20
HEAD = 1 << 16
"""Bytes from which the kind of a file is told; names are rare enough that a few lines may hold no tag but O."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be opened as often as needed.

    Args:
        name: as messages say it.
        path: where the bytes are; for standard input a temporary file.
        format: found in the first bytes, else in the suffix.
        compressed: whether the bytes are gzipped.
        suffix: of the name without `.gz`, in lower case; empty for standard input.
    """

    name: str
    path: Path
    format: Format
    compressed: bool
    suffix: str

    def open(self) -> BinaryIO:
        """Open the plain bytes."""
        return cast(BinaryIO, gzip.open(self.path, "rb")) if self.compressed else self.path.open("rb")

    def sha256(self) -> str:
        """Return the hash of the bytes as they lie on disk."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()


@contextmanager
def open_source(source: str) -> Iterator[Source]:
    """Find what `source` names (`-` is standard input, kept in a temporary file meanwhile).

    Raises:
        InputError: there is no such file, it is empty, damaged, or of a kind that is not read.
    """
    if source == "-":
        path = _spool(cast(BinaryIO, sys.stdin.buffer))
        try:
            yield _recognise("stdin", path, "")
        finally:
            path.unlink(missing_ok=True)
    else:
        yield _recognise(Path(source).name, _existing(source), source)


def _spool(stream: BinaryIO) -> Path:
    """Copy a stream to a temporary file: encoding and columns are found in a first pass, the rows in a second."""
    handle, name = tempfile.mkstemp(prefix="tunesmith-")
    with os.fdopen(handle, "wb") as file:
        while block := stream.read(BLOCK):
            file.write(block)
    return Path(name)


def _existing(source: str) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(
            Fault("K101", source, "this is a folder, and a file was expected.", "Name a file in it, such as train.csv.")
        )
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, siblings)
    raise InputError(Fault("K101", source, "there is no such file.", f"{hint} Check the path.".strip()))


def _recognise(name: str, path: Path, source: str) -> Source:
    with path.open("rb") as file:
        head = file.read(8)
    compressed = head.startswith(b"\x1f\x8b")
    try:
        with gzip.open(path, "rb") if compressed else path.open("rb") as plain:
            head = plain.read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(_damaged(name, error)) from None
    if not head.strip():
        raise InputError(Fault("K101", name, "the file is empty.", "Give a file with at least a header and a row."))
    bare = source.lower().removesuffix(".gz")
    suffix = Path(bare).suffix
    return Source(name, path, _format(name, head, suffix), compressed, suffix)


def _format(name: str, head: bytes, suffix: str) -> Format:
    """Believe the first bytes before the suffix: a spreadsheet saved as .csv is still a spreadsheet."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(
            Fault("K103", name, "this is an old .xls workbook.", "Save it as .xlsx or CSV UTF-8 and use that file.")
        )
    wanted = SUFFIXES.get(suffix)
    if suffix in ("", ".txt", ".tsv", ".tab") and _is_conll(head):
        return "conll"
    if wanted in ("parquet", "xlsx"):
        raise InputError(
            Fault("K103", name, f"the bytes are not {suffix}.", f"Save it again, as {READABLE}, with the right suffix.")
        )
    if wanted:
        return wanted
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "json" if first == b"[" else "jsonl" if first == b"{" else "delimited"


def _is_conll(head: bytes) -> bool:
    from tunesmith.data.conll import looks_conll

    return looks_conll(head.decode("utf-8-sig", "replace"), cut=len(head) == HEAD)


def _damaged(name: str, error: BaseException) -> Fault:
    return Fault(
        "K101", name, f"the file cannot be read ({error or type(error).__name__}).", "Copy or download it again."
    )


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what a damaged file raises into an `InputError` that names it."""
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        raise InputError(_damaged(name, error)) from None

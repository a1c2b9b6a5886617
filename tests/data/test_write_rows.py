"""What is written is read back, and nothing is left behind by an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tunesmith.data.read import read_table
from tunesmith.data.write import open_writer
from tunesmith.errors import InputError, RunError

ROWS: list[dict[str, Any]] = [
    {"text": 'a "quoted", text\nof lines', "n": 1, "score": 0.1, "label": "yes"},
    {"text": "häßlich 手机", "n": 2, "score": 1e-17, "label": "no"},
]


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.tsv", "o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_rows_come_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with open_writer(path) as writer:
        writer.write(ROWS)
        assert not path.exists()
        writer.write(ROWS[:1])
    found = read_table(str(path)).data.to_pylist()
    typed = name.startswith(("o.csv", "o.tsv"))
    expected = [{key: str(value) for key, value in row.items()} if typed else row for row in [*ROWS, ROWS[0]]]
    assert found == expected
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        with open_writer(tmp_path / name) as writer:
            writer.write(ROWS)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl.gz", "o.parquet"])
def test_an_error_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    writer = open_writer(path)
    writer.write(ROWS)
    with pytest.raises(ZeroDivisionError), writer:
        writer.write(ROWS[: 1 // 0])
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["o.csv", "o.parquet"])
def test_a_new_column_is_refused_where_it_would_be_lost(tmp_path: Path, name: str) -> None:
    writer = open_writer(tmp_path / name)
    writer.write(ROWS)
    with pytest.raises(InputError, match="later"), writer:
        writer.write([{**ROWS[0], "later": 1}])
    assert not list(tmp_path.iterdir())


def test_several_labels_are_written_as_they_are_read(tmp_path: Path) -> None:
    for name, cell in (("o.csv", "a|b"), ("o.jsonl", ["a", "b"]), ("o.parquet", ["a", "b"])):
        with open_writer(tmp_path / name) as writer:
            writer.write([{"text": "x y", "label": ("a", "b")}])
        assert read_table(str(tmp_path / name)).data["label"].to_pylist() == [cell]


@pytest.mark.parametrize("name", ["o.xlsx", "o", "o.parquet.gz", "missing/o.csv"])
def test_what_cannot_be_written_is_refused_before_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="K131"):
        open_writer(tmp_path / name)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"), open_writer(tmp_path / "o.csv") as writer:
        writer.write(ROWS)
    assert not list(tmp_path.iterdir())


def test_no_rows_still_give_a_file(tmp_path: Path) -> None:
    for name in ("o.csv", "o.parquet", "o.jsonl"):
        with open_writer(tmp_path / name):
            pass
        assert (tmp_path / name).exists()

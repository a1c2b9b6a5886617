"""Hidden states of rows: kept, bounded, shared, and computed again where a file is not what it should be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tunesmith.runs.states import ENDING, States, prune


def row(number: int, length: int = 5) -> np.ndarray:
    return np.full((length, 4), number, dtype=np.float32)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def filled(folder: Path, *numbers: int, **how: int) -> States:
    found = States(folder, 4, **how)
    for number in numbers:
        found.put(key(number), row(number, number + 1))
    return found


def test_rows_come_back_from_memory_and_from_a_file(tmp_path: Path) -> None:
    first = filled(tmp_path / "a", 1, 2)
    first.flush()
    assert not first.fresh
    for states in (first, States(tmp_path / "a", 4)):
        assert key(1) in states
        assert np.array_equal(states.read(key(2)), row(2, 3))  # type: ignore[arg-type]
        assert states.read(key(3)) is None


def test_what_is_more_than_memory_holds_goes_to_a_file(tmp_path: Path) -> None:
    states = filled(tmp_path / "a", *range(20), memory=400)
    assert len(list((tmp_path / "a").iterdir())) > 1
    assert sum(values.nbytes for values in states.fresh.values()) <= 400
    assert all(np.array_equal(states.read(key(at)), row(at, at + 1)) for at in range(20))  # type: ignore[arg-type]


def test_two_that_write_at_once_both_stand(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "a", 1, 2), filled(tmp_path / "a", 2, 3)
    one.flush()
    other.flush()
    assert all(key(number) in States(tmp_path / "a", 4) for number in (1, 2, 3))


def test_rows_of_another_width_or_kind_are_not_there(tmp_path: Path) -> None:
    filled(tmp_path / "a", 1).flush()
    assert key(1) not in States(tmp_path / "a", 8)
    [file] = (tmp_path / "a").iterdir()
    whole = file.read_bytes()
    for content in (b"", b"{}", whole[:20], whole[:-1], b"\xff" * 64, (2).to_bytes(8, "little") + b"[]"):
        file.write_bytes(content)
        states = States(tmp_path / "a", 4)
        assert states.read(key(1)) is None


def test_a_row_that_was_damaged_is_not_there(tmp_path: Path) -> None:
    filled(tmp_path / "a", 1, 2).flush()
    [file] = (tmp_path / "a").iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    states = States(tmp_path / "a", 4)
    assert sorted(states.read(key(number)) is None for number in (1, 2)) == [False, True]


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for at, name in enumerate("abc"):
        filled(tmp_path / name, 9).flush()
        [file] = (tmp_path / name).iterdir()
        os.utime(file, (at, at))
    size = file.stat().st_size
    States(tmp_path / "a", 4)  # it is used now
    prune(tmp_path, 2 * size)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
    filled(tmp_path / "d", 9, disk=size).flush()
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_what_a_kill_left_half_written_counts_and_goes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"x{ENDING}.fresh").write_bytes(bytes(1000))
    prune(tmp_path, 10)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file in the way")
    states = filled(tmp_path / "a" / "b", 1)
    states.flush()
    assert states.read(key(1)) is None

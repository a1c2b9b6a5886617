"""Texts in Arrow and examples that are made when asked for are what lists of them would be."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tunesmith.core.example import PairExample, TextExample, TextsOf, pick_examples, targets_of, texts_of
from tunesmith.data import minhash
from tunesmith.data.duplicates import join_groups
from tunesmith.data.load import load_splits
from tunesmith.data.split import split_examples, split_places
from tunesmith.data.texts import CHUNK, Texts, join_texts, pick_texts
from tunesmith.jobs.workshop import weigh
from tunesmith.recipe.schema import Data


def test_texts_are_found_by_place_slice_and_mask_across_chunks() -> None:
    plain = [f"text {number} é" for number in range(CHUNK + 7)]
    held = Texts.of(plain)
    assert list(held) == plain
    assert (len(held), held[0], held[-1], held[CHUNK]) == (len(plain), plain[0], plain[-1], plain[CHUNK])
    assert held[CHUNK - 2 : CHUNK + 2] == plain[CHUNK - 2 : CHUNK + 2]
    places = np.array([CHUNK + 3, 5, 5, 0])
    assert held.pick(places) == pick_texts(plain, places) == [plain[place] for place in places]
    mask = np.arange(len(plain)) % 3 == 1
    assert list(held.where(mask)) == plain[1::3]
    joined = join_texts([held, Texts.of(["a"]), Texts.of([])])
    assert isinstance(joined, Texts)
    assert (len(joined), joined[-1]) == (len(plain) + 1, "a")
    with pytest.raises(IndexError):
        held[len(plain)]


def test_cells_are_stripped_as_text_and_share_memory_where_nothing_changes() -> None:
    clean, ragged = pa.array(["a b", "c"]), pa.array([" d ", None, "e"])
    held = Texts.stripped(pa.chunked_array([clean, ragged]))
    assert list(held) == ["a b", "c", "d", "", "e"]
    assert held._chunks[0] is not ragged
    assert held._chunks[0].buffers()[2].address == clean.buffers()[2].address
    assert list(Texts.stripped(pa.chunked_array([pa.array([1.0, 2.5])]))) == ["1", "2.5"]


def test_a_digest_tells_texts_and_their_borders() -> None:
    found = {Texts.of(texts).digest() for texts in (["ab", "c"], ["a", "bc"], ["ab", "c", ""], ["c", "ab"])}
    assert len(found) == 4
    assert Texts.of(["ab", "c"]).digest() == Texts([pa.array(["ab"]), pa.array(["c"])]).digest()


def write(path: Path, rows: int, *, pair: bool = False) -> Data:
    draws = random.Random(5)
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["no", "text_a", "text_b", "label"] if pair else ["no", "text", "label"])
        for number in range(rows):
            texts = [" ".join(draws.choices(words, k=8)) for _ in range(1 + pair)]
            writer.writerow([f"id{number}", *texts, draws.choice(["x", "y", "y", "y", "y"])])
    return Data(train=str(path), id="no")


@pytest.mark.parametrize("pair", [False, True])
def test_examples_of_a_file_are_what_its_rows_say(tmp_path: Path, pair: bool) -> None:
    data = write(tmp_path / "rows.csv", 700, pair=pair)
    with Path(data.train).open(encoding="utf-8", newline="") as file:
        rows = {row["no"]: row for row in csv.DictReader(file)}
    splits = load_splits(data, seed=3).splits
    found = [*splits.train, *splits.dev, *splits.test]
    assert len({example.id for example in found}) == 700
    for example in found:
        row = rows[example.id]
        assert example.source == f"rows.csv row {int(example.id[2:]) + 1}"
        assert (example.target, example.weight) == (row["label"], 1.0)
        assert texts_of(example) == ((row["text_a"], row["text_b"]) if pair else (row["text"],))
    assert isinstance(found[0], PairExample if pair else TextExample)
    train = splits.train
    eager = list(train)
    assert train == eager
    assert (train[3], train[-1], train[2:5]) == (eager[3], eager[-1], eager[2:5])
    assert list(targets_of(train)) == [example.target for example in eager]
    assert list(pick_examples(train, [4, 1])) == [eager[4], eager[1]]
    flat = TextsOf(train, 1 + pair)
    assert list(flat) == [text for example in eager for text in texts_of(example)]
    assert (flat[3], flat[::100]) == (list(flat)[3], list(flat)[::100])
    assert weigh(train) == weigh(eager)
    assert {example.weight for example in weigh(train)} != {1.0}
    split = split_examples(eager, range(len(eager)), 0.2, seed=1)
    assert tuple(part.tolist() for part in split_places(train, np.arange(len(train)), 0.2, seed=1)) == split


def test_groups_join_alike_as_lists_and_as_arrays() -> None:
    draws = np.random.default_rng(0)
    one, two = draws.integers(0, 40, 60), draws.integers(0, 40, 60)
    names = [f"group {number}" for number in one]
    assert join_groups(names, two).tolist() == join_groups(one, two).tolist()
    for at, root in enumerate(join_groups(one, two).tolist()):
        assert root <= at


def test_signatures_in_a_file_are_those_in_memory_and_count_what_is_equal() -> None:
    draws = random.Random(2)
    texts = ["".join(draws.choices("abcdef ", k=draws.randint(30, 300))).strip().ljust(30, "z") for _ in range(900)]
    whole = minhash.signatures(texts)
    with minhash.signed(iter(texts), len(texts) + 50) as marks:
        assert len(marks) == len(texts)
        for number in range(minhash.BANDS):
            part = slice(number * minhash.BAND_ROWS, (number + 1) * minhash.BAND_ROWS)
            assert (marks.band(number) == whole[:, part]).all()
        ones, twos = np.arange(900), np.arange(900)[::-1]
        equal = marks.agreements(ones, twos)
    assert equal.tolist() == (whole[ones] == whole[twos]).sum(axis=1).tolist()


GROWTH = """
import resource, sys
from tunesmith.data.load import load_splits
from tunesmith.recipe.schema import Data
peaks = []
for path in sys.argv[1:]:
    load_splits(Data(train=path), seed=1)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(peaks[1] - peaks[0])
"""


def test_memory_grows_by_a_few_times_the_text_from_file_to_splits(tmp_path: Path) -> None:
    """Objects for each row would take over ten times its text: a string, an example and ids of about 600 bytes."""
    few, many = (write_long(tmp_path / f"{rows}.csv", rows) for rows in (2_000, 60_000))
    asked = [sys.executable, "-c", GROWTH, str(few), str(many)]
    grown = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    assert grown < 5 * many.stat().st_size


def write_long(path: Path, rows: int) -> Path:
    draws = random.Random(rows)
    words = ["".join(draws.choices("abcdefghijklmnopqrstuvwxyz", k=draws.randint(2, 9))) for _ in range(5000)]
    lines = (f"{' '.join(draws.choices(words, k=16))},{draws.choice(['x', 'y'])}\n" for _ in range(rows))
    path.write_text("text,label\n" + "".join(lines), encoding="utf-8")
    return path

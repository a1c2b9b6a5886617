"""From files to splits."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.example import PairExample, TextExample
from tunesmith.data.load import Loaded, load_splits
from tunesmith.data.times import time_of
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

NOUNS = [f"noun{number}" for number in range(400)]


def table(count: int, *, classes: str = "abc", seed: int = 0) -> dict[str, list[Any]]:
    rng = random.Random(seed)
    return {
        "text": [" ".join(rng.choices(NOUNS, k=12)) for _ in range(count)],
        "label": [rng.choice(classes) for _ in range(count)],
    }


def write(tmp_path: Path, columns: dict[str, list[Any]], name: str = "train.csv") -> str:
    path = tmp_path / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return str(path)


def load(tmp_path: Path, columns: dict[str, list[Any]], **options: Any) -> Loaded:
    keys = {"folds", "count_tokens", "max_tokens", "task", "seed"} & options.keys()
    rest = {"seed": 1} | {key: options.pop(key) for key in keys}
    return load_splits(Data(train=write(tmp_path, columns), **options), **rest)


def codes(loaded: Loaded) -> dict[str, int]:
    return {finding.code: finding.count for finding in loaded.findings}


def test_rows_become_three_splits(tmp_path: Path) -> None:
    loaded = load(tmp_path, table(600))
    splits = loaded.splits
    assert (loaded.task, loaded.protocol) == ("classify", "split")
    assert (len(splits.test), len(splits.dev), len(splits.train)) == (120, 72, 408)
    assert loaded.stats["rows"] == {"train": 408, "dev": 72, "test": 120}
    everything = [*splits.train, *splits.dev, *splits.test]
    assert sorted(int(row.id) for row in everything) == list(range(1, 601))
    assert len(loaded.groups) == 408
    first = splits.train[0]
    assert isinstance(first, TextExample)
    assert first.source == f"train.csv row {first.id}"
    assert loaded.files["train"]["rows_read"] == loaded.files["train"]["rows_kept"] == 600
    assert len(loaded.files["train"]["sha256"]) == 64


def test_few_rows_are_left_for_cross_validation(tmp_path: Path) -> None:
    loaded = load(tmp_path, table(499))
    assert (loaded.protocol, len(loaded.splits.train), loaded.splits.test, loaded.splits.dev) == ("folds", 499, [], [])
    assert "evaluate.folds=0" in loaded.guesses[-1]
    assert load(tmp_path, table(499), folds=0).protocol == "split"
    assert load(tmp_path, table(600), folds=3).protocol == "folds"


def test_given_files_stay_what_they_are(tmp_path: Path) -> None:
    dev, test = write(tmp_path, table(20, seed=1), "dev.csv"), write(tmp_path, table(30, seed=2), "test.csv")
    loaded = load(tmp_path, table(60), dev=dev, test=test)
    assert (loaded.protocol, loaded.stats["rows"]) == ("given", {"train": 60, "dev": 20, "test": 30})
    carved = load(tmp_path, table(60), test=test)
    assert carved.stats["rows"] == {"train": 51, "dev": 9, "test": 30}
    ignored = load(tmp_path, table(60), test=test, folds=5)
    assert ignored.protocol == "given"
    assert any("evaluate.folds=5 is not used" in guess for guess in ignored.guesses)


def test_near_duplicates_and_groups_never_cross(tmp_path: Path) -> None:
    columns = table(400)
    columns["text"] += [text + " indeed" for text in columns["text"]] + columns["text"]
    columns["label"] *= 3
    columns["user"] = [number % 400 // 3 for number in range(1200)]
    together = load(tmp_path, columns, group="user")
    side: dict[Any, set[str]] = {}
    for name, rows in (("train", together.splits.train), ("dev", together.splits.dev), ("test", together.splits.test)):
        for row in rows:
            number = int(row.id) - 1
            side.setdefault(f"user {number % 400 // 3}", set()).add(name)
            side.setdefault(f"text {number % 400}", set()).add(name)
    assert all(len(names) == 1 for names in side.values())
    assert len(together.splits.test) > 150
    apart = load(tmp_path, columns, near_duplicates="ignore")
    assert len(set(apart.groups)) == len(apart.splits.train)
    crossing = {int(row.id) % 400 for row in apart.splits.train} & {int(row.id) % 400 for row in apart.splits.test}
    assert crossing


def test_groups_are_those_of_the_train_examples(tmp_path: Path) -> None:
    columns = table(600)
    columns["user"] = [f"u{number % 100}" for number in range(600)]
    loaded = load(tmp_path, columns, group="user")
    users = {}
    for row, group in zip(loaded.splits.train, loaded.groups, strict=True):
        assert users.setdefault(group, (int(row.id) - 1) % 100) == (int(row.id) - 1) % 100
    assert len(users) < 100


def test_the_latest_rows_become_dev_and_test(tmp_path: Path) -> None:
    columns = table(300)
    days = [f"2024-{1 + number // 28:02d}-{1 + number % 28:02d}" for number in range(300)]
    random.Random(1).shuffle(days)
    columns["date"] = days
    loaded = load(tmp_path, columns, time="date")
    dates = {
        name: sorted(days[int(row.id) - 1] for row in rows)
        for name, rows in (("train", loaded.splits.train), ("dev", loaded.splits.dev), ("test", loaded.splits.test))
    }
    assert loaded.protocol == "split"
    assert dates["train"][-1] < dates["dev"][0]
    assert dates["dev"][-1] < dates["test"][0]
    columns["date"][6] = "last week"
    with pytest.raises(InputError, match=r"K133 train\.csv row 7"):
        load(tmp_path, columns, time="date")


@pytest.mark.parametrize(
    "times",
    [["2024-03-31", "2024-03-31T12:00", "01.04.2024", "2024-04-01T00:00:01.250Z", "2 Apr 2024"], ["-3", "2", "10.5"]],
)
def test_times_in_order(times: list[str]) -> None:
    values = [time_of(time) for time in times]
    assert values == sorted(values)  # type: ignore[type-var]
    assert len(set(values)) == len(values)


def test_the_limit_is_drawn_by_class(tmp_path: Path) -> None:
    loaded = load(tmp_path, table(600, classes="aaab"), limit=100)
    counts = Counter(row.target for row in loaded.splits.train)
    assert sum(counts.values()) == 100
    assert abs(counts["b"] - 25) <= 4
    assert len(loaded.groups) == 100
    assert len(loaded.splits.test) == 120


def test_the_seed_decides_and_nothing_else(tmp_path: Path) -> None:
    ids = [[row.id for row in load(tmp_path, table(600), seed=seed).splits.test] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_ids_come_from_their_column(tmp_path: Path) -> None:
    columns = {**table(40), "key": [f"k{number}" for number in range(40)]}
    assert load(tmp_path, columns, id="key").splits.train[0].id == "k0"
    columns["key"][3] = "k0"
    loaded = load(tmp_path, columns, id="key")
    assert "K132" in codes(loaded)
    assert loaded.splits.train[0].id == "1"


def test_pairs(tmp_path: Path) -> None:
    columns = {"text_a": table(40)["text"], "text_b": table(40, seed=9)["text"], "label": table(40)["label"]}
    loaded = load(tmp_path, columns)
    first = loaded.splits.train[0]
    assert isinstance(first, PairExample)
    assert (first.text_a, first.text_b) == (columns["text_a"][0], columns["text_b"][0])


def test_lengths_are_counted_in_tokens(tmp_path: Path) -> None:
    columns = table(200)
    columns["text"][17] = " ".join(["long"] * 90)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    loaded = load(tmp_path, columns, count_tokens=count, max_tokens=40)
    assert loaded.stats["lengths"] == {
        "unit": "tokens", "rows": 200, "p50": 12, "p90": 12, "p95": 12, "p99": 12, "max": 90,
    }  # fmt: skip
    assert loaded.stats["truncated_share"] == 0.005
    (finding,) = [finding for finding in loaded.findings if finding.code == "K124"]
    assert (finding.severity, list(finding.rows)) == ("note", [18])


def test_what_makes_training_impossible_is_refused_with_every_reason(tmp_path: Path) -> None:
    test = write(tmp_path, {"text": ["some text here"] * 2, "label": ["a", "zzz"]}, "test.csv")
    with pytest.raises(InputError) as caught:
        load(tmp_path, table(40, classes="a"), test=test)
    assert {fault.code for fault in caught.value.faults} == {"K107", "K115"}
    with pytest.raises(InputError, match="K128"):
        load(tmp_path, {"text": ["one text here", "another text", "a third one"], "label": ["a", "b", "a"]})
    with pytest.raises(InputError, match="without tearing groups"):
        load(tmp_path, {**table(40), "user": ["me"] * 40}, group="user", folds=0)
    with pytest.raises(InputError, match=r"K128.* one group"):
        load(tmp_path, {**table(40), "user": ["me"] * 40}, group="user")
    with pytest.raises(InputError, match=r"K128.* 2 groups"):
        load(tmp_path, {**table(40), "user": ["me", "you"] * 20}, group="user")
    assert load(tmp_path, {**table(42), "user": ["me", "you", "she"] * 14}, group="user").protocol == "folds"
    with pytest.raises(InputError, match=r"K128 data\.limit: cross-validation needs 3 rows"):
        load(tmp_path, table(40), limit=2)


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_file_of_rows_that_cannot_be_used_is_an_error(tmp_path: Path, part: str) -> None:
    given = write(tmp_path, {"text": ["", " "], "label": ["a", "b"]}, "given.csv")
    with pytest.raises(InputError, match=r"K128 given\.csv: no row with text and label is left"):
        load(tmp_path, table(40), **{part: given})


def test_every_broken_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("")
    with pytest.raises(InputError) as caught:
        load_splits(Data(train=str(tmp_path / "none.csv"), test=str(tmp_path / "test.csv")), seed=1)
    assert len(caught.value.faults) == 2


def test_what_is_notable_is_found(tmp_path: Path) -> None:
    columns = table(300, classes="ab")
    columns["label"] = sorted(columns["label"])
    columns["label"][0], columns["label"][299] = "lone", "few"
    columns["label"][298] = "few"
    columns["text"][50] = columns["text"][40].upper()
    columns["text"][250] = columns["text"][60]
    columns["text"][70] = "совершенно другой текст на русском языке"
    columns["text"][80] = columns["text"][90] + " x"
    columns["code"] = ["A1" if label < "b" else "B2" if label == "b" else "C3" for label in columns["label"]]
    columns["noise"] = [random.Random(number).choice("xyz") for number in range(300)]
    loaded = load(tmp_path, columns, label="label", folds=0)
    found = {finding.code: finding for finding in loaded.findings}
    assert set(found) == {"K116", "K118", "K119", "K120", "K123", "K125", "K126"}
    assert list(found["K118"].rows) == [51, 251]
    assert list(found["K120"].rows) == [61, 251]
    assert list(found["K119"].rows) == [91]
    assert list(found["K125"].rows) == [71]
    assert '"code"' in found["K126"].message
    tiny = [finding for finding in loaded.findings if finding.code == "K116"]
    assert [(finding.count, sorted(finding.rows)) for finding in tiny] == [(1, [1]), (2, [299, 300])]


def test_leaks_between_files_are_found(tmp_path: Path) -> None:
    train, test = table(60), table(30, seed=4)
    test["text"][3] = train["text"][5] + "  "
    test["text"][8] = train["text"][9] + " indeed"
    found = {
        finding.code: finding
        for finding in load(tmp_path, train, test=write(tmp_path, test, "test.csv")).findings
    }  # fmt: skip
    assert (found["K121"].source, list(found["K121"].rows)) == ("test.csv", [4])
    assert list(found["K122"].rows) == [9]


def test_the_room_loads_no_heavy_library() -> None:
    script = (
        "import sys, tunesmith.data.load, tunesmith.data.write, tunesmith.data.read;"
        "print([name for name in ('torch', 'pandas', 'datasets', 'transformers', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

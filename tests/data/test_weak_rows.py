"""Rows whose labels nobody has checked, and rows that count more than others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.example import TextExample
from tunesmith.data.load import Loaded, load_splits
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

NOUNS = ["tram", "boat", "train", "bus", "plane", "cart", "sledge", "lorry", "van", "ferry"]


def lay(tmp_path: Path, name: str, lines: list[str]) -> str:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def train(tmp_path: Path) -> str:
    rows = [f"the {noun} was {'late' if at % 2 else 'good'} {at},{'bad' if at % 2 else 'fine'},{1 + at % 3}"
            for at, noun in enumerate(NOUNS * 6)]  # fmt: skip
    return lay(tmp_path, "train.csv", ["text,label,share", *rows])


def load(train: str, **options: Any) -> Loaded:
    return load_splits(Data(train=train, text="text", label="label", **options), seed=1, folds=0)


def test_weak_rows_are_in_no_split(train: str, tmp_path: Path) -> None:
    weak = lay(tmp_path, "weak.csv", ["text,label,weight", "a new tram,fine,0.5", "an old bus,bad,0.25"])
    loaded = load(train, weak=weak)
    assert [(row.source, row.target, row.weight) for row in loaded.weak] == [
        ("weak.csv row 1", "fine", 0.5), ("weak.csv row 2", "bad", 0.25),
    ]  # fmt: skip
    splits = loaded.splits
    assert len(splits.train) + len(splits.dev) + len(splits.test) == 60
    assert loaded.stats["rows"]["weak"] == 2
    assert loaded.files["weak"]["rows_kept"] == 2
    assert any('as column "weight" says' in guess for guess in loaded.guesses)
    assert load(train).weak == []


def test_weak_rows_with_a_checked_text_are_left_out(train: str, tmp_path: Path) -> None:
    weak = lay(tmp_path, "weak.csv", ["text,label", "The  tram was good 0,bad", "a new tram,fine"])
    test = lay(tmp_path, "test.csv", ["text,label", "a new tram,bad", "an old bus,bad"])
    loaded = load(train, weak=weak, test=test)
    assert len(loaded.weak) == 0, "one stands in train, apart from case and spaces, the other in test"
    [finding] = [found for found in loaded.findings if found.code == "K136"]
    assert (finding.rows, finding.source) == ((1, 2), "weak.csv")


def test_a_column_says_how_much_a_row_counts(train: str) -> None:
    loaded = load(train, weight="share")
    rows = [*loaded.splits.train, *loaded.splits.dev, *loaded.splits.test]
    assert {row.weight for row in rows} == {1.0, 2.0, 3.0}
    for row in rows:
        assert isinstance(row, TextExample)
        assert row.weight == 1 + int(row.text.split()[-1]) % 3
    [first, *_] = loaded.splits.train.weighted({"fine": 0.5, "bad": 2.0})  # type: ignore[attr-defined]
    assert first.weight == loaded.splits.train[0].weight * {"fine": 0.5, "bad": 2.0}[first.target]


@pytest.mark.parametrize(
    ("weak", "options", "code", "said"),
    [
        (["text,label,weight", "a new tram,fine,-1", "an old bus,bad,much"], {}, "K135", 'such as "-1"'),
        (["text,label", "a new tram,fin"], {}, "K107", '"fin" is not one of'),
        (["text,mood", "a new tram,fine"], {}, "K106", 'no column "label"'),
        (["text,label", "a new tram,fine"], {"weight": "wight"}, "K106", 'no column "wight"'),
    ],
)
def test_what_is_wrong_with_weak_rows_is_said(
    train: str, tmp_path: Path, weak: list[str], options: dict[str, str], code: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(train, weak=lay(tmp_path, "weak.csv", weak), **options)
    [fault] = [fault for fault in caught.value.faults if fault.code == code]
    assert said in fault.message


@pytest.mark.parametrize(("silent", "said"), [("0,0", "every row has the weight 0"), ("0,1", 'every row of "bad"')])
def test_rows_of_which_none_counts_are_refused(tmp_path: Path, silent: str, said: str) -> None:
    bad, fine = silent.split(",")
    rows = [
        f"the {noun} {at},{'bad' if at % 2 else 'fine'},{bad if at % 2 else fine}" for at, noun in enumerate(NOUNS * 6)
    ]
    train = lay(tmp_path, "train.csv", ["text,label,share", *rows])
    with pytest.raises(InputError, match=said) as caught:
        load(train, weight="share")
    assert [fault.code for fault in caught.value.faults] == ["K135"]


def test_weights_may_stand_in_the_weak_rows_alone(train: str, tmp_path: Path) -> None:
    weak = lay(tmp_path, "weak.csv", ["text,label,sure", "a new tram,fine,0.5"])
    assert [row.weight for row in load(train, weak=weak, weight="sure").weak] == [0.5]


def test_tasks_without_labels_refuse_them(tmp_path: Path) -> None:
    train = lay(tmp_path, "train.csv", ["source,target", *(f"word {at},Wort {at}" for at in range(40))])
    with pytest.raises(InputError) as caught:
        load_splits(Data(train=train, weak=train, weight="x"), task="seq2seq", seed=1)
    assert [(fault.code, fault.where) for fault in caught.value.faults] == [
        ("K134", "data.weak"), ("K134", "data.weight"),
    ]  # fmt: skip

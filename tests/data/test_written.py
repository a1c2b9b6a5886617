"""Texts to be written from others: columns, and what is wrong with them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.example import WritingExample
from tunesmith.data.check import inspect
from tunesmith.data.frames import unframed
from tunesmith.data.load import load_splits
from tunesmith.data.rows import Prepared, prepare
from tunesmith.data.split import split_examples
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

LONG = [f"The bike with number {n} was found behind hall {n % 7}, where nobody had looked for it." for n in range(40)]
SHORT = [f"Bike {n} found" for n in range(40)]


def table(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return str(path)


def read(tmp_path: Path, head: Sequence[str], rows: Sequence[Sequence[str]], **data: Any) -> Prepared:
    task = data.pop("task", "seq2seq")
    return prepare(Data(train=table(tmp_path / "rows.csv", head, rows), **data), task)


@pytest.mark.parametrize(
    ("head", "roles"),
    [
        (("source", "target"), ("source", "target")),
        (("article", "summary"), ("article", "summary")),
        (("subject_line", "body"), ("body", "subject_line")),
        (("Headline", "Text"), ("Text", "Headline")),
        (("dialogue", "notes"), ("dialogue", "notes")),
        (("en", "translation"), ("en", "translation")),
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, head: tuple[str, str], roles: tuple[str, str]) -> None:
    prepared = read(tmp_path, head, list(zip(LONG, SHORT, strict=True)))
    assert prepared.columns == {"source": roles[0], "target": roles[1]}
    assert (prepared.task, prepared.kind) == ("seq2seq", "text")
    assert len(prepared.guesses) >= 2


def test_a_source_of_texts_is_no_text(tmp_path: Path) -> None:
    rows = [("the web", text, short) for text, short in zip(LONG, SHORT, strict=True)]
    assert read(tmp_path, ("source", "body", "subject"), rows).columns == {"source": "body", "target": "subject"}


def test_ambiguous_columns_are_refused_with_the_flags_to_set(tmp_path: Path) -> None:
    rows = [(f"{text} (en)", f"{text} (de)", f"{text} (fr)") for text in LONG]
    with pytest.raises(InputError) as error:
        read(tmp_path, ("en", "de", "fr"), rows)
    (fault,) = error.value.faults
    assert fault.code == "K106"
    assert all(f"{name} (such as" in fault.message for name in ("en", "de", "fr"))
    assert fault.remedy == "Say which: --set data.source=COLUMN --set data.target=COLUMN"
    with pytest.raises(InputError) as error:
        read(tmp_path, ("en", "de", "fr"), rows, source="en")
    (fault,) = error.value.faults
    assert "2 columns of text could be the target" in fault.message
    assert fault.remedy == "Say which: --set data.target=COLUMN"
    prepared = read(tmp_path, ("en", "de", "fr"), rows, source="en", target="fr", task="auto")
    assert (prepared.task, prepared.columns) == ("seq2seq", {"source": "en", "target": "fr"})


def test_nothing_to_read_or_write_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column looks like the source(.|\n)*no column looks like the target"):
        read(tmp_path, ("a", "b"), [("1", "2"), ("3", "4")])
    with pytest.raises(InputError, match="no column looks like the target"):
        read(tmp_path, ("text", "b"), [(text, "2") for text in LONG])


def test_empty_texts_are_left_out_kept_or_refused(tmp_path: Path) -> None:
    rows = [*zip(LONG, SHORT, strict=True), ("", "Nothing"), (LONG[0] + "!", " ")]
    prepared = read(tmp_path, ("source", "target"), rows)
    assert prepared.files["train"].numbers.tolist() == list(range(1, 41))
    assert {finding.code: finding.rows for finding in prepared.findings} == {"K108": (41,), "K170": (42,)}
    assert read(tmp_path, ("source", "target"), rows, on_bad_row="keep").files["train"].numbers[-1] == 41
    with pytest.raises(InputError) as error:
        read(tmp_path, ("source", "target"), rows, on_bad_row="error")
    assert [fault.code for fault in error.value.faults] == ["K108", "K170"]


def test_texts_to_write_are_no_classes(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.csv", ("source", "target"), list(zip(LONG, SHORT, strict=True)))
    data = Data(train=path, near_duplicates="ignore")
    loaded = load_splits(data, task="seq2seq", seed=1)
    assert {name: len(part) for name, part in vars_of(loaded.splits).items()} == {"train": 27, "dev": 5, "test": 8}
    assert isinstance(loaded.splits.train[0], WritingExample)
    assert loaded.splits.train[0].text in LONG
    assert loaded.stats["labels"] == {"train": {}, "dev": {}, "test": {}}
    kept, held = split_examples(loaded.splits.train, range(27), 1 / 3, seed=3)
    assert (len(kept), len(held)) == (18, 9)  # as classes, each of one row, all would have been given back
    limited = load_splits(data.model_copy(update={"limit": 10}), task="seq2seq", seed=1)
    assert len(limited.splits.train) == 10


def vars_of(splits: Any) -> dict[str, Any]:
    return {"train": splits.train, "dev": splits.dev, "test": splits.test}


def test_findings_about_sources_and_targets(tmp_path: Path) -> None:
    rows = list(zip(LONG, SHORT, strict=True))
    test = table(tmp_path / "test.csv", ("source", "target"), [(LONG[2].upper(), "Anything")])
    findings = inspect(read(tmp_path, ("source", "target"), [*rows, (LONG[1], "Gone")], test=test), near=False).findings
    assert {finding.code: (finding.severity, finding.rows) for finding in findings} == {
        "K121": ("warning", (1,)), "K174": ("note", (2, 41)),
    }  # fmt: skip


def test_frames_are_found_in_lines_and_at_the_beginning() -> None:
    several = [f"{'Translate' if n % 2 else 'Shorten'} this:\nbike {n}" for n in range(20)]
    assert unframed(several) == [str(n) for n in range(20)]
    few = ["Translate this:\nbike", "Translate this:\nsaddle"]
    assert unframed(few) == few
    assert unframed(["Hello"] * 20) == ["Hello"] * 20

"""Which column is what, which task it is, and what becomes of the labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith.data.columns import infer_columns
from tunesmith.data.labels import Spelling
from tunesmith.data.read import read_table
from tunesmith.data.rows import Prepared, prepare
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

TEXTS = [f"some longer text about subject {n}" for n in range(40)]
OTHERS = [f"and a second text, quite different: {n * 7}" for n in range(40)]
CLASSES = ["good", "bad"] * 20
NUMBERS = [str(n / 7) for n in range(40)]


def write(tmp_path: Path, columns: dict[str, list[Any]], name: str = "rows.csv") -> str:
    path = tmp_path / name
    rows = list(zip(*columns.values(), strict=True))
    if name.endswith(".jsonl"):
        path.write_text("\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows))
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([list(columns), *rows])
    return str(path)


def prepared(tmp_path: Path, columns: dict[str, list[Any]], task: str = "auto", **data: Any) -> Prepared:
    source = write(tmp_path, columns, data.pop("name", "rows.csv"))
    return prepare(Data(train=source, **data), task)


def messages(found: Prepared) -> str:
    return "\n".join(finding.message for finding in found.findings)


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"text": TEXTS, "label": CLASSES}, {"text": "text", "label": "label"}),
        ({"label": CLASSES, "review": TEXTS}, {"text": "review", "label": "label"}),
        ({"result": CLASSES, "content": TEXTS}, {"text": "content", "label": "result"}),
        ({"v1": CLASSES, "v2": TEXTS}, {"text": "v2", "label": "v1"}),
        ({"text": TEXTS, "label": CLASSES, "category": CLASSES}, {"text": "text", "label": "label"}),
        ({"tweet_id": range(40), "airline_sentiment": CLASSES, "airline": ["x", "y"] * 20, "text": TEXTS},
         {"text": "text", "label": "airline_sentiment"}),
        ({"id": range(40), "Title": TEXTS, "class": CLASSES}, {"text": "Title", "label": "class"}),
        ({"reviewText": TEXTS, "title": OTHERS, "stars": CLASSES}, {"text": "reviewText", "label": "stars"}),
        ({"sentence1": TEXTS, "sentence2": OTHERS, "label": CLASSES},
         {"text_a": "sentence1", "text_b": "sentence2", "label": "label"}),
        ({"Quality": CLASSES, "#1 ID": range(40), "#2 ID": range(40), "#1 String": TEXTS, "#2 String": OTHERS},
         {"text_a": "#1 String", "text_b": "#2 String", "label": "Quality"}),
        ({"premise": TEXTS, "hypothesis": OTHERS, "gold_label": CLASSES},
         {"text_a": "premise", "text_b": "hypothesis", "label": "gold_label"}),
        ({"phrase": TEXTS, "strength": NUMBERS}, {"text": "phrase", "label": "strength"}),
    ],
)  # fmt: skip
def test_roles_are_inferred_and_said(tmp_path: Path, columns: dict[str, list[Any]], roles: dict[str, str]) -> None:
    found = infer_columns(read_table(write(tmp_path, columns)), Data(train="rows.csv"))
    assert found.by_role == roles
    for role, name in roles.items():
        assert any(f'The {role} is column "{name}"' in guess and f"data.{role}=" in guess for guess in found.guesses)


@pytest.mark.parametrize(
    ("columns", "role", "candidates"),
    [
        ({"title": TEXTS, "ask": OTHERS, "label": CLASSES}, "text", ["title", "ask"]),
        ({"text": TEXTS, "topic": CLASSES, "sentiment": CLASSES}, "label", ["topic", "sentiment"]),
        ({"text": TEXTS, "colour": CLASSES, "shape": CLASSES}, "label", ["colour", "shape"]),
        ({"label": CLASSES, "n": NUMBERS}, "text", ["n"]),
    ],
)
def test_ambiguity_lists_candidates_with_examples(
    tmp_path: Path, columns: dict[str, list[Any]], role: str, candidates: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        infer_columns(read_table(write(tmp_path, columns)), Data(train="rows.csv"))
    (fault,) = caught.value.faults
    assert fault.code == "K106"
    assert f"--set data.{role}=COLUMN" in fault.remedy
    for name in candidates:
        assert f'{name} (such as "{columns[name][0]}")' in fault.message


def test_a_file_without_labels_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tunesmith predict"):
        infer_columns(read_table(write(tmp_path, {"id": list(range(40)), "text": TEXTS})), Data(train="rows.csv"))


def test_named_columns_win_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    columns = {"text": TEXTS, "body": OTHERS, "label": CLASSES, "mood": CLASSES}
    found = prepared(tmp_path, columns, text="body", label="mood")
    assert found.columns == {"text": "body", "label": "mood"}
    with pytest.raises(InputError) as caught:
        prepared(tmp_path, columns, text="bdoy", label="mod")
    assert 'Did you mean "body"?' in str(caught.value)
    assert len(caught.value.faults) == 2


def test_a_test_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    test = write(tmp_path, {"text": TEXTS, "lable": CLASSES}, "test.csv")
    with pytest.raises(InputError, match=r"test\.csv.*\"label\""):
        prepared(tmp_path, {"text": TEXTS, "label": CLASSES}, test=test)


@pytest.mark.parametrize(
    ("labels", "column", "task", "kind", "first"),
    [
        (["0", "1"] * 20, "label", "classify", "class", "0"),
        (["0.0", "1.0"] * 20, "label", "classify", "class", "0"),
        (["1", "2", "3", "4", "5"] * 8, "stars", "classify", "class", "1"),
        (NUMBERS, "score", "regress", "number", 0.0),
        ([f"{n},5" for n in range(40)], "score", "regress", "number", 0.5),
        ([str(n) for n in range(40)], "score", "regress", "number", 0.0),
        ([str(n % 25) for n in range(100)], "label", "classify", "class", "0"),
        ([str(n % 25 * 4) for n in range(100)], "label", "regress", "number", 0.0),
        (["a|b", "a", "b|c", "c"] * 10, "label", "multilabel", "set", ("a", "b")),
        (["['a', 'b']", "['a']"] * 20, "label", "multilabel", "set", ("a", "b")),
    ],
)
def test_the_task_is_read_off_the_labels(
    tmp_path: Path, labels: list[str], column: str, task: str, kind: str, first: Any
) -> None:
    texts = [f"text number {n} of the file" for n in range(len(labels))]
    found = prepared(tmp_path, {"text": texts, column: labels})
    assert (found.task, found.kind, found.files["train"].targets[0]) == (task, kind, first)


def test_lists_in_jsonl_are_several_labels(tmp_path: Path) -> None:
    labels = [["joy", "fear"], ["joy"], [], ["fear", "joy"]] * 10
    found = prepared(tmp_path, {"text": TEXTS, "emotions": labels}, name="rows.jsonl")
    assert found.task == "multilabel"
    assert found.files["train"].targets[:4] == [("joy", "fear"), ("joy",), (), ("fear", "joy")]


def test_a_pair_has_classes_or_scores(tmp_path: Path) -> None:
    pair = {"text_a": TEXTS, "text_b": OTHERS}
    assert prepared(tmp_path, {**pair, "score": NUMBERS}).files["train"].targets[7] == 1.0
    found = prepared(tmp_path, {**pair, "label": ["0", "1"] * 20})
    assert (found.task, found.files["train"].targets[1]) == ("pair", "1")
    forced = prepared(tmp_path, {**pair, "label": ["0", "1"] * 20}, task="regress")
    assert (forced.task, forced.files["train"].targets[1]) == ("pair", 1.0)


def test_spellings_are_merged_into_the_most_frequent_with_counts(tmp_path: Path) -> None:
    labels = ["Spam"] * 12 + ["spam"] * 3 + [" spam "] * 2 + ["not  spam"] * 3 + ["not spam"] * 20
    found = prepared(tmp_path, {"text": TEXTS, "label": labels})
    assert set(found.files["train"].targets) == {"Spam", "not spam"}
    merged = [finding for finding in found.findings if finding.code == "K113"]
    assert [(finding.count, list(finding.rows)[:1]) for finding in merged] == [(5, [13]), (3, [18])]
    assert '"Spam" (12), "spam" (5)' in merged[0].message


def test_labels_are_renamed_before_they_are_merged(tmp_path: Path) -> None:
    labels = ["postive", "positive", "negative", "0"] * 10
    renames = {"postive": "positive", "0": "negative", "missing": "x"}
    found = prepared(tmp_path, {"text": TEXTS, "label": labels}, labels=renames)
    assert set(found.files["train"].targets) == {"positive", "negative"}
    assert '"missing"' in messages(found)


def test_an_unknown_label_is_an_error_with_its_rows_and_the_near_name(tmp_path: Path) -> None:
    test = write(tmp_path, {"text": TEXTS[:4], "label": ["good", "Bad ", "goood", "goood"]}, "test.csv")
    found = prepared(tmp_path, {"text": TEXTS, "label": CLASSES}, test=test)
    assert found.files["test"].targets[1] == "bad"
    (finding,) = [finding for finding in found.findings if finding.severity == "error"]
    assert (finding.code, list(finding.rows), finding.source) == ("K107", [3, 4], "test.csv")
    assert finding.message == 'label "goood" is not one of (bad, good), which train has.'
    assert 'Did you mean "good"?' in finding.remedy


@pytest.mark.parametrize("on_bad_row", ["skip", "keep", "error"])
def test_empty_texts_and_missing_labels(tmp_path: Path, on_bad_row: str) -> None:
    columns = {"text": ["", "  ", *TEXTS[2:]], "label": [*CLASSES[:38], "", " "]}
    if on_bad_row == "error":
        with pytest.raises(InputError) as caught:
            prepared(tmp_path, columns, on_bad_row=on_bad_row)
        assert [(fault.code, fault.where) for fault in caught.value.faults] == [
            ("K108", "rows.csv rows 1, 2"), ("K109", "rows.csv rows 39, 40"),
        ]  # fmt: skip
        return
    found = prepared(tmp_path, columns, on_bad_row=on_bad_row)
    assert len(found.files["train"]) == {"skip": 36, "keep": 38}[on_bad_row]
    assert found.files["train"].numbers[0] == {"skip": 3, "keep": 1}[on_bad_row]
    assert {finding.code: list(finding.rows) for finding in found.findings} == {"K108": [1, 2], "K109": [39, 40]}


def test_what_is_no_number_is_left_out_or_refused(tmp_path: Path) -> None:
    columns = {"text": TEXTS, "score": ["n/a", *NUMBERS[1:]]}
    found = prepared(tmp_path, columns, task="regress")
    assert len(found.files["train"]) == 39
    assert [(finding.code, finding.severity, list(finding.rows)) for finding in found.findings] == [
        ("K127", "warning", [1])
    ]
    words = prepared(tmp_path, {"text": TEXTS, "label": CLASSES}, task="regress")
    assert [(finding.code, finding.severity) for finding in words.findings] == [("K127", "error")]


def test_decimal_zeros_differ_between_files() -> None:
    spelling = Spelling.learn(["0", "1"], {})
    assert (spelling.of("1.0"), spelling.of("2.0")) == ("1", "2.0")
    assert Spelling.learn(["0.0", "1.0"], {"1": "spam"}).of("1.0") == "spam"

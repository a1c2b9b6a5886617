"""Pairs, scored pairs and triplets: which columns they are, what their scores mean, and what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.report import Finding
from tunesmith.data.rows import Prepared, prepare
from tunesmith.data.similar import similar_findings
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

TEXTS = ["a dog runs over the hill", "the cat sleeps all day", "two men are playing chess", "rain falls on the lake"]
OTHERS = ["one dog is running uphill", "a cat that sleeps", "chess is played by men", "it rains over the water"]
FAR = ["stocks fell on monday", "the oven is far too hot", "a ship has left port", "she paints her new door"]


def read(**more: Any) -> Prepared:
    data = Data(**{role: str(value) if isinstance(value, Path) else value for role, value in more.items()})
    return prepare(data, "embed")


def write(path: Path, header: Sequence[str], *columns: Sequence[Any]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(*columns, strict=True))
    return path


def found(findings: Sequence[Finding], code: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


# --- columns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header, roles",
    [
        (["text_a", "text_b", "score"], ["text_a", "text_b", "label"]),
        (["sentence1", "sentence2", "Similarity"], ["text_a", "text_b", "label"]),
        (["question1", "question2", "is_duplicate"], ["text_a", "text_b", "label"]),
        (["anchor", "positive", "relatedness_score"], ["text_a", "text_b", "label"]),
        (["question", "answer", "label"], ["text_a", "text_b", "label"]),
        (["left", "right", "year"], ["text_a", "text_b", None]),
        (["query", "positive", "rank"], ["text_a", "text_b", None]),
        (["this one", "that one", "n"], ["text_a", "text_b", None]),
    ],
)
def test_columns_are_known_by_their_names(tmp_path: Path, header: list[str], roles: list[str | None]) -> None:
    path = write(tmp_path / "rows.csv", header, TEXTS, OTHERS, [0, 1, 1, 0])
    prepared = read(train=path)
    assert (prepared.task, prepared.kind) == ("embed", "similar")
    assert prepared.columns == {role: name for role, name in zip(roles, header, strict=True) if role}
    assert prepared.files["train"].texts == (TEXTS, OTHERS)
    scored = "label" in roles
    assert prepared.files["train"].targets == ([0.0, 1.0, 1.0, 0.0] if scored else [1.0] * 4)
    assert [guess.startswith("The ") for guess in prepared.guesses[-3:]] == [True, True, scored]
    assert ("No column is a score" in prepared.guesses[-1]) is not scored


@pytest.mark.parametrize("header", [["anchor", "positive", "negative"], ["query", "pos", "neg"]])
def test_triplets(tmp_path: Path, header: list[str]) -> None:
    prepared = read(train=write(tmp_path / "rows.csv", [*header, "score"], TEXTS, OTHERS, FAR, [1, 2, 3, 4]))
    assert prepared.columns == dict(zip(["text_a", "text_b", "negative"], header, strict=True))
    assert prepared.files["train"].texts == (TEXTS, OTHERS, FAR)
    assert prepared.files["train"].targets == [1.0] * 4


def test_columns_that_the_recipe_names(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ["x", "y", "z", "w"], TEXTS, OTHERS, FAR, [1, 2, 3, 4])
    assert read(train=path, text_a="x", text_b="y", label="w").files["train"].targets == [1.0, 2.0, 3.0, 4.0]
    assert read(train=path, text_a="y", text_b="x", negative="z").files["train"].texts == (OTHERS, TEXTS, FAR)
    with pytest.raises(InputError, match=r"K106.*no column looks like the text_a[^\n]*: x \(such as \"a dog"):
        read(train=path)
    with pytest.raises(InputError, match="both triplets"):
        read(train=path, text_a="x", text_b="y", negative="z", label="w")
    with pytest.raises(InputError, match=r"K106 data.label: there is no column"):
        read(train=path, text_a="x", text_b="y", label="v")


def test_a_file_without_header(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", [TEXTS[0], OTHERS[0], "4.5"], TEXTS[1:], OTHERS[1:], [3.25, 1, 0])
    prepared = read(train=path)
    assert prepared.columns == {"text_a": "column1", "text_b": "column2", "label": "column3"}
    assert prepared.files["train"].targets == [4.5, 3.25, 1.0, 0.0]


def test_two_columns_that_could_be_the_score_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ["text_a", "text_b", "sim", "score"], TEXTS, OTHERS, [1, 2, 3, 4], [1, 1, 0, 0])
    with pytest.raises(InputError, match="2 columns could be the score: sim, score"):
        read(train=path)
    assert read(train=path, label="sim").files["train"].targets == [1.0, 2.0, 3.0, 4.0]


def test_scores_in_another_file_alone_are_refused(tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", ["text_a", "text_b"], TEXTS, OTHERS)
    test = write(tmp_path / "test.csv", ["text_a", "text_b", "score"], TEXTS, OTHERS, [1, 2, 3, 4])
    with pytest.raises(
        InputError, match=r'K106 test.csv: it has scores in column "score", and the train file has none'
    ):
        read(train=train, test=test)
    with pytest.raises(InputError, match=r'train.csv: there is no column "score" \(the label\)'):
        read(train=test, test=train)


# --- scores ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells, values",
    [
        (["yes", "No", "YES", "no"], [1.0, 0.0, 1.0, 0.0]),
        (["duplicate", "different", "0", "1.0"], [1.0, 0.0, 0.0, 1.0]),
        (["True", "False", "False", "True"], [1.0, 0.0, 0.0, 1.0]),
        (["0", "1", "2,5", "-1e0"], [0.0, 1.0, 2.5, -1.0]),
    ],
)
def test_scores_are_numbers_or_yes_and_no(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    path = write(tmp_path / "rows.csv", ["text_a", "text_b", "label"], TEXTS, OTHERS, cells)
    prepared = read(train=path)
    assert prepared.files["train"].targets == values
    assert prepared.findings == []


def test_other_labels_are_mapped_or_refused(tmp_path: Path) -> None:
    cells = ["entailment", "neutral", "contradiction", "neutral"]
    path = write(tmp_path / "rows.csv", ["premise", "hypothesis", "label"], TEXTS, OTHERS, cells)
    with pytest.raises(InputError, match=r'(?s)K127.*such as "entailment".*data.labels'):
        read(train=path)
    labels = {"entailment": "1", "neutral": "0.5", "contradiction": "0"}
    assert read(train=path, labels=labels).files["train"].targets == [1.0, 0.5, 0.0, 0.5]


def test_a_yes_in_every_row_is_no_score(tmp_path: Path) -> None:
    header = ["text_a", "text_b", "label"]
    train = write(tmp_path / "train.csv", header, TEXTS, OTHERS, ["yes"] * 4)
    mixed = write(tmp_path / "mixed.csv", header, TEXTS, OTHERS, ["yes", "no", "yes", "no"])
    same = write(tmp_path / "same.csv", header, TEXTS, OTHERS, [3] * 4)
    prepared = read(train=train)
    assert prepared.columns == {"text_a": "text_a", "text_b": "text_b"}
    assert prepared.guesses[-1].startswith('Every row has a yes in column "label"')
    assert [item.code for item in similar_findings(prepared)] == []
    for other in (read(train=train, test=mixed), read(train=same)):
        assert found(list(similar_findings(other)), "K164").severity == "error"


# --- findings ----------------------------------------------------------------------------------------------------


def test_rows_that_cannot_be_used_are_left_out_and_said(tmp_path: Path) -> None:
    first, second = ["", *TEXTS[1:], "again"], [*OTHERS, "once more"]
    path = write(tmp_path / "rows.csv", ["text_a", "text_b", "score"], first, second, ["1", "", "good", "2.5", "3"])
    prepared = read(train=path, label="score")
    assert prepared.files["train"].numbers.tolist() == [4, 5]
    assert prepared.files["train"].targets == [2.5, 3.0]
    said = {(finding.code, finding.severity, *finding.rows) for finding in prepared.findings}
    assert said == {("K108", "warning", 1), ("K109", "warning", 2), ("K127", "warning", 3)}
    assert read(train=path, label="score", on_bad_row="keep").files["train"].numbers.tolist() == [1, 4, 5]
    with pytest.raises(InputError) as caught:
        read(train=path, label="score", on_bad_row="error")
    assert [fault.code for fault in caught.value.faults] == ["K108", "K109", "K127"]


def test_a_negative_that_is_the_positive_is_left_out(tmp_path: Path) -> None:
    negatives = [FAR[0], OTHERS[1].upper(), TEXTS[2], FAR[3]]
    path = write(tmp_path / "rows.csv", ["anchor", "positive", "negative"], TEXTS, OTHERS, negatives)
    prepared = read(train=path)
    assert list(found(prepared.findings, "K162").rows) == [2, 3]
    assert prepared.files["train"].texts[2] == [FAR[0], FAR[3]]
    with pytest.raises(InputError, match=r"K162 rows.csv rows 2, 3"):
        read(train=path, on_bad_row="error")


def test_equal_texts_and_torn_scores(tmp_path: Path) -> None:
    first = [TEXTS[0], TEXTS[1], OTHERS[0], TEXTS[2]]
    second = [OTHERS[0], TEXTS[1] + " ", TEXTS[0].upper(), OTHERS[2]]
    path = write(tmp_path / "rows.csv", ["text_a", "text_b", "score"], first, second, [1, 5, 2, 2.5])
    findings = list(similar_findings(read(train=path)))
    assert {finding.code: list(finding.rows) for finding in findings} == {"K160": [2], "K161": [1, 3]}
    assert found(findings, "K161").message.startswith("1 pair has different scores, in 2 rows")


def test_texts_with_several_partners_are_noted_where_rows_are_each_others_negatives(tmp_path: Path) -> None:
    first, second = [*TEXTS, TEXTS[0], FAR[0]], [*OTHERS, FAR[1], OTHERS[3]]
    path = write(tmp_path / "pairs.csv", ["text_a", "text_b"], first, second)
    note = found(list(similar_findings(read(train=path))), "K163")
    assert (note.severity, list(note.rows)) == ("note", [1, 4, 5, 6])
    scored = write(tmp_path / "scored.csv", ["text_a", "text_b", "score"], first, second, [1, 0, 1, 1, 0, 1])
    assert list(found(list(similar_findings(read(train=scored))), "K163").rows) == [4, 6]
    graded = write(tmp_path / "graded.csv", ["text_a", "text_b", "score"], first, second, [1, 0, 1, 1, 0, 5])
    assert list(similar_findings(read(train=graded))) == []


# --- real files --------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("language, ending", [("en", ".csv.gz"), ("zh", ".csv")])
def test_stsb_is_read_whole(shared: Path, language: str, ending: str) -> None:
    folder = shared / "stsb_multi"
    files = {split: folder / f"{language}_{split}{ending if split == 'train' else '.csv'}"
             for split in ("train", "dev", "test")}  # fmt: skip
    prepared = read(**files)
    assert prepared.columns == {"text_a": "text_a", "text_b": "text_b", "label": "score"}
    assert prepared.findings == []
    said = {(item.code, item.source): item.count for item in similar_findings(prepared)}
    for split, path in files.items():
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        lines = list(csv.DictReader(io.StringIO(text, newline="")))
        rows = prepared.files[split]
        assert len(rows) == len(lines) == {"train": 5749, "dev": 1500, "test": 1379}[split]
        assert rows.targets == [float(line["score"]) for line in lines]
        assert rows.texts[1] == [line["text_b"].strip() for line in lines]
        assert (min(rows.targets), max(rows.targets)) == (0.0, 5.0)  # type: ignore[type-var]
        equal = sum(squeeze(line["text_a"]) == squeeze(line["text_b"]) for line in lines)
        assert said.get(("K160", path.name), 0) == equal
        scores = defaultdict(list)
        for line in lines:
            scores[frozenset((squeeze(line["text_a"]), squeeze(line["text_b"])))].append(line["score"])
        torn = sum(len(group) for group in scores.values() if len(set(group)) > 1)
        assert said.get(("K161", path.name), 0) == torn


def squeeze(text: str) -> str:
    return " ".join(text.lower().split())

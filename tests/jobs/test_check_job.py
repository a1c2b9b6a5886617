"""The report of a check."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tunesmith.data.load import load_splits
from tunesmith.errors import InputError
from tunesmith.jobs.check import check
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Data, Recipe


def test_the_report_is_plain_data(reviews: Path) -> None:
    report = check(str(reviews))
    value = json.loads(json.dumps(report.as_dict()))
    assert (value["rows_read"], value["rows_kept"], value["task"]) == (90, 90, "classify")
    assert value["columns"] == {"text": "review", "label": "mood"}
    assert value["labels"] == {"bad": 30, "good": 30, "odd": 30}
    for finding in value["findings"]:
        assert {"code", "severity", "rows", "message", "remedy", "count", "source"} == finding.keys()


def test_it_finds_what_training_finds(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    words = ["river", "lamp", "copper", "silent", "window", "market", "yellow", "paper", "engine", "cloud", "garden"]
    draws = random.Random(0)
    rows = [f"{' '.join(draws.sample(words, 6))} {number},{'ab'[number % 2]}" for number in range(60)]
    path.write_text("\n".join(["text,label", *rows, rows[3], ",a", "no label here,", "torn", rows[4][:-1] + "b"]))
    loaded = load_splits(Data(train=str(path)), seed=1)
    report = check(str(path))
    assert report.findings == loaded.findings
    assert (report.rows_read, report.rows_kept) == (65, 62)
    assert (report.rows_read, report.rows_kept) == (
        loaded.files["train"]["rows_read"], loaded.files["train"]["rows_kept"],
    )  # fmt: skip
    assert {finding.code for finding in report.findings} >= {"K104", "K108", "K109", "K118", "K120"}
    assert report.ok


def test_tokens_are_those_of_the_model(reviews: Path, tiny: Path) -> None:
    report = check(Recipe.model_validate({"model": str(tiny), "data": {"train": str(reviews)}}))
    assert report.lengths["unit"] == "tokens"
    assert report.lengths["max"] == 4
    recipe = {"model": str(tiny), "data": {"train": str(reviews)}, "text": {"max_tokens": 5}}
    short = check(Recipe.model_validate(recipe))
    assert [finding.code for finding in short.findings] == ["K124"]
    recipe["text"] = {"max_tokens": 5, "long": "window", "overlap": 1}
    assert not check(Recipe.model_validate(recipe)).findings


def test_without_the_model_lengths_are_in_characters(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    report = check(Recipe.model_validate({"model": "nobody/nothing-of-the-kind", "data": {"train": str(reviews)}}))
    assert report.lengths["unit"] == "characters"
    assert "not on this machine" in report.guesses[-1]


def test_errors_are_findings_and_what_cannot_be_read_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("text,label\n" + "\n".join(f"words of row {number},a" for number in range(20)))
    report = check(str(path))
    assert not report.ok
    assert report.findings[0].code == "K115"
    with pytest.raises(InputError, match="K101"):
        check(str(tmp_path / "none.csv"))


def test_strategies_that_do_not_fit_are_told_before_training(tmp_path: Path) -> None:
    path = tmp_path / "stars.csv"
    path.write_text("\n".join(["text,label", *(f"words number {n},{n + 0.5}" for n in range(20))]))
    with pytest.raises(InputError, match="K213"):
        check(parse({"data": str(path), "strategies": ["freeze", "focal"]}))
    with pytest.raises(InputError, match="K212"):
        check(parse({"data": str(path), "strategies": ["fgm", "pgd"]}))
    assert check(parse({"data": str(path), "strategies": ["freeze", "fgm"]})).ok

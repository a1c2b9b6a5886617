"""General text: what the package ships, what a file gives, and that nobody learns from what is measured on."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from tunesmith.data.corpus import divide
from tunesmith.data.general import FEWEST, MOST, SHIPPED, open_general
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data


def test_the_package_ships_varied_texts_of_ten_topics_and_marks_other_languages() -> None:
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert Counter(row["topic"] for row in rows if row["language"] == "en") == Counter(
        dict.fromkeys(["home", "food", "nature", "science", "history", "work", "sport", "travel", "health", "art"], 32)
    )
    assert Counter(row["language"] for row in rows)["de"] == 5
    assert sum(row["language"] != "en" for row in rows) == 25
    assert len({row["text"] for row in rows}) == len(rows) == 345
    assert all(8 <= len(row["text"].split()) <= 40 for row in rows if row["language"] == "en")


def test_half_of_it_is_measured_on_every_topic_in_its_share() -> None:
    found = open_general(Data(train="x.csv"), 0)
    assert len(found.measured) == len(found.kept) == 160
    assert set(found.measured).isdisjoint(found.kept)
    assert set(Counter(found.topics).values()) == {16}
    assert len(found.topics) == 160
    assert open_general(Data(train="x.csv"), 1) == found  # nothing is drawn
    both = open_general(Data(train="x.csv"), 0, multilingual=True)
    assert len(both.measured) + len(both.kept) == 345
    assert any("胀" in text or "的" in text for text in (*both.measured, *both.kept))


@pytest.mark.parametrize("name", ["g.txt", "g.txt.gz", "g.csv"])
def test_a_file_is_drawn_from_and_halved(tmp_path: Path, name: str) -> None:
    texts = [f"a sentence about {n}" for n in range(MOST + 500)]
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("number,sentence\n" + "\n".join(f"{n},{t}" for n, t in enumerate(texts)), encoding="utf-8")
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress("\n".join(texts).encode()))
    else:
        path.write_text("\n".join(texts), encoding="utf-8")
    found = open_general(Data(train="x.csv", general=str(path), text="review"), 3)
    assert len(found.measured) == len(found.kept) == MOST // 2
    assert set(found.measured).isdisjoint(found.kept)
    assert set(found.measured) < set(texts)
    assert not found.topics
    assert found.name == name
    assert found.files["general"]["rows_read"] == MOST + 500
    assert len(found.files["general"]["sha256"]) == 64
    assert bool(found.guesses) == name.endswith("csv")  # the column of the train file is not one of this one
    assert open_general(Data(train="x.csv", general=str(path)), 4).measured != found.measured


def test_too_little_text_and_a_table_without_texts_are_refused(tmp_path: Path) -> None:
    few = tmp_path / "few.txt"
    few.write_text("\n".join(f"line {n}" for n in range(FEWEST - 1)), encoding="utf-8")
    with pytest.raises(InputError, match=r"K179.*19 texts"):
        open_general(Data(train="x.csv", general=str(few)), 0)
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("a,b\n" + "1,2\n" * 30, encoding="utf-8")
    with pytest.raises(InputError, match="Call the column of the texts") as caught:
        open_general(Data(train="x.csv", general=str(numbers)), 0)
    assert "data.text" not in str(caught.value)


def test_a_corpus_is_not_trained_on_what_is_measured(tmp_path: Path) -> None:
    corpus = tmp_path / "c.txt"
    corpus.write_text("\n".join(f"text {n}" for n in range(100)), encoding="utf-8")
    parts = divide(Data(train=str(corpus)), 0, dev=5, test=5, general=["text 7", "text 9", "elsewhere"])
    trained = [text for chunk in parts.train for text in chunk]
    held = {text for texts in parts.held.values() for text in texts}
    assert {"text 7", "text 9"}.isdisjoint(trained)
    assert len(trained) == 100 - len(held | {"text 7", "text 9"})

"""Real files: what must be read, and what must be found, against counts made here by other means."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.data.load import load_splits
from tunesmith.data.read import iter_chunks, read_table
from tunesmith.errors import InputError
from tunesmith.jobs.check import check
from tunesmith.recipe.schema import Data

pytestmark = pytest.mark.real

DIRTY = Path(__file__).parents[3] / "shared" / "data" / "dirty"
FILES = sorted(path.name for path in DIRTY.glob("*.[ct]sv")) if DIRTY.is_dir() else ["none"]


def expected(shared: Path, name: str) -> dict[str, Any]:
    facts: dict[str, dict[str, Any]] = json.loads((shared / "dirty" / "expected.json").read_text(encoding="utf-8"))
    return facts[name]


@pytest.mark.parametrize("name", FILES)
def test_dirty_files_are_read_to_the_last_row(shared: Path, name: str) -> None:
    facts = expected(shared, name)
    table = read_table(str(shared / "dirty" / name))
    assert table.rows_read == len(table) == facts["rows_csv_quoted"]
    assert table.columns == facts["header"]
    said = " ".join(finding.message for finding in table.findings)
    assert facts["encoding"] in ("utf-8", "utf-8-sig") or facts["encoding"] in said
    assert sum(chunk.num_rows for chunk in iter_chunks(str(shared / "dirty" / name))) == table.rows_read


@pytest.mark.parametrize("name", FILES)
def test_dirty_files_are_checked_or_refused_with_a_remedy(shared: Path, name: str) -> None:
    try:
        report = check(str(shared / "dirty" / name))
    except InputError as error:
        assert name == "zh_medical_gb18030.csv"
        (fault,) = error.faults
        assert all(column in fault.message for column in ("title", "ask", "answer"))
        assert "--set data.text=COLUMN" in fault.remedy
    else:
        assert report.rows_read == expected(shared, name)["rows_csv_quoted"]
        assert all(finding.remedy or finding.severity == "note" for finding in report.findings)


def test_sms_texts_lose_no_comma(shared: Path) -> None:
    path = shared / "dirty" / "sms_spam_unquoted_commas.csv"
    lines = path.read_text(encoding="utf-8").split("\n")[1:]
    table = read_table(str(path)).data
    rebuilt = [
        f"{label},{text}" for label, text in zip(*(table[c].to_pylist() for c in ("label", "text")), strict=True)
    ]
    assert rebuilt == [line for line in lines if line]
    report = check(str(path))
    assert report.labels == {"0": 4825, "1": 747}
    assert {"K105", "K108", "K114", "K118"} <= {finding.code for finding in report.findings}


def test_a_head_of_one_class_is_an_error_and_its_texts_are_read(shared: Path) -> None:
    path = str(shared / "dirty" / "waimai_label_first.csv")
    report = check(path)
    assert (report.rows_kept, report.ok, report.findings[0].code) == (3659, False, "K115")
    with pytest.raises(InputError, match="K115"):
        load_splits(Data(train=path), seed=1)


def test_chinese_questions_with_the_column_named(shared: Path) -> None:
    loaded = load_splits(Data(train=str(shared / "dirty" / "zh_medical_gb18030.csv"), text="ask"), seed=1)
    assert loaded.columns == {"text": "ask", "label": "department"}
    assert sum(loaded.stats["rows"].values()) == 1327


# --- what must be found ------------------------------------------------------------------------------------------


def pairs(path: Path) -> list[tuple[str, str]]:
    """Return (text without case and surplus spaces, label), read by nothing of ours."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [(" ".join(row["text"].split()).casefold(), row["label"]) for row in rows if row["text"].strip()]


def leaked(train: Iterable[tuple[str, str]], test: Iterable[tuple[str, str]]) -> int:
    known = {text for text, _ in train}
    return sum(text in known for text, _ in test)


@pytest.mark.parametrize(("name", "count"), [("citation_intent", 52), ("tweeteval_hate", 236)])
def test_leaks_between_train_and_test(shared: Path, name: str, count: int) -> None:
    folder = shared / name
    train = next(folder.glob("train.csv*"))
    test = folder / "test.csv"
    report = check(str(train), test=str(test))
    assert leaked(pairs(train), pairs(test)) == count
    (finding,) = [finding for finding in report.findings if finding.code == "K121"]
    assert (finding.source, finding.count, finding.severity) == ("test.csv", count, "warning")


def test_conflicting_labels(shared: Path) -> None:
    train = shared / "medical_abstracts" / "train.csv.gz"
    labels: dict[str, set[str]] = defaultdict(set)
    rows = pairs(train)
    for text, label in rows:
        labels[text].add(label)
    torn = [text for text, _ in rows if len(labels[text]) > 1]
    report = check(str(train))
    (finding,) = [finding for finding in report.findings if finding.code == "K120"]
    assert finding.count == len(torn) == 164
    assert f"{len(set(torn))} texts have more than one label" in finding.message
    assert report.rows_kept == len(rows) == 2022


def test_repeated_texts(shared: Path) -> None:
    for name in ("citation_intent", "trec6"):
        rows = pairs(shared / name / "train.csv")
        report = check(str(shared / name / "train.csv"))
        (finding,) = [finding for finding in report.findings if finding.code == "K118"]
        assert finding.count == len(rows) - len({text for text, _ in rows}) > 0


def test_a_column_that_gives_the_label_away(shared: Path) -> None:
    report = check(str(shared / "trec6" / "train.csv"))
    (finding,) = [finding for finding in report.findings if finding.code == "K126"]
    assert '"fine_label"' in finding.message
    none = check(str(shared / "hatecheck" / "test.csv"))
    assert '"label"' not in " ".join(finding.message for finding in none.findings if finding.code == "K126")


def test_no_split_of_a_real_set_leaks(shared: Path) -> None:
    loaded = load_splits(Data(train=str(shared / "bitext_customer_support" / "train.csv")), seed=3)
    texts = [
        {" ".join(row.text.split()).casefold() for row in rows}  # type: ignore[attr-defined]
        for rows in (loaded.splits.train, loaded.splits.dev, loaded.splits.test)
    ]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]
    assert all(len(counts) == 27 for counts in loaded.stats["labels"].values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_scores_of_pairs_are_numbers(shared: Path, language: str) -> None:
    train = next((shared / "stsb_multi").glob(f"{language}_train.csv*"))
    loaded = load_splits(Data(train=str(train)), seed=1)
    assert loaded.task == "pair"
    assert isinstance(loaded.splits.train[0].target, float)

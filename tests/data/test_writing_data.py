"""Real dialogues and texts to be written from: read to the last row, against a plain reading of the files."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.example import Message
from tunesmith.data.check import inspect
from tunesmith.data.read import read_table
from tunesmith.data.rows import prepare
from tunesmith.data.shape import task_of
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

pytestmark = pytest.mark.real

CHATS = {"alpaca_demo", "zh_medical_dialogue"}


def raw(path: Path) -> list[dict[str, Any]]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        if ".csv" in path.name:
            return list(csv.DictReader(file))
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("alpaca_demo/en.jsonl.gz", 999),
        ("alpaca_demo/zh.jsonl", 1000),
        ("zh_medical_dialogue/train.jsonl.gz", 2000),
        ("zh_medical_dialogue/test.jsonl", 400),
    ],
)
def test_instructions_are_read_to_the_last_row(shared: Path, name: str, count: int) -> None:
    prepared = prepare(Data(train=str(shared / name)))
    assert (prepared.task, prepared.findings) == ("chat", [])
    rows, lines = prepared.files["train"], raw(shared / name)
    assert len(rows) == len(lines) == count
    asked = ["\n".join(filter(None, (line["instruction"].strip(), line["input"].strip()))) for line in lines]
    assert rows.messages == [(Message("user", text),) for text in asked]
    assert rows.targets == [line["output"].strip() for line in lines]


def test_mails_and_subjects_are_read_to_the_last_row(shared: Path) -> None:
    files = {split: shared / "aeslc" / f"{split}.jsonl.gz" for split in ("train", "dev", "test")}
    prepared = prepare(Data(**{split: str(path) for split, path in files.items()}), "seq2seq")  # type: ignore[arg-type]
    assert prepared.columns == {"source": "source", "target": "target"}
    for split, path in files.items():
        rows, lines = prepared.files[split], raw(path)
        assert rows.texts == ([line["source"].strip() for line in lines],)
        assert rows.targets == [line["target"].strip() for line in lines]
    assert [len(rows) for rows in prepared.files.values()] == [3000, 1907, 1878]
    train = {" ".join(line["source"].split()).casefold() for line in raw(files["train"])}
    leaks = [n for n, line in enumerate(raw(files["test"]), start=1)
             if " ".join(line["source"].split()).casefold() in train]  # fmt: skip
    found = [f for f in inspect(prepared, near=False).findings if f.code == "K121" and f.source == files["test"].name]
    assert leaks == [1252, 1753]
    assert list(found[0].rows) == leaks


def test_the_addresses_in_real_mails_are_masked(shared: Path) -> None:
    path = str(shared / "aeslc" / "train.jsonl.gz")
    found = {f.code: f.message for f in inspect(prepare(Data(train=path), "seq2seq"), near=False).findings}
    assert found["K177"] == "245 rows hold 214 phone numbers, 169 e-mail addresses."
    masked = prepare(Data(train=path, redact=("all",)), "seq2seq")
    findings = inspect(masked, near=False).findings
    assert [f.message for f in findings if f.code in ("K177", "K178")] == [
        "214 phone numbers, 169 e-mail addresses masked in 245 rows."
    ]
    assert sum("[EMAIL]" in text for text in masked.files["train"].texts[0]) > 100


@pytest.mark.parametrize("target", ["de", "fr"])
def test_captions_are_read_in_the_languages_that_are_named(shared: Path, target: str) -> None:
    files = {"train": shared / "multi30k" / "train.csv.gz", "test": shared / "multi30k" / "test2016.csv"}
    named: dict[str, Any] = {split: str(path) for split, path in files.items()}
    with pytest.raises(InputError, match="3 columns of text could be the source and the target: en"):
        prepare(Data(**named), "seq2seq")
    asked = {"prompt": "en", "response": target, "instruction": "Translate:"}
    for prepared in (prepare(Data(**named, source="en", target=target)), prepare(Data(**named, **asked))):
        for split, path in files.items():
            lines = raw(path)
            before = "Translate:\n" if prepared.task == "chat" else ""
            assert prepared.files[split].texts == ([before + line["en"].strip() for line in lines],)
            assert prepared.files[split].targets == [line[target].strip() for line in lines]
        assert [len(rows) for rows in prepared.files.values()] == [10_000, 1000]


def test_questions_with_intents_are_classes_unless_said_otherwise(shared: Path) -> None:
    path = shared / "bitext_customer_support" / "train.csv"
    prepared = prepare(Data(train=str(path)))
    assert (prepared.task, len(prepared.files["train"])) == ("classify", 6480)
    rows = prepare(Data(train=str(path), prompt="text", response="label")).files["train"]
    lines = raw(path)
    assert [messages[0].content for messages in rows.messages] == [line["text"].strip() for line in lines]
    assert rows.targets == [line["label"] for line in lines]


def test_no_other_data_set_is_taken_for_chat(shared: Path) -> None:
    seen = set()
    for folder in sorted(path for path in shared.iterdir() if path.is_dir()):
        for path in sorted((*folder.glob("*.csv"), *folder.glob("*.jsonl"), *folder.glob("train.*.gz"))):
            if path.stat().st_size > 300_000 and folder.name not in CHATS:
                continue
            try:
                task = task_of(read_table(str(path)), Data(train=str(path)), "auto")[0]
            except InputError:
                continue
            seen.add(folder.name)
            assert (task == "chat") == (folder.name in CHATS), path
    assert len(seen) > 20
    assert seen > CHATS

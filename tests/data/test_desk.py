"""The demo desk holds what its README says."""

import csv
import json
import re
from collections import Counter
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

DESK = files("tunesmith") / "data" / "desk"
MESSAGES = 796
ENTITY_TEXTS = 367


def table(name: str) -> tuple[list[str], list[dict[str, str]]]:
    # newline="" as the csv module asks: line breaks inside a quoted message stay as they are
    with (DESK / name).open("r", encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, strict=True)
        rows = list(reader)
    return list(reader.fieldnames or []), rows


def squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


@pytest.fixture(scope="module")
def messages() -> list[dict[str, str]]:
    columns, rows = table("messages.csv")
    assert columns == ["id", "text", "label", "received"]
    return rows


@pytest.fixture(scope="module")
def entities() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DESK / "entities.jsonl").read_text(encoding="utf-8").splitlines()]


def test_messages_are_complete_and_unique(messages: list[dict[str, str]]) -> None:
    assert len(messages) == MESSAGES
    assert len({row["id"] for row in messages}) == MESSAGES
    assert len({squeezed(row["text"]) for row in messages}) == MESSAGES
    assert all(row["text"] == row["text"].strip() != "" for row in messages)
    assert all(date.fromisoformat(row["received"]).year == 2025 for row in messages)


def test_nine_labels_are_uneven_and_counted_in_the_readme(messages: list[dict[str, str]]) -> None:
    counts = Counter(row["label"] for row in messages)
    assert len(counts) == 9
    assert max(counts.values()) >= 4 * min(counts.values())
    assert min(counts.values()) >= 25
    readme = (DESK / "README.md").read_text(encoding="utf-8")
    for label, count in counts.items():
        assert f"| `{label}` | {count} |" in readme


def test_messages_are_messy(messages: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in messages]
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) <= 3
    assert sum(length >= 150 for length in lengths) >= 5
    assert sum("\n" in text for text in texts) >= 20
    assert sum(bool(re.search(r"\bVD-\d{5}\b", text)) for text in texts) >= 50
    assert sum(bool(re.search(r"\bE-\d{3}\b", text)) for text in texts) >= 25


def test_label_errors_are_exactly_five(messages: list[dict[str, str]]) -> None:
    columns, errors = table("label_errors.csv")
    assert columns == ["id", "label", "right_label", "why"]
    assert len(errors) == len({row["id"] for row in errors}) == 5
    given = {row["id"]: row["label"] for row in messages}
    readme = (DESK / "README.md").read_text(encoding="utf-8")
    for row in errors:
        assert given[row["id"]] == row["label"] != row["right_label"]
        assert row["right_label"] in set(given.values())
        assert row["why"]
        assert f"| `{row['id']}` | `{row['label']}` | `{row['right_label']}` |" in readme


def test_glossary_terms_are_in_use(messages: list[dict[str, str]]) -> None:
    columns, terms = table("glossary.csv")
    assert columns == ["term", "definition", "aliases", "class"]
    assert len(terms) == len({row["term"].casefold() for row in terms}) == 40
    labels = {row["label"] for row in messages}
    assert all(row["definition"] and row["class"] in labels | {""} for row in terms)
    names = [name for row in terms for name in [row["term"], *filter(None, row["aliases"].split("|"))]]
    assert all(name == name.strip() for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    world = "\n".join(row["text"] for row in messages)
    found = [t for t in terms if re.search(rf"(?<!\w){re.escape(t['term'])}(?!\w)", world, re.IGNORECASE)]
    assert len(found) >= 30


def test_unlabelled_messages_are_new(messages: list[dict[str, str]]) -> None:
    lines = (DESK / "unlabelled.txt").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == 300
    assert len({squeezed(line) for line in lines} - {""}) == 300
    assert not {squeezed(line) for line in lines} & {squeezed(row["text"]) for row in messages}


def test_entity_offsets_are_exact(messages: list[dict[str, str]], entities: list[dict[str, Any]]) -> None:
    texts = {row["id"]: row["text"] for row in messages}
    assert len(entities) == len({entry["id"] for entry in entities}) == ENTITY_TEXTS
    for entry in entities:
        assert set(entry) == {"id", "text", "spans"}
        assert entry["text"] == texts[entry["id"]]
        end = 0
        for span in entry["spans"]:
            assert set(span) == {"start", "end", "label"}
            assert end <= span["start"] < span["end"] <= len(entry["text"])
            mention = entry["text"][span["start"] : span["end"]]
            assert mention == mention.strip() != ""
            end = span["end"]
    assert {span["label"] for entry in entities for span in entry["spans"]} == {"PRODUCT", "PART"}


def test_entities_are_marked_alike_everywhere(entities: list[dict[str, Any]]) -> None:
    marked: dict[str, str] = {}
    for entry in entities:
        for span in entry["spans"]:
            mention = entry["text"][span["start"] : span["end"]].casefold()
            assert marked.setdefault(mention, span["label"]) == span["label"]
    assert len(marked) >= 30
    longest_first = sorted(marked, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w/])(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    for entry in entities:
        starts = [span["start"] for span in entry["spans"]]
        assert [match.start() for match in pattern.finditer(entry["text"])] == starts, entry["id"]


def test_no_address_leads_to_a_real_host() -> None:
    names = ["messages.csv", "unlabelled.txt", "entities.jsonl", "README.md"]
    text = "\n".join((DESK / name).read_text(encoding="utf-8") for name in names)
    hosts = re.findall(r"(?:https?://|@)([\w.-]+)", text)
    assert len(hosts) >= 8
    for host in hosts:
        assert host.rstrip(".").endswith("example.com")

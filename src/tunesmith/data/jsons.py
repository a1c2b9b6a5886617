"""Rows of json and jsonl."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from tunesmith.data.encoding import detect_encoding
from tunesmith.data.exports import flat_record
from tunesmith.data.findings import shorten
from tunesmith.data.source import Source, reading
from tunesmith.errors import Fault, InputError

Record = dict[str, Any]


def jsonl_records(source: Source) -> Iterator[tuple[int, Record | str]]:
    """Yield (line number, object) of every line that is not blank; a string says why a line is not an object."""
    with reading(source.name):
        with source.open() as raw:
            encoding = detect_encoding(raw)
        with io.TextIOWrapper(source.open(), encoding.name, "replace", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _record(line)


def _record(line: str) -> Record | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"{error}" if isinstance(error, ValueError) else "nested too deeply"
    value = flat_record(value)
    if isinstance(value, dict):
        return value
    return f"an object was expected, and a {type(value).__name__} came: {shorten(line, 40)}"


def json_records(source: Source) -> list[Record] | None:
    """Return the rows of a json document: a list of objects, an object that holds one, or an object of columns.

    Returns None where the document is lines of objects after all.
    """
    with reading(source.name):
        with source.open() as raw:
            encoding = detect_encoding(raw)
        with io.TextIOWrapper(source.open(), encoding.name, "replace") as file:
            text = file.read()
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return None
        where = f"{source.name} line {error.lineno}"
        raise InputError(
            Fault("K103", where, f"this is not valid JSON ({error.msg}).", "Mend the line, or save rows as jsonl.")
        ) from None
    except RecursionError:
        raise InputError(Fault("K103", source.name, "it is nested too deeply.", "Give a list of objects.")) from None
    return _rows_of(value, source.name)


def _rows_of(value: Any, name: str) -> list[Record]:
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        if len(lists) == 1 and _is_dialogue(value):
            return [value]
        if len(lists) == 1:
            return _rows_of(lists[0], name)
        columns = {key: list(item.values()) if isinstance(item, dict) else item for key, item in value.items()}
        if columns and all(isinstance(item, list) for item in columns.values()):
            if len({len(item) for item in columns.values()}) == 1:
                return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        elif all(not isinstance(item, list | dict) for item in value.values()):
            return [value]
    elif isinstance(value, list):
        value = [flat_record(item) for item in value]
        wrong = [place for place, item in enumerate(value, start=1) if not isinstance(item, dict)]
        if value and not wrong:
            return _questions_of(value, name) if _is_nested(value) else value
        if wrong:
            raise InputError(
                Fault("K103", f"{name} row {wrong[0]}", f"{len(wrong):,} of {len(value):,} items are not objects.",
                      'Make every item an object such as {"text": "…", "label": "…"}.')
            )  # fmt: skip
    raise InputError(Fault("K103", name, "no list of rows was found in it.", 'Give [{"text": "…", "label": "…"}, …].'))


def _is_dialogue(value: Record) -> bool:
    """Return whether an object is one dialogue, and not a list of rows under a name."""
    turns = value.get("messages", value.get("conversations", value.get("conversation")))
    keys = {key for turn in turns if isinstance(turn, dict) for key in turn} if isinstance(turns, list) else set()
    return {"role", "content"} <= keys or {"from", "value"} <= keys


def _is_nested(items: list[Record]) -> bool:
    """Return whether the first item is an article with paragraphs, or a paragraph with questions, as in SQuAD."""
    return any(isinstance(items[0].get(key), list) for key in ("paragraphs", "qas"))


def _questions_of(items: list[Record], name: str) -> list[Record]:
    """Return a row per question of articles with paragraphs, or of paragraphs: its own fields, context and title."""
    rows: list[Record] = []
    faults = []
    for number, item in enumerate(items, start=1):
        paragraphs = item.get("paragraphs", [item])
        for place, paragraph in enumerate(paragraphs if isinstance(paragraphs, list) else [paragraphs], start=1):
            questions = paragraph.get("qas") if isinstance(paragraph, dict) else None
            if not isinstance(questions, list) or not all(isinstance(question, dict) for question in questions):
                where = f"{name} item {number}" + (f" paragraph {place}" if "paragraphs" in item else "")
                what = 'it has no list "qas" of questions, each an object.'
                remedy = 'Write {"context": "…", "qas": [{"question": "…", "answers": […]}]}.'
                faults.append(Fault("K103", where, what, remedy))
                continue
            shared = {key: source[key] for source, key in ((item, "title"), (paragraph, "context")) if key in source}
            rows.extend(shared | question for question in questions)
    if faults:
        raise InputError(faults)
    return rows

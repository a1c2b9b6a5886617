"""Tables → rows of a text with marked spans: the data of the task `tag`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tunesmith.core.example import Span
from tunesmith.data.arrays import column_texts
from tunesmith.data.columns import refuse_missing
from tunesmith.data.findings import raise_errors
from tunesmith.data.joined import join_words
from tunesmith.data.labelled import spelling_findings, unknown_labels, unused_renames
from tunesmith.data.labels import Spelling, number_of
from tunesmith.data.markup import Style, left_marks, read_markup
from tunesmith.data.rows import Prepared, Rows, Words, guesses_of
from tunesmith.data.schemes import OUTSIDE, SAID, Scheme, detect_scheme, spans_of_tags, split_tag
from tunesmith.data.spanlist import Marked, read_spanlist
from tunesmith.data.spanrepair import Repairs, repaired
from tunesmith.data.table import Table
from tunesmith.data.tagcolumns import TagColumns, tag_columns, word_lists
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.schema import Data


@dataclass(slots=True)
class Read:
    """A row as it was read.

    Args:
        spans: None where nobody has marked the row.
        words: where they are given.
        left_out: whether it cannot be used; `repairs` says why.
    """

    text: str
    spans: list[Marked] | None
    words: Words = ()
    left_out: bool = False


@dataclass(slots=True)
class File:
    """One file while it is prepared."""

    table: Table
    read: list[Read]
    repairs: Repairs = field(default_factory=Repairs)


def prepare_tagged(tables: dict[str, Table], data: Data) -> Prepared:
    """Find words and tags, texts and spans, or marked texts in `tables`, and bring them to texts with spans.

    The targets are the spans of each row in order, which do not overlap; offsets count the characters of the row's
    text, which is exactly that of the data, or its words joined. What had to be mended is among the findings.

    Args:
        tables: `train`, and `dev` and `test` where they are given.
        data: the part of the recipe.

    Raises:
        InputError: nothing is marked, columns are missing, tags are numbers without names, or bad rows are to stop
            the work.
    """
    columns = tag_columns(tables["train"], data)
    refuse_missing(tables.values(), columns.by_role)
    findings = [finding for table in tables.values() for finding in table.findings]
    keeps = data.on_bad_row == "keep"
    if columns.shape == "tokens":
        files, guesses = _from_tokens(tables, columns, data)
    elif columns.shape == "spans":
        files, guesses = {split: _from_spans(table, columns, keeps) for split, table in tables.items()}, ()
    else:
        assert columns.style
        files, guesses = _from_markup(tables, columns.by_role["text"], columns.style), ()
    rows = {split: _rows(file, keeps) for split, file in files.items()}
    for file in files.values():
        findings += file.repairs.findings(file.table, data.on_bad_row)
    raise_errors(finding for finding in findings if data.on_bad_row == "error")
    said = guesses_of(tables, (*columns.guesses, *guesses))
    prepared = Prepared("tag", "spans", columns.by_role, rows, findings, said)
    _name_kinds(prepared, data, _raw_tags(files, columns))
    return prepared


# --- words and tags ----------------------------------------------------------------------------------------------


def _from_tokens(tables: dict[str, Table], columns: TagColumns, data: Data) -> tuple[dict[str, File], tuple[str, ...]]:
    renames = {name.strip(): target for name, target in data.labels.items()}
    cells = {
        split: (word_lists(table.data[columns.by_role["tokens"]]), _tags(table, columns, renames))
        for split, table in tables.items()
    }
    scheme = detect_scheme(tags for tags in cells["train"][1] if tags)
    _refuse_numbers(tables["train"], columns, cells["train"][1], scheme)
    keeps = data.on_bad_row == "keep"
    files = {}
    for split, (words, tags) in cells.items():
        file = files[split] = File(tables[split], [])
        for at, (row_words, row_tags) in enumerate(zip(words, tags, strict=True)):
            file.read.append(_read_tokens(at, row_words or [], row_tags, scheme, keeps, file.repairs))
    return files, (f"The tags follow {SAID[scheme]}.",)


def _tags(table: Table, columns: TagColumns, renames: dict[str, str]) -> list[list[str] | None]:
    """Return the tags of every row, renamed where `data.labels` names whole tags, as it must for numbers."""
    return [
        None if tags is None else [renames.get(tag.strip(), tag) for tag in tags]
        for tags in word_lists(table.data[columns.by_role["tags"]])
    ]


def _refuse_numbers(table: Table, columns: TagColumns, rows: Sequence[list[str] | None], scheme: Scheme) -> None:
    tags = {tag for row in rows if row for tag in row if tag.strip() not in OUTSIDE}
    if scheme == "words" and tags and all(number_of(tag) is not None for tag in tags):
        shown = ", ".join(sorted(tags, key=lambda tag: number_of(tag) or 0.0)[:4])
        raise InputError(
            Fault(
                "K107", table.name,
                f'column "{columns.by_role["tags"]}" holds numbers ({shown}, …), and nothing says what they mean.',
                'Name them all: data.labels: {"0": "O", "1": "B-PER", "2": "I-PER"}.',
            )
        )  # fmt: skip


def _read_tokens(
    at: int, words: list[str], tags: list[str] | None, scheme: Scheme, keeps: bool, repairs: Repairs
) -> Read:
    """Return one row of words and tags; a word of nothing but white space is none, and its tag counts for nothing."""
    text, places = join_words(words)
    given = tuple(place for place in places if place)
    if tags is None or not words:
        return Read(text, None if tags is None else [], given)
    if len(tags) != len(words):
        repairs.note("lengths", at, f"{len(words)} tokens, {len(tags)} tags")
        tags = (tags + ["O"] * len(words))[: len(words)]
        if not keeps:
            return Read(text, [], given, left_out=True)
    blank = [word for word, place in zip(words, places, strict=True) if not place]
    if "" in blank:
        repairs.note("empty", at)
    kept = [tag for tag, place in zip(tags, places, strict=True) if place]
    spans, breaks = spans_of_tags(kept, scheme)
    for place in breaks:
        repairs.note("broken", at, f"{kept[place]} {_behind(kept, place)}")
    return Read(text, [Marked(given[one][0], given[two - 1][1], kind) for one, two, kind in spans], given)


def _behind(tags: Sequence[str], place: int) -> str:
    """Return where a broken tag stands: behind which one, or before which one if that is what breaks it."""
    (letter, kind), (before, other) = split_tag(tags[place]), split_tag(tags[place - 1] if place else "O")
    if letter == "?" or (letter in "IE" and (before in "OES" or kind != other)):
        return f"after {tags[place - 1]}" if place else "at the beginning"
    return f"before {tags[place + 1]}" if place + 1 < len(tags) else "at the end"


# --- texts and spans ---------------------------------------------------------------------------------------------


def _from_spans(table: Table, columns: TagColumns, keeps: bool) -> File:
    file = File(table, [])
    texts = column_texts(table.data[columns.by_role["text"]])  # as they are: offsets count from the first character
    for at, (text, cell) in enumerate(zip(texts, table.data[columns.by_role["spans"]].to_pylist(), strict=True)):
        try:
            file.read.append(Read(text, read_spanlist(cell)))
        except ValueError as error:
            file.repairs.note("unreadable", at, str(error))
            file.read.append(Read(text, [], left_out=not keeps))
    if "annotations" in table.columns:
        for at, count in enumerate(column_texts(table.data["annotations"])):
            if (number_of(count) or 0) > 1:
                file.repairs.note("several", at)
    return file


def _from_markup(tables: dict[str, Table], column: str, style: Style) -> dict[str, File]:
    files: dict[str, File] = {}
    kinds: set[str] = set()
    for split, table in tables.items():
        read = [read_markup(text.strip(), style) for text in column_texts(table.data[column])]
        kinds |= {span.label for _, spans in read for span in spans}
        files[split] = File(table, [Read(text, spans) for text, spans in read])
    for file in files.values():
        for at, row in enumerate(file.read):
            if left_marks(row.text, style, kinds):
                file.repairs.note("unclosed", at)
    return files


# --- rows --------------------------------------------------------------------------------------------------------


def _rows(file: File, keeps: bool) -> Rows:
    """Return the rows that can be used, their spans mended."""
    places: list[int] = []
    targets: list[tuple[Span, ...]] = []
    for at, row in enumerate(file.read):
        if not row.text.strip():
            file.repairs.note("no_text", at)
            row.left_out = row.left_out or not keeps
        if row.spans is None:
            file.repairs.note("no_spans", at)
        if row.spans is None or row.left_out:
            continue
        spans, whole = repaired(at, row.text, row.spans, row.words, file.repairs)
        if whole or keeps:
            places.append(at)
            targets.append(spans)
    kept = [file.read[at] for at in places]
    words = [row.words for row in kept] if any(row.words for row in kept) else []
    return Rows(file.table, np.array(places, dtype=np.int64), ([row.text for row in kept],), list(targets), words)


def _raw_tags(files: dict[str, File], columns: TagColumns) -> set[str]:
    """Return the tags as they are written, which `data.labels` may name as well as the kinds."""
    if columns.shape != "tokens":
        return set()
    cells = (word_lists(file.table.data[columns.by_role["tags"]]) for file in files.values())
    return {tag.strip() for lists in cells for tags in lists for tag in tags or ()}


def _name_kinds(prepared: Prepared, data: Data, tags: set[str]) -> None:
    """Give every kind one name, and find the names that are no kind of the train rows."""
    kinds = {split: [tuple(span.label for span in _spans(target)) for target in rows.targets]
             for split, rows in prepared.files.items()}  # fmt: skip
    spelling = Spelling.learn((kind for row in kinds["train"] for kind in row), data.labels)
    for rows in prepared.files.values():
        rows.targets = [
            tuple(replace(span, label=spelling.of(span.label)) for span in _spans(target)) for target in rows.targets
        ]
    train = prepared.files["train"]
    prepared.findings += spelling_findings(train.name, spelling, kinds["train"], train)
    prepared.findings += unused_renames(prepared, data, kinds | {"tags": [tuple(tags)]})
    for split in ("dev", "test"):
        if split in prepared.files:
            prepared.findings += unknown_labels(prepared.files[split], train)


def _spans(target: object) -> Iterator[Span]:
    assert isinstance(target, tuple)
    yield from target

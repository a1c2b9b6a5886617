"""Which columns hold words and tags, or a text and its spans, or a text with marks in it."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.markup import EXAMPLES, Style, style_of
from tunesmith.data.names import ID, LABEL, TEXT, WEAK_TEXT, head_word, words_of
from tunesmith.data.profile import Profile, profile_columns
from tunesmith.data.roles import ROW_ROLES, no_column, said, told_columns, usual_column
from tunesmith.data.schemes import split_tag
from tunesmith.data.spanlist import HOLDERS, read_spanlist
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.schema import Data

Shape = Literal["tokens", "spans", "markup"]

TOKENS = ("tokens", "words", "token", "word", "forms")
TAGS = ("tags", "nertags", "ner", "iobtags", "biotags", "labels", "label", "tag", "slots", "postags", "pos", "upos")
SPANS = ("spans", *(name for name in HOLDERS if name not in ("spans", "result")))
SAMPLE_ROWS = 200
MARKED_SHARE = 0.2
"""In fewer texts than this share, marks are taken as text where nobody has said that the task is tag."""


@dataclass(frozen=True, slots=True)
class TagColumns:
    """How the rows are marked, and in which columns.

    Args:
        by_role: `tokens` and `tags`, `text` and `spans`, or `text` alone; and id, group and time where named.
        guesses: sentences that say what was inferred, and how to change it.
        style: of the marks within the text.
    """

    shape: Shape
    by_role: dict[str, str]
    guesses: tuple[str, ...] = ()
    style: Style | None = None


def find_marks(table: Table, data: Data) -> str:
    """Return the sentence that says by which columns the rows of `table` are marked; empty where nothing is plain.

    Nothing is plain where a text with spans, or with marks in it, has a column of labels beside it.
    """
    told = told_columns(table, data, ("text", *ROW_ROLES))
    free = [name for name in table.columns if name not in told.values()]
    if not data.text and (pair := _find_tokens(table, free, {})):
        return f'column "{pair["tags"]}" holds a tag for every word of column "{pair["tokens"]}"'
    profiles = profile_columns(table)
    labels = {name for name in free if profiles[name].is_label and not _is_id(name, profiles[name])}
    if spans := _find_spans(table, free):
        named = {name for name in labels - {spans} if _plain_name(name) in LABEL[0]}
        return "" if named else f'column "{spans}" holds marked spans'
    texts = [data.text] if data.text else [name for name in free if profiles[name].is_text]
    if len(texts) == 1 and labels <= set(texts):
        sample = column_texts(_head(table, texts[0]))
        style, marked = style_of(sample)
        if style and marked >= MARKED_SHARE * len(sample):
            return f'column "{texts[0]}" holds marks such as {EXAMPLES[style]}'
    return ""


def _is_id(name: str, profile: Profile) -> bool:
    return profile.is_id or head_word(name) in ID


def tag_columns(table: Table, data: Data) -> TagColumns:
    """Return how the rows are marked: by the columns that `data` names, else by names and by what the cells hold.

    `data.label` may name the tags or the spans, as the column of the answer is called in every other task.

    Raises:
        InputError: a named column does not exist, or no marks are found; the columns are listed.
    """
    told = told_columns(table, data, ("text", "tokens", "tags", "spans", "label", *ROW_ROLES))
    rest = {role: told[role] for role in ROW_ROLES if role in told}
    told = {role: name for role, name in told.items() if role not in rest}
    if label := told.pop("label", None):
        told.setdefault("tags" if told.get("tokens") or not _are_spans(table, label) else "spans", label)
    free = [name for name in table.columns if name not in (*told.values(), *rest.values())]
    if "spans" not in told and ("tokens" in told or "tags" in told or "text" not in told):
        if pair := _find_tokens(table, free, told):
            return TagColumns("tokens", pair | rest, said(pair, told))
        if faults := [
            no_column(table, role, "a list as long as that of the other")
            for role in ("tokens", "tags") if {"tokens", "tags"} & told.keys() and role not in told
        ]:  # fmt: skip
            raise InputError(faults)
    spans = told.get("spans") or _find_spans(table, free)
    text = told.get("text") or _find_text(table, [name for name in free if name != spans])
    if spans:
        pair = {"text": text, "spans": spans}
        return TagColumns("spans", pair | rest, said(pair, told))
    style, _ = style_of(column_texts(table.data[text]))
    if style is None:
        raise InputError(_no_marks(table, text))
    how = f"Spans are marked as {EXAMPLES[style]} in the text; every other mark is text."
    return TagColumns("markup", {"text": text} | rest, (*said({"text": text}, told), how), style)


def _no_marks(table: Table, text: str) -> Fault:
    return Fault(
        "K106", table.name,
        f'nothing is marked: no list of tags beside a list of tokens, no column of spans, no marks in column "{text}"; '
        f"there are {', '.join(table.columns[:12])}.",
        "Name the columns: data.tokens and data.tags, or data.text and data.spans; or mark spans as [words](KIND).",
    )  # fmt: skip


# --- tokens and tags ---------------------------------------------------------------------------------------------


def word_lists(column: pa.ChunkedArray) -> list[list[str] | None]:
    """Return the lists of a column: Arrow lists, JSON or Python lists in strings, else strings parted at spaces."""
    if is_list(column):
        return [None if items is None else [item or "" for item in items] for items in column.to_pylist()]
    return [_word_list(text) for text in column_texts(column)]


def _word_list(text: str) -> list[str] | None:
    text = text.strip()
    if not text:
        return None
    if text.startswith("[") and text.endswith("]"):
        for load in (json.loads, ast.literal_eval):
            try:
                items = load(text)
            except (ValueError, SyntaxError, RecursionError):
                continue
            return ["" if item is None else str(item) for item in items]
    return text.split()


def _find_tokens(table: Table, free: Sequence[str], told: dict[str, str]) -> dict[str, str]:
    """Return the columns of tokens and tags; none where no two columns run side by side."""
    lists = [name for name in free if is_list(table.data[name])]
    named = [name for name in free if name not in lists and _plain_name(name) in (*TOKENS, *TAGS)]
    tokens = told.get("tokens") or usual_column([*lists, *named], TOKENS)
    if tokens is None and lists:
        others = [name for name in lists if _plain_name(name) not in TAGS]
        tokens = others[0] if len(others) == 1 < len(lists) else None
    if tokens is None:
        return {}
    candidates = [told["tags"]] if "tags" in told else [
        name for name in (*lists, *named) if name != tokens and _run_parallel(table, tokens, name)
    ]  # fmt: skip
    tags = usual_column(candidates, TAGS) or (candidates[0] if len(candidates) == 1 else None)
    return {"tokens": tokens, "tags": tags} if tags else {}


def _run_parallel(table: Table, tokens: str, tags: str) -> bool:
    """Return whether half of the rows have as many tags as tokens; strings must say B- or I- somewhere, too."""
    pairs = [
        (one, two)
        for one, two in zip(*(word_lists(_head(table, name)) for name in (tokens, tags)), strict=True)
        if one and two
    ]
    even = sum(len(one) == len(two) for one, two in pairs)
    if not pairs or even * 2 < len(pairs):
        return False
    if is_list(table.data[tags]):
        return True
    # Strings may be a column of words and one of their tags: a word a row is no sentence.
    several = sum(len(one) > 1 for one, _ in pairs) * 2 > len(pairs)
    return several and any(split_tag(tag)[0] in "BI" for _, marks in pairs for tag in marks)


# --- text and spans ----------------------------------------------------------------------------------------------


def _find_spans(table: Table, free: Sequence[str]) -> str | None:
    found = [name for name in free if _are_spans(table, name)]
    return usual_column(found, SPANS) or (found[0] if len(found) == 1 else None)


def _are_spans(table: Table, name: str) -> bool:
    """Return whether most filled cells of a column are lists of spans, and one at least is not empty."""
    column = _head(table, name)
    if not pa.types.is_string(column.type):
        return False
    cells = [cell for cell in column.to_pylist() if cell and cell.strip()]
    if not cells or not any(cell.lstrip()[0] in "[{" for cell in cells):
        return False
    read = [_spans_in(cell) for cell in cells]
    return sum(spans is not None for spans in read) * 2 > len(read) and any(read)


def _spans_in(cell: str) -> list[Any] | None:
    try:
        return list(read_spanlist(cell) or ())
    except ValueError:
        return None


def _find_text(table: Table, free: Sequence[str]) -> str:
    profiles = profile_columns(table)
    prose = [name for name in free if profiles[name].is_prose]
    for tier in (TEXT[0], TEXT[1], WEAK_TEXT):
        named = [name for name in prose if _plain_name(name) in tier]
        if len(named) == 1:
            return named[0]
    if len(prose) == 1:
        return prose[0]
    long = [name for name in prose if profiles[name].is_text]
    if len(long) == 1:
        return long[0]
    raise InputError(no_column(table, "text", "one column of sentences was expected"))


def _plain_name(name: str) -> str:
    return "".join(words_of(name))


def _head(table: Table, name: str) -> pa.ChunkedArray:
    return table.data[name].slice(0, SAMPLE_ROWS)

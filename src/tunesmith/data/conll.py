"""Files with a word and its tag on every line and a blank line between sentences: CoNLL and its kin."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from tunesmith.core.report import Finding, Severity
from tunesmith.data.encoding import detect_encoding
from tunesmith.data.findings import count_of, note_rows
from tunesmith.data.names import is_known
from tunesmith.data.schemes import split_tag
from tunesmith.data.source import Source, reading
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError

DOCUMENT = "-DOCSTART-"
SNIFFED_SHARE = 0.95
"""So many lines of a file without a telling suffix must end in a tag; some may be torn."""
UNIVERSAL_WIDTH = 10
"""Columns of CoNLL-U: number, form, lemma, UPOS, …, of which form and UPOS are read."""
_GAP = re.compile(r"[ \t]+")  # not \s: a no-break space may be part of a word
_NUMBER = re.compile(r"\d+([-.]\d+)?$")
_TAG = re.compile(r"O|[BIESLUM]-\S+")


def looks_conll(head: str, *, cut: bool) -> bool:
    """Return whether `head`, the beginning of a file, has a word and a tag on every line, and blank lines between some.

    Args:
        head: decoded; its last line may be torn.
        cut: whether there is more behind it.
    """
    lines = head.split("\n")[: -1 if cut else None]
    plain = _plain(lines)
    tabs = _has_tabs(plain)
    rows = [_cells(line.rstrip("\r"), tabs) for line in plain]
    parted = any(not line.strip() for line in "\n".join(lines).strip().split("\n"))
    if len(rows) < 3 or not parted:
        return False
    width = Counter(map(len, rows)).most_common(1)[0][0]
    tagged = sum(len(row) == width and _TAG.fullmatch(row[-1]) is not None for row in rows)
    named = any(split_tag(row[-1])[0] in "BIES" for row in rows)
    return width >= 2 and tagged >= SNIFFED_SHARE * len(rows) and named


def read_conll(source: Source, on_bad_row: Literal["error", "skip", "keep"]) -> Table:
    """Return a row per sentence: a list of its words in `tokens`, and of their tags in `tags` where there are any.

    The word is in the first column and the tag in the last; where lines begin with numbers, the word is in the second,
    and of CoNLL-U the tag is the UPOS. Comments and document marks are no words, nor are the ranges and empty nodes of
    CoNLL-U.

    Raises:
        InputError: the file cannot be read, or holds no word.
    """
    with reading(source.name):
        with source.open() as raw:
            encoding = detect_encoding(raw)
        with io.TextIOWrapper(source.open(), encoding.name, "replace", newline="\n") as file:
            lines = [line.rstrip("\r\n").removeprefix("\ufeff") for line in file]
    form = _Form.of(lines)
    sentences = list(_sentences(lines, form))
    if not sentences:
        raise InputError(Fault("K128", source.name, "no line holds a word.", "Write a word and its tag on each line."))
    torn = [sentence for sentence in sentences if sentence.torn]
    kept = sentences if on_bad_row == "keep" else [sentence for sentence in sentences if not sentence.torn]
    columns = {"tokens": [sentence.tokens for sentence in kept]}
    if form.width > 1:
        columns["tags"] = [sentence.tags for sentence in kept]
    data = pa.table({name: pa.array(cells, pa.list_(pa.string())) for name, cells in columns.items()})
    rows = np.array([sentence.line for sentence in kept], dtype=np.int64)
    findings = (_torn_finding(source.name, torn, form, on_bad_row),) if torn else ()
    return Table(source.name, data, rows, len(sentences), "", findings, form.said(source.name))


@dataclass(frozen=True, slots=True)
class _Form:
    """How the lines are written.

    Args:
        tabs: whether cells are parted by tabs alone, so that words may hold spaces.
        width: cells of most lines.
        word: the cell of the word.
        tag: the cell of the tag.
        known: the tags of lines that are words beyond doubt; a line that begins with `#` is one where it has such.
        header: the line that names the columns, None where none does.
    """

    tabs: bool
    width: int
    word: int
    tag: int
    known: frozenset[str]
    header: str | None = None

    @classmethod
    def of(cls, lines: Sequence[str]) -> _Form:
        plain = _plain(lines)
        tabs = _has_tabs(plain)
        rows = [_cells(line, tabs) for line in plain]
        width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
        whole = [row for row in rows if len(row) == width]
        numbered = width > 2 and all(_NUMBER.match(row[0]) for row in whole) and _starts_over(lines, tabs)
        tag = 3 if numbered and width == UNIVERSAL_WIDTH else width - 1
        tags = Counter(row[tag] for row in whole)
        names = rows[:1] and rows[0] in whole and is_known(rows[0][tag]) and tags[rows[0][tag]] == 1
        return cls(tabs, width, int(numbered), tag, frozenset(tags), plain[0] if names else None)

    def said(self, name: str) -> tuple[str, ...]:
        """Return what was taken for what."""
        rows = f"{name}: a row is a sentence, and its number is the line of its first word"
        if self.width < 2:
            return (f"{rows}; every line is a word.",)
        return (
            f"{rows}; of {self.width} columns, number {self.word + 1} is the word and number {self.tag + 1} its tag.",
        )


def _plain(lines: Sequence[str]) -> list[str]:
    """Return the lines that are words beyond doubt."""
    return [line for line in lines if line.strip() and not line.startswith(("#", DOCUMENT))]


def _has_tabs(lines: Sequence[str]) -> bool:
    return sum("\t" in line for line in lines) * 2 > len(lines)


def _starts_over(lines: Sequence[str], tabs: bool) -> bool:
    """Return whether every sentence numbers its words from one: the first column is then no word."""
    fresh, seen = True, False
    for line in lines:
        if not line.strip():
            fresh = True
        elif not line.startswith(("#", DOCUMENT)):
            first = _cells(line, tabs)[0].split("-")[0].split(".")[0]
            if fresh and first not in ("0", "1"):
                return False
            fresh, seen = False, True
    return seen


def _cells(line: str, tabs: bool) -> list[str]:
    return line.split("\t") if tabs else _GAP.split(line.strip(" \t"))


@dataclass(slots=True)
class _Sentence:
    line: int
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    torn: int = 0


def _sentences(lines: Sequence[str], form: _Form) -> Iterator[_Sentence]:
    """Yield the words and tags between blank lines; `torn` is the first line without a word or a tag."""
    sentence: _Sentence | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(DOCUMENT) or line == form.header:
            if sentence:
                yield sentence
            sentence = None
            continue
        cells = _cells(line, form.tabs)
        if line.startswith("#") and not _is_word(cells, form):
            continue
        if form.word and not cells[0].isdigit():  # a range or an empty node of CoNLL-U
            continue
        sentence = sentence or _Sentence(number)
        whole = len(cells) == form.width or (len(cells) > form.width > 1 and form.width != UNIVERSAL_WIDTH)
        if not whole:
            sentence.torn = sentence.torn or number
        sentence.tokens.append(cells[min(form.word, len(cells) - 1)])
        sentence.tags.append(cells[form.tag if form.width == UNIVERSAL_WIDTH else -1] if whole else "O")
    if sentence:
        yield sentence


def _is_word(cells: Sequence[str], form: _Form) -> bool:
    """Return whether a line that begins with `#` is a word: it has the cells of one, and a tag."""
    if len(cells) != form.width or form.width < 2:
        return False
    return cells[form.tag] in form.known or _TAG.fullmatch(cells[form.tag]) is not None


def _torn_finding(name: str, torn: Sequence[_Sentence], form: _Form, on_bad_row: str) -> Finding:
    severity: Severity = "error" if on_bad_row == "error" else "warning"
    fate = {"error": "", "skip": "; left out", "keep": "; their words without tag count as O"}[on_bad_row]
    first = torn[0].torn
    return note_rows(
        "K104", severity, name,
        f"{count_of(len(torn), 'sentence')} held a line without {form.width} columns (first: line {first}){fate}.",
        "Write a word and its tag on each line. data.on_bad_row: error, skip or keep.",
        [sentence.line for sentence in torn],
    )  # fmt: skip

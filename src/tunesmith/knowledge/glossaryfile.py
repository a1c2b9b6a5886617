"""A file of terms → a glossary, with everything wrong said at once, each with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.data.arrays import cell_text
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.knowledge.glossary import Entry, Glossary, Key, key_of
from tunesmith.recipe.text import read_document

COLUMNS = ("term", "definition", "aliases", "class")
SEPARATORS = re.compile(r"[;|]")
"""What separates aliases in one cell."""
YAML = (".yaml", ".yml")


class Given(NamedTuple):
    """An entry as the file has it.

    Args:
        line: on which it begins.
        cells: column or key → what stands there.
    """

    line: int
    cells: Mapping[str, Any]


def read_glossary(path: Path | str) -> Glossary:
    """Return the glossary in a file: .csv or .tsv with a header, or .yaml with a list of mappings.

    Raises:
        InputError: it cannot be read (K101, K205, K206), or entries are wrong: all faults, each with its line (K816,
            K817).
    """
    path = Path(path)
    faults: list[Fault] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
        given = list((_of_yaml if path.suffix.lower() in YAML else _of_table)(text, path, faults))
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        message = f"the glossary cannot be read: {why}."
        raise InputError(Fault("K101", str(path), message, "Check the name of the file.")) from error
    read = [_entry(one, path, faults) for one in given]
    entries = [entry for entry in read if entry is not None]
    faults += _repeated(entries)
    if not (entries or faults):
        faults.append(Fault("K816", str(path), "the glossary holds no term.", "Give it a row for each term."))
    if faults:
        raise InputError(faults)
    return Glossary(tuple(entries), path.name, path)


def _of_table(text: str, path: Path, faults: list[Fault]) -> Iterator[Given]:
    """Yield the rows of a table; an unknown column is said once."""
    head = text.partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        faults.append(_torn(path, 1, error))
        return
    where = f"{path} line 1"
    faults += [_unknown(where, "column", name) for name in names if name not in COLUMNS]
    faults += [
        _fault(where, f'column "{name}" stands twice.', "Keep one.") for name in COLUMNS if names.count(name) > 1
    ]
    if "term" not in names:
        message = f"there is no column term; the header is: {', '.join(names) or 'empty'}."
        faults.append(_fault(where, message, f"Write a header: {', '.join(COLUMNS)}; only term is needed."))
        return
    line = reader.line_num + 1
    try:
        for cells in reader:
            if len(cells) > len(names):
                message = f"{len(cells)} cells where the header has {len(names)}."
                faults.append(_fault(f"{path} line {line}", message, f'Quote a cell that holds a "{delimiter}".'))
            elif any(cell.strip() for cell in cells):
                yield Given(line, dict(zip(names, cells, strict=False)))
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(_torn(path, line, error))


def _of_yaml(text: str, path: Path, faults: list[Fault]) -> Iterator[Given]:
    """Yield the mappings of a list."""
    document = read_document(text, str(path))
    faults += document.faults
    if not isinstance(document.value, list):
        message = "a list of entries is expected, each with a term."
        faults.append(_fault(document.where(()), message, "Write `- {term: …, definition: …}` for each term."))
        return
    for at, one in enumerate(document.value):
        line = document.line((at,)) or 1
        if isinstance(one, dict):
            unknown = [name for name in one if name not in COLUMNS]
            faults += [_unknown(f"{path} line {document.line((at, name))}", "key", name) for name in unknown]
            yield Given(line, one)
        else:
            faults.append(_fault(f"{path} line {line}", "keys with values are expected.", "Write `- {term: …}`."))


def _entry(given: Given, path: Path, faults: list[Fault]) -> Entry | None:
    """Return the entry; what is wrong with it is put at the end of `faults`."""
    where, before = f"{path} line {given.line}", len(faults)
    said = {name: given.cells.get(name) for name in COLUMNS}
    nested = [
        name
        for name, value in said.items()
        if isinstance(value, dict) or (name != "aliases" and isinstance(value, list))
    ]
    faults += [_fault(where, f"{name} is a text, and something else came.", "Write a text.") for name in nested]
    if nested:
        return None
    term, definition, label = (_text(said[name]) for name in ("term", "definition", "class"))
    aliases = said["aliases"]
    listed = aliases if isinstance(aliases, list) else SEPARATORS.split(_text(aliases))
    forms = [term, *(form for form in map(_text, listed) if form)]
    if not key_of(term):
        faults.append(_fault(where, "there is no term.", "Write what it is called, or remove the entry."))
    for form in forms:
        if "*" in form:
            message = f'"{form}" holds a `*`, which stands for any word in terms.'
            faults.append(_fault(where, message, "Write it out, or leave it out."))
    return None if len(faults) > before else Entry(term, definition, tuple(forms[1:]), label, where)


def _repeated(entries: list[Entry]) -> list[Fault]:
    """Return a fault for each term or alias that stands there already."""
    faults: list[Fault] = []
    known: dict[Key, tuple[Entry, str]] = {}
    for entry in entries:
        for form in entry.forms:
            before = known.setdefault(key_of(form), (entry, form))
            if before != (entry, form) or entry.forms.count(form) > 1:
                other, as_ = before
                there = "in the same entry" if other is entry else f'for "{other.term}" in {other.where}'
                message = f'"{form}" stands there already, as "{as_}" {there}.'
                faults.append(Fault("K817", entry.where, message, "Keep one; letter case does not tell them apart."))
                if other is entry:
                    break
    return faults


def _text(value: Any) -> str:
    """Return a cell on one line."""
    return "" if value is None else " ".join(cell_text(value).split())


def _unknown(where: str, what: str, name: str) -> Fault:
    cure = f"{did_you_mean(name, COLUMNS)} There are {', '.join(COLUMNS)}."
    return _fault(where, f'there is no {what} "{name}".', cure.strip())


def _torn(path: Path, line: int, error: csv.Error) -> Fault:
    remedy = 'Close the quotation mark, and write "" for one inside a cell.'
    return _fault(f"{path} line {line}", f"the row cannot be read: {error}.", remedy)


def _fault(where: str, message: str, remedy: str) -> Fault:
    return Fault("K816", where, message, remedy)

"""A file of rules → rules, with everything wrong said at once, each with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.knowledge.rules import Rule, Rules
from tunesmith.knowledge.schema import RuleFile, RuleSpec, WordList
from tunesmith.knowledge.terms import Terms, fold
from tunesmith.recipe.faults import faults_of
from tunesmith.recipe.text import Document, read_document

COMMENTS = ("#", ";")
SHOWN = 3
"""Terms in the name of a rule that was given none."""


def read_rules(path: Path | str) -> Rules:
    """Return the rules in a YAML file, with the lists that they name.

    Raises:
        InputError: the file or one of its lists cannot be read, or rules are wrong; all faults, each with its line
            (K201 to K206, K802, K804, K805, K806).
    """
    path = Path(path)
    try:
        document = read_document(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        raise InputError(Fault("K101", str(path), f"cannot be read: {why}.", "Check the name.")) from error
    try:
        asked = RuleFile.model_validate(document.value)
    except ValidationError as error:
        raise InputError([*document.faults, *faults_of(error, document.where, RuleFile)]) from error
    faults = list(document.faults)
    lists = {name: _terms(given, path.parent, document, name, faults) for name, given in asked.lists.items()}
    made = [_rule(at, spec, lists, document, faults) for at, spec in enumerate(asked.rules)]
    faults += _contradictions(asked, document)
    if faults:
        raise InputError(faults)
    return Rules(tuple(rule for rule in made if rule is not None))


def _terms(given: WordList, folder: Path, document: Document, name: str, faults: list[Fault]) -> list[str]:
    """Return the terms of a list; what is wrong with it is put at the end of `faults`."""
    where = document.where(("lists", name))
    found = list(given.words)
    if given.file is not None:
        path = folder / given.file
        try:
            found += _read(path, given)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            faults.append(Fault("K805", where, f"{path} cannot be read: {why}.", "Paths start at the folder of rules."))
            return []
        except ValueError as error:
            faults.append(Fault("K805", where, f"{path}: {error}.", "`above` and `below` need numbers there."))
            return []
    if not [term for term in found if term.strip()]:
        faults.append(Fault("K805", where, "the list holds no terms.", "Give `words`, or a `file` with a term a line."))
    return found


def _read(path: Path, given: WordList) -> Iterator[str]:
    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(COMMENTS)]
    if path.suffix.lower() not in (".csv", ".tsv"):
        if given.above is not None or given.below is not None:
            raise ValueError("a file of one column has no numbers")
        yield from (line.strip() for line in lines)
        return
    tabs = path.suffix.lower() == ".tsv"  # there a quotation mark is a sign like others: lists of emoticons have some
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines)
    for number, cells in enumerate(rows, 1):
        if given.above is not None or given.below is not None:
            try:
                value = float(cells[1])
            except (IndexError, ValueError):
                raise ValueError(f'row {number} has no number in its second column: "{" ".join(cells)}"') from None
            if (given.above is not None and value <= given.above) or (given.below is not None and value >= given.below):
                continue
        yield cells[0]


def _rule(at: int, spec: RuleSpec, lists: dict[str, list[str]], document: Document, faults: list[Fault]) -> Rule | None:
    """Return the rule that a part of the file asks for; what is wrong with it is put at the end of `faults`."""
    where = document.where(("rules", at))
    before = len(faults)
    if (spec.label is None) == (spec.against is None):
        came = "neither came" if spec.label is None else "both came"
        message = f"`label` or `against` is expected, one of the two; {came}."
        faults.append(Fault("K806", where, message, "Leave one." if spec.label else "Say what the rule votes on."))
    if not (spec.list or spec.words or spec.pattern or spec.length or spec.column):
        message = "the rule has no condition, so it would fire on every row."
        faults.append(Fault("K806", where, message, "Give `list`, `words`, `pattern`, `length` or `column`."))
    if spec.list is not None and spec.list not in lists:
        message = f'there is no list "{spec.list}"' + (f"; there are {', '.join(lists)}." if lists else ".")
        faults.append(
            Fault("K805", document.where(("rules", at, "list")), message, did_you_mean(spec.list, list(lists)))
        )
    pattern = None
    if spec.pattern is not None:
        try:
            pattern = re.compile(spec.pattern, re.IGNORECASE)
        except re.error as error:
            message = f'"{spec.pattern}" is no regular expression: {error}.'
            faults.append(Fault("K802", document.where(("rules", at, "pattern")), message, "Escape signs with \\."))
    if len(faults) > before:
        return None
    terms = [*(lists[spec.list] if spec.list else ()), *spec.words]
    length = spec.length
    return Rule(
        spec.name or _name(spec), spec.label or spec.against or "", spec.against is not None, spec.strength,
        f"{document.name} line {document.line(('rules', at))}", Terms(terms) if terms else None, pattern,
        Terms(spec.unless) if spec.unless else None, (length.min if length else None) or 0,
        length.max if length else None,
        {name: frozenset(map(_cell, value if isinstance(value, tuple) else (value,)))
         for name, value in spec.column.items()},
    )  # fmt: skip


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(spec: RuleSpec) -> str:
    """Return what a rule looks for, in short."""
    parts = [f"list {spec.list}"] if spec.list else []
    if spec.words:
        parts.append(", ".join(spec.words[:SHOWN]) + (" …" if len(spec.words) > SHOWN else ""))
    parts += [f"/{spec.pattern}/"] if spec.pattern else []
    parts += [f"{name} {value}" for name, value in spec.column.items()]
    if spec.length:
        least, most = spec.length.min, spec.length.max
        parts.append(" ".join([*([f"from {least}"] if least else []), *([f"to {most}"] if most else []), "words"]))
    return " and ".join(parts)


def _contradictions(asked: RuleFile, document: Document) -> list[Fault]:
    """Return a fault for each rule that votes against an earlier one under the same conditions."""
    faults: list[Fault] = []
    known: dict[str, tuple[int, RuleSpec]] = {}
    for at, spec in enumerate(asked.rules):
        bare = spec.model_copy(update={"name": None, "label": None, "against": None, "strength": 1.0})
        words = {name: tuple(sorted(map(fold, getattr(bare, name)))) for name in ("words", "unless")}
        key = bare.model_copy(update=words).model_dump_json()
        first, other = known.setdefault(key, (at, spec))
        both_for = spec.label is not None and other.label is not None and spec.label != other.label
        crossed = spec.against is not None and spec.against == other.label
        crossed = crossed or (other.against is not None and other.against == spec.label)
        if at != first and (both_for or crossed):
            votes = [
                f"against {one.against}" if one.label is None else f"for {one.label}" for one in (spec, other)
            ]  # fmt: skip
            message = (
                f"votes {votes[0]} under the conditions under which line {document.line(('rules', first))} votes "
                f"{votes[1]}."
            )
            faults.append(Fault("K804", document.where(("rules", at)), message, "Leave one out, or narrow it."))
    return faults

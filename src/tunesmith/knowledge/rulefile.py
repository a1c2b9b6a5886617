"""A file of rules → rules, with everything wrong said at once, each with its line."""

from __future__ import annotations

import contextlib
import csv
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tunesmith.data.arrays import cell_text
from tunesmith.data.labels import number_of
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.knowledge.rules import Rule, Rules, compiled
from tunesmith.knowledge.schema import Length, RuleFile, RuleSpec, WordList
from tunesmith.knowledge.terms import Terms
from tunesmith.recipe.faults import faults_of
from tunesmith.recipe.text import Document, read_document

COMMENTS = ("# ", "; ")
SHOWN = 3
"""Terms in the name of a rule that was given none."""


def read_rules(path: Path | str) -> Rules:
    """Return the rules in a YAML file, with the lists that they name.

    Raises:
        InputError: the file or one of its lists cannot be read, or rules are wrong; all faults, each with its line
            (K201 to K206, K802, K805, K806).
    """
    path = Path(path)
    try:
        document = read_document(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        message = f"the rules cannot be read: {why}."
        raise InputError(Fault("K101", str(path), message, "Check the name of the file.")) from error
    faults = list(document.faults)
    asked = _asked(document, path.parent, faults)
    lists = {name: _terms(given, path.parent, document, name, faults) for name, given in asked.lists.items()}
    made = [_rule(at, spec, lists, document, faults) for at, spec in enumerate(asked.rules)]
    if faults:
        raise InputError(faults)
    files = [path.parent / given.file for given in asked.lists.values() if given.file is not None]
    return Rules(tuple(rule for rule in made if rule is not None), (path, *dict.fromkeys(files)))


def _asked(document: Document, folder: Path, faults: list[Fault]) -> RuleFile:
    """Return what the file asks for.

    Raises:
        InputError: keys or values are wrong; what is wrong with the lists is said as well.
    """
    try:
        return RuleFile.model_validate(document.value)
    except ValidationError as error:
        inside = any(len(found["loc"]) > 1 and found["loc"][0] == "rules" for found in error.errors())
        found = faults_of(error, document.where, RuleFile)
        if inside:  # the rules were given, and are not too few because some of them are wrong
            found = [fault for fault in found if not fault.where.endswith(": rules")]
        lists = document.value.get("lists") if isinstance(document.value, dict) else None
        for name, given in lists.items() if isinstance(lists, dict) else ():
            with contextlib.suppress(ValidationError):  # which is among those above
                _terms(WordList.model_validate(given), folder, document, name, found)
        raise InputError([*faults, *found]) from error


def _terms(given: WordList, folder: Path, document: Document, name: str, faults: list[Fault]) -> Terms:
    """Return the terms of a list; what is wrong with it is put at the end of `faults`."""
    where = document.where(("lists", name))
    found = list(given.words)
    if given.file is not None:
        path = folder / given.file
        try:
            found += _read(path, given)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            why = getattr(error, "strerror", None) or why
            faults.append(Fault("K805", where, f"{path} cannot be read: {why}.", "Paths start at the folder of rules."))
            return Terms([])
        except ValueError as error:
            faults.append(Fault("K805", where, f"{path}{error}.", "`above` and `below` need numbers there."))
            return Terms([])
    elif given.above is not None or given.below is not None:
        faults.append(Fault("K805", where, "`above` and `below` are for the numbers of a `file`.", "Leave them out."))
    terms = Terms(found)
    if not terms.terms:
        faults.append(Fault("K805", where, "the list holds no terms.", "Give `words`, or a `file` with a term a line."))
    return terms


def _read(path: Path, given: WordList) -> Iterator[str]:
    text = path.read_text(encoding="utf-8-sig")
    numbered = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    numbered = [(number, line) for number, line in numbered if not line.startswith(COMMENTS) and line not in ("#", ";")]
    tabs = path.suffix.lower() == ".tsv"  # there a quotation mark is a sign like others: lists of emoticons have some
    bounded = given.above is not None or given.below is not None
    if not tabs and path.suffix.lower() != ".csv":
        if bounded:
            raise ValueError(": a file of one column has no numbers")
        yield from (line.strip() for _, line in numbered)
        return
    for number, line in numbered:
        [cells] = csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader([line])
        if bounded and not _within(cells, given, number):
            continue
        yield cells[0]


def _within(cells: list[str], given: WordList, number: int) -> bool:
    """Return whether the second of the cells on line `number` lies within the bounds."""
    value = number_of(cells[1]) if len(cells) > 1 else None
    if value is None:
        raise ValueError(f' line {number}: there is no number in the second column: "{" ".join(cells)}"')
    return (given.above is None or value > given.above) and (given.below is None or value < given.below)


def _rule(
    at: int, spec: RuleSpec, lists: dict[str, Terms], document: Document, faults: list[Fault]
) -> Rule | None:  # fmt: skip
    """Return the rule that a part of the file asks for; what is wrong with it is put at the end of `faults`."""
    where, before = document.where(("rules", at)), len(faults)
    came = [key for key in ("label", "against", "learn") if getattr(spec, key) not in (None, False)]
    if len(came) != 1:
        message = f"`label`, `against` or `learn` is expected, one of them; {' and '.join(came) or 'none'} came."
        faults.append(Fault("K806", where, message, "Leave one." if came else "Say what the rule votes on."))
    length = spec.length or Length()
    if not (spec.list or spec.words or spec.pattern or length.min or length.max is not None or spec.column):
        message = "the rule has no condition, so it would fire on every row."
        faults.append(Fault("K806", where, message, "Give `list`, `words`, `pattern`, `length` or `column`."))
    impossible = [name for name, values in spec.column.items() if values == ()]
    if impossible or (length.max is not None and (length.min or 0) > length.max):
        which = f"column {impossible[0]}" if impossible else "length"
        faults.append(Fault("K806", where, f"no row can meet the condition on {which}.", "Mend it."))
    if spec.words and not Terms(spec.words).terms:
        faults.append(Fault("K806", document.where(("rules", at, "words")), "no term is among these.", "Give words."))
    if spec.list is not None and spec.list not in lists:
        message = f'there is no list "{spec.list}"' + (f"; there are {', '.join(lists)}." if lists else ".")
        cure = did_you_mean(spec.list, list(lists))
        faults.append(Fault("K805", document.where(("rules", at, "list")), message, cure))
    pattern = _pattern(spec, document, at, faults)
    if len(faults) > before:
        return None
    listed = lists[spec.list] if spec.list else None
    terms = Terms([*(listed.written if listed else ()), *spec.words]) if spec.words else listed
    columns = {
        name: frozenset(map(cell_text, value if isinstance(value, tuple) else (value,)))
        for name, value in spec.column.items()
    }
    return Rule(
        " ".join((spec.name or _name(spec)).split()), spec.label or spec.against or "", spec.against is not None,
        spec.strength, f"{document.name} line {document.line(('rules', at))}", terms, pattern,
        Terms(spec.unless) if spec.unless else None, length.min or 0, length.max, columns,
    )  # fmt: skip


def _pattern(spec: RuleSpec, document: Document, at: int, faults: list[Fault]) -> re.Pattern[str] | None:
    if spec.pattern is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of brackets that will mean something else one day
            return compiled(spec.pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        message = f'"{spec.pattern}" is no regular expression: {error}.'
        faults.append(Fault("K802", document.where(("rules", at, "pattern")), message, "Escape signs with \\."))
        return None


def _name(spec: RuleSpec) -> str:
    """Return what a rule looks for, in short."""
    parts = [f"list {spec.list}"] if spec.list else []
    if spec.words:
        parts.append(", ".join(spec.words[:SHOWN]) + (" …" if len(spec.words) > SHOWN else ""))
    parts += [f"/{spec.pattern}/"] if spec.pattern else []
    for name, value in spec.column.items():
        parts.append(f"{name} {' or '.join(map(cell_text, value if isinstance(value, tuple) else (value,)))}")
    if spec.length and (spec.length.min or spec.length.max is not None):
        bounds = [*([f"from {spec.length.min}"] if spec.length.min else [])]
        bounds += [f"to {spec.length.max}"] if spec.length.max is not None else []
        parts.append(" ".join([*bounds, "words"]))
    return " and ".join(parts)

"""Try rules on rows: how many they reach, how often they are right, where they disagree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.arrays import column_texts
from tunesmith.data.corpus import Corpus, is_plain, text_column
from tunesmith.data.findings import note_rows
from tunesmith.data.labels import classes_of
from tunesmith.data.read import read_table
from tunesmith.data.rows import Prepared, prepare
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.evaluation.interval import proportion
from tunesmith.jobs.tried import SHOWN, short, try_marks
from tunesmith.knowledge.record import record, rightness, shortcomings
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row, Rule, Rules, decided
from tunesmith.recipe.schema import Data

Array = np.ndarray[Any, Any]
FEWEST = 3
"""Rows on which two rules must fire together before they are said to contradict each other."""


def try_rules(
    rules: str | Path, data: str | Path, *, text: Sequence[str] = (), label: str | None = None, labelled: bool = True
) -> dict[str, Any]:
    """Try a file of rules on the rows of a file.

    Args:
        rules: a YAML file.
        data: a file of rows (csv, tsv, json, jsonl, parquet, xlsx, conll, each also .gz), or `hub:NAME`.
        text: the column of the text, or the two of a pair; inferred where that is safe.
        label: the column of the label; the same.
        labelled: whether the rows have labels; without them it is only counted how many rows the rules reach.

    Returns:
        `{"rows", "left_out", "labels", "rules", "vote", "findings", "guesses"}`. Of every rule: `name`, `where`,
        `label`, `against`, `fires` (rows), `share`, `accuracy` (share of the rows on which it fires that its vote is
        right on, as `{value, low, high, n}` with a 95 % interval) and `chance` (that of the same vote on every row);
        rows that it is wrong on, or (without labels) fires on, are `examples`. Of all votes together (`vote`): the rows
        `decided`, those with votes for several labels (`conflicts`; where rows may have several, with votes for and
        against one), the `accuracy` of what was decided, and `chance` (that of the most common label).

        Of rows with marked spans everything is counted in spans: a rule `fires` where it marks one, its `accuracy` is
        the share of the marks that are spans of the data with just these bounds, `found` the share of the spans of its
        kind that it marks. Of all marks those that overlap a longer one are left out before they are counted together.

    Raises:
        InputError: rules or rows cannot be read, a rule votes on a label that no row has (K801) or looks at a column
            that is not there (K106) or at the label (K810), or two vote otherwise under the same conditions (K804); in
            rows with spans, a rule names no kind (K812) or no place (K813).

    Example:
        >>> tunesmith.try_rules("rules.yaml", "reviews.csv")["vote"]["decided"]  # doctest: +SKIP
        212
    """
    read = read_rules(rules)
    prepared = _prepared(str(data), text, label) if labelled else None
    if prepared is not None and prepared.task == "tag":
        return {**try_marks(read, prepared), "guesses": [own_words(guess) for guess in prepared.guesses]}
    tried = unlabelled_rows(str(data), text) if prepared is None else _labelled(str(data), prepared)
    found = sorted({name for names in tried.targets for name in names})
    labels = found if labelled else sorted({rule.label for rule in read.rules if rule.label})
    raise_faults(
        [
            *read.missing_columns(tried.columns), *(read.unknown(labels) if labelled else ()),
            *read.contradictions(several=tried.several), *read.at_label(tried.label),
        ]
    )  # fmt: skip
    counts = read.counts(tried.rows)
    told = [_of_rule(rule, counts[:, at] > 0, tried) for at, rule in enumerate(read.rules)]
    return {
        "rows": len(tried.rows),
        "left_out": tried.left_out,
        "labels": {name: sum(name in names for names in tried.targets) for name in found},
        "rules": told,
        "vote": _of_vote(read.votes(counts, labels), counts, read, tried, labels),
        "findings": [finding.as_dict() for finding in _findings(read, told, counts > 0, tried, Path(data).name)],
        "guesses": [own_words(guess) for guess in tried.guesses],
    }


@dataclass(frozen=True, slots=True)
class Tried:
    """The rows that rules are tried on, or are to label.

    Args:
        rows: N of them.
        numbers: [N] as the user counts them.
        columns: that the file has.
        targets: the labels of each row; empty where there are none.
        label: the column of the labels; None where there is none.
        several: whether a row may have several labels, or it is not known.
        left_out: rows that cannot be used: torn, or without text or label.
        guesses: sentences that say what was inferred.
    """

    rows: Sequence[Row]
    numbers: Array
    columns: Sequence[str]
    targets: Sequence[tuple[str, ...]] = ()
    label: str | None = None
    several: bool = True
    left_out: int = 0
    guesses: Sequence[str] = ()


def _prepared(source: str, text: Sequence[str], label: str | None) -> Prepared:
    if len(text) > 2:
        raise InputError(Fault("K106", source, f"{len(text)} columns of text came, at most two are read.", "Name two."))
    roles = ("text",) if len(text) == 1 else ("text_a", "text_b")
    try:
        return prepare(Data(train=source, label=label, **dict(zip(roles, text, strict=False))), "auto")
    except InputError as error:
        raise InputError(_own_faults(error)) from error


def _labelled(source: str, prepared: Prepared) -> Tried:
    if prepared.task not in ("classify", "multilabel", "pair") or prepared.kind == "number":
        message = f"rules vote on labels of rows, and these are rows of the task {prepared.task}."
        cure = "Name a column of labels with --label, or leave labels out with --unlabelled."
        raise InputError(Fault("K106", source, message, cure))
    found = prepared.files["train"]
    columns = {name: column_texts(found.table.data[name]) for name in found.table.columns}
    rows = [
        Row("\n".join(texts), {name: cells[place] for name, cells in columns.items()})
        for *texts, place in zip(*found.texts, found.places, strict=True)
    ]
    targets = [classes_of(target) for target in found.targets]
    left_out = found.table.rows_read - len(rows)
    return Tried(
        rows, found.numbers, list(columns), targets, prepared.columns.get("label"), prepared.kind == "set", left_out,
        prepared.guesses,
    )  # fmt: skip


def _own_faults(error: InputError) -> list[Fault]:
    return [replace(fault, remedy=own_words(fault.remedy)) for fault in error.faults]


def own_words(said: str) -> str:
    """Return what is said of options of a training in those of this verb."""
    said = re.sub(r"--set data\.(text|label)=", r"--\1 ", said)
    return said.replace("there is `tunesmith predict`", "there is --unlabelled")


def unlabelled_rows(source: str, text: Sequence[str]) -> Tried:
    """Return the rows of a file as rules look at them; whatever labels it has are columns like others.

    Raises:
        InputError: the file cannot be read, or which column is the text is not clear.
    """
    if source != "-" and is_plain(source):
        numbered = [(number, line) for number, line in enumerate(Corpus(source, None).lines(), 1) if line.strip()]
        return Tried([Row(line.rstrip("\n")) for _, line in numbered], np.array([at for at, _ in numbered]), ())
    table = read_table(source)
    guesses: list[str] = []
    names = text or [""]
    try:
        names = [text_column(table.columns, source, Data(train=source, text=name or None), guesses) for name in names]
    except InputError as error:
        raise InputError(_own_faults(error)) from error
    columns = {name: column_texts(table.data[name]) for name in table.columns}
    cells = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    rows = [Row("\n".join(row[name] for name in names), row) for row in cells]
    return Tried(rows, table.rows, table.columns, guesses=guesses)


def _of_rule(rule: Rule, fires: Array, tried: Tried) -> dict[str, Any]:
    """Return how many rows a rule reaches, on how many it is right, and rows to look at."""
    known = bool(tried.targets)
    right = rightness(rule, tried.targets) if known else None
    shown = np.flatnonzero(fires if right is None else fires & ~right)[:SHOWN]
    examples = [
        {
            "row": int(tried.numbers[place]), "text": short(tried.rows[place].text),
            "found": [short(part) for part in rule.found(tried.rows[place])[:SHOWN]],
            **({"labels": list(tried.targets[place])} if known else {}),
        }
        for place in shown
    ]  # fmt: skip
    return {**record(rule, fires, right), "examples": examples}


def _of_vote(votes: Array, counts: Array, rules: Rules, tried: Tried, labels: Sequence[str]) -> dict[str, Any]:
    """Return what all rules say together; of rows with several labels each label that has votes counts."""
    targets = tried.targets
    heard = [
        np.array([[rule.label == label and rule.against == against for label in labels] for rule in rules.rules])
        for against in (False, True)
    ]
    favour, opposed = ((counts > 0).astype(int) @ on.astype(int) > 0 for on in heard)
    if tried.several and targets:
        conflicts = (favour & opposed).any(axis=1)
        said = [[label for label, vote in zip(labels, row, strict=True) if vote > 0] for row in votes]
    else:
        conflicts = favour.sum(axis=1) > 1
        said = [[labels[at]] if at >= 0 else [] for at in decided(votes, closed=bool(targets))]
    right = [name in names for given, names in zip(said, targets, strict=False) for name in given]
    return {
        "decided": sum(map(bool, said)), "conflicts": int(conflicts.sum()),
        "accuracy": asdict(proportion(sum(right), len(right))) if right else None,
        "chance": max(Counter(chain(*targets)).values()) / len(targets) if targets else None,
    }  # fmt: skip


def _findings(
    rules: Rules, told: Sequence[dict[str, Any]], fires: Array, tried: Tried, name: str
) -> list[Finding]:  # fmt: skip
    found = shortcomings(rules, told, name)
    if tried.several:
        return found
    together = fires.T.astype(np.float64) @ fires.astype(np.float64)  # [R, R], how often two fire on a row
    reach = fires.sum(axis=0)
    within = (together == np.minimum(reach[:, None], reach[None, :])) & (together >= FEWEST)
    for at, before in np.argwhere(np.tril(within, -1)):
        rule, other = rules.rules[at], rules.rules[before]
        if rule.against or other.against or rule.label in (other.label, "") or not other.label:
            continue
        inner, outer = (rule, other) if reach[at] <= reach[before] else (other, rule)
        message = f'wherever "{inner.name}" votes {inner.vote}, "{outer.name}" ({outer.where}) votes {outer.vote}.'
        rows = tried.numbers[fires[:, at] & fires[:, before]].tolist()
        found.append(note_rows("K804", "warning", inner.where, message, "Narrow one of them.", rows))
    return found

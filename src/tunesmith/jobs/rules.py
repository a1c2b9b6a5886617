"""Try rules on rows: how many they reach, how often they are right, where they disagree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.arrays import column_texts
from tunesmith.data.corpus import open_corpus
from tunesmith.data.findings import note_rows
from tunesmith.data.labels import classes_of
from tunesmith.data.read import read_table
from tunesmith.data.rows import prepare
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.evaluation.interval import proportion
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row, Rules, decided
from tunesmith.recipe.schema import Data

Array = np.ndarray[Any, Any]
SHOWN, CUT = 3, 100
"""Rows that are shown of a rule, and characters of their texts."""
FEWEST = 3
"""Rows on which two rules must fire together before they are said to contradict each other."""


def try_rules(
    rules: str | Path, data: str, *, text: str | None = None, label: str | None = None, labelled: bool = True
) -> dict[str, Any]:
    """Try a file of rules on the rows of a file.

    Args:
        rules: a YAML file.
        data: a file of rows (csv, tsv, json, jsonl, parquet, xlsx, conll, each also .gz), or `hub:NAME`.
        text: the column of the text; inferred where that is safe.
        label: the column of the label; the same.
        labelled: whether the rows have labels; without them it is only counted how many rows the rules reach.

    Returns:
        `{"rows", "labels", "rules", "vote", "findings", "guesses"}`. Of every rule: `name`, `where`, `label`,
        `against`, `fires` (rows), `share`, `accuracy` (share of the rows on which it fires that its vote is right on,
        as `{value, low, high, n}` with a 95 % interval) and `chance` (that of the same vote on every row); rows that
        it is wrong on, or (without labels) fires on, are `examples`. Of all votes together (`vote`): the rows
        `decided`, those with votes for several labels (`conflicts`), the `accuracy` on what was decided, and `chance`
        (that of the most common label).

    Raises:
        InputError: rules or rows cannot be read, or a rule votes on a label that no row has (K801).

    Example:
        >>> tunesmith.try_rules("rules.yaml", "reviews.csv")["vote"]["decided"]  # doctest: +SKIP
        212
    """
    read = read_rules(rules)
    rows, numbers, targets, guesses = _labelled(data, text, label) if labelled else _unlabelled(data, text)
    labels = sorted({name for names in targets for name in names})
    if labelled:
        raise_faults(read.unknown(labels))
    else:
        labels = sorted({rule.label for rule in read.rules})
    counts = read.counts(rows)
    told = [_of_rule(read, at, counts[:, at] > 0, rows, numbers, targets) for at in range(len(read.rules))]
    return {
        "rows": len(rows),
        "labels": {name: sum(name in names for names in targets) for name in labels} if labelled else {},
        "rules": told,
        "vote": _of_vote(read.votes(counts, labels), counts, read, targets, labels),
        "findings": [finding.as_dict() for finding in _findings(read, told, counts > 0, numbers, Path(data).name)],
        "guesses": [re.sub(r"--set data\.(text|label)=", r"--\1 ", guess) for guess in guesses],
    }


def _labelled(
    source: str, text: str | None, label: str | None
) -> tuple[list[Row], Array, list[tuple[str, ...]], Sequence[str]]:
    prepared = prepare(Data(train=source, text=text, label=label), "auto")
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
    return rows, found.numbers, [classes_of(target) for target in found.targets], prepared.guesses


def _unlabelled(source: str, text: str | None) -> tuple[list[Row], Array, list[tuple[str, ...]], Sequence[str]]:
    guesses: list[str] = []
    corpus = open_corpus(source, Data(train=source, text=text), guesses)
    if corpus.column is None:
        rows = [Row(line) for chunk in corpus.chunks() for line in chunk]
        return rows, np.arange(1, len(rows) + 1), [], guesses
    table = read_table(source)
    columns = {name: column_texts(table.data[name]) for name in table.columns}
    cells = zip(*columns.values(), strict=True)
    rows = [Row(texts[corpus.column], texts) for texts in (dict(zip(columns, row, strict=True)) for row in cells)]
    return rows, table.rows, [], guesses


def _of_rule(
    rules: Rules, at: int, fires: Array, rows: Sequence[Row], numbers: Array, targets: Sequence[tuple[str, ...]]
) -> dict[str, Any]:
    rule = rules.rules[at]
    right = np.array([(rule.label in names) != rule.against for names in targets], dtype=bool)
    shown = np.flatnonzero(fires & ~right if targets else fires)[:SHOWN]
    examples = [
        {
            "row": int(numbers[place]), "text": shorten(rows[place].text, CUT, placeholder=" …"),
            "found": rule.found(rows[place])[:SHOWN],
            **({"labels": list(targets[place])} if targets else {}),
        }
        for place in shown
    ]  # fmt: skip
    known = bool(targets) and bool(fires.any())
    return {
        "name": rule.name, "where": rule.where, "label": rule.label, "against": rule.against,
        "fires": int(fires.sum()), "share": float(fires.mean()) if len(rows) else 0.0,
        "accuracy": asdict(proportion(int((right & fires).sum()), int(fires.sum()))) if known else None,
        "chance": float(right.mean()) if targets else None,
        "examples": examples,
    }  # fmt: skip


def _of_vote(
    votes: Array, counts: Array, rules: Rules, targets: Sequence[tuple[str, ...]], labels: Sequence[str]
) -> dict[str, Any]:
    chosen = decided(votes) if len(votes) else np.zeros(0, dtype=np.int64)
    named = np.array([[rule.label == label and not rule.against for label in labels] for rule in rules.rules])
    conflicts = ((counts > 0).astype(int) @ named.astype(int) > 0).sum(axis=1) > 1
    reached = chosen >= 0
    right = [labels[at] in names for at, names in zip(chosen, targets, strict=True) if at >= 0] if targets else []
    return {
        "decided": int(reached.sum()), "conflicts": int(conflicts.sum()),
        "accuracy": asdict(proportion(sum(right), len(right))) if right else None,
        "chance": max(Counter(chain(*targets)).values()) / len(targets) if targets else None,
    }  # fmt: skip


def _findings(rules: Rules, told: Sequence[dict[str, Any]], fires: Array, numbers: Array, name: str) -> list[Finding]:
    found: list[Finding] = []
    for rule, one in zip(rules.rules, told, strict=True):
        accuracy = one["accuracy"]
        if not one["fires"]:
            message = f'"{rule.name}" fires on no row of {name}.'
            found.append(note_rows("K803", "warning", rule.where, message, "Widen it, or leave it out."))
        elif accuracy and accuracy["high"] < one["chance"]:
            message = (
                f'"{rule.name}" is right on {100 * accuracy["value"]:.0f} % of the {accuracy["n"]:,} rows where it '
                f"fires; the same vote on every row would be on {100 * one['chance']:.0f} %."
            )
            found.append(
                note_rows("K807", "warning", rule.where, message, "Turn it round, narrow it, or leave it out.")
            )
    for at, rule in enumerate(rules.rules):
        for before, other in enumerate(rules.rules[:at]):
            if rule.against or other.against or rule.label == other.label:
                continue
            both = np.flatnonzero(fires[:, at] & fires[:, before])
            if len(both) >= FEWEST and len(both) == min(fires[:, at].sum(), fires[:, before].sum()):
                inner, outer = (rule, other) if fires[:, at].sum() <= fires[:, before].sum() else (other, rule)
                message = (
                    f'wherever "{inner.name}" votes for {inner.label}, "{outer.name}" ({outer.where}) votes for '
                    f"{outer.label}."
                )
                found.append(
                    note_rows("K804", "warning", inner.where, message, "Narrow one of them.", numbers[both].tolist())
                )
    return found

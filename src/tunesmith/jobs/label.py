"""Label rows by rules, for a training to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data.weights import USUAL
from tunesmith.data.write import open_writer, refuse_overwriting
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.jobs.rules import Tried, own_words, unlabelled_rows
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.weaklabels import WeakLabels, weak_labels

AT_ONCE = 2000
"""Rows that are written together."""


def label_rows(
    rules: str | Path, data: str | Path, out: str | Path, *, text: Sequence[str] = (), label: str = "label"
) -> dict[str, Any]:  # fmt: skip
    """Write the rows of a file with the labels that rules give them, and how much each should count.

    Rows of which the rules say nothing are left out. Nobody needs to have labelled a row: how far a rule can be trusted
    is estimated from where it and the others fire.

    Args:
        rules: a YAML file.
        data: a file of rows (csv, tsv, json, jsonl, parquet, xlsx, each also .gz), or of texts (.txt, a line each).
        out: the file to write (.csv, .tsv, .jsonl, each also .gz, or .parquet): the columns of `data`, `label` and
            `weight`, from 0 to 1.
        text: the column of the text, or the two of a pair; inferred where that is safe.
        label: what the column of the labels is called.

    Returns:
        `{"rows", "labelled", "labels", "rules", "guesses", "out"}`: rows read and written, the rows of each label, and
        of each rule `name`, `where`, `label`, `against`, `fires` (rows), `right` (share of these on which its vote is
        taken to be right; None where it has none) and `loudness` (how much it counts beside the others; below 1 where
        they fire on the same rows).

    Raises:
        InputError: rules or rows cannot be read, or would be written over (K131); a rule looks at a column that is not
            there (K106), two vote otherwise under the same conditions (K804), fewer than two labels are voted for
            (K820), or a column that is to be written is there already (K821).

    Example:
        >>> tunesmith.label_rows("rules.yaml", "mails.txt", "weak.csv")["labelled"]  # doctest: +SKIP
        1740
    """
    read = read_rules(rules)
    tried = unlabelled_rows(str(data), text)
    refuse_overwriting(out, data, rules)
    labels = sorted({rule.label for rule in read.rules if rule.label})
    faults = [*read.missing_columns(tried.columns), *read.contradictions(several=False)]
    if len(labels) < 2:
        message = f"all rules vote on {labels[0]}." if labels else "no rule votes on a label of whole rows."
        faults.append(Fault("K820", str(rules), message, "Give rules for at least two labels."))
    for name in (label, USUAL):
        if name in tried.columns:
            cure = "Name another with --label." if name == label else "Leave that column out."
            faults.append(Fault("K821", str(data), f'there is a column "{name}" already.', cure))
    raise_faults(faults)
    counts = read.counts(tried.rows)
    found = weak_labels(read, counts, labels)
    if not len(found.places):
        cure = "Write rules that do: `tunesmith rules test` shows what they reach."
        raise InputError(Fault("K803", str(rules), f"no rule fires on a row of {data}.", cure))
    rows = _written(tried, found, label)
    with open_writer(out) as writer:
        while some := list(islice(rows, AT_ONCE)):
            writer.write(some)
    fires = (counts > 0).sum(axis=0)
    return {
        "rows": len(tried.rows),
        "labelled": len(found.places),
        "labels": {name: int((found.best == at).sum()) for at, name in enumerate(labels)},
        "rules": [
            {
                "name": rule.name, "where": rule.where, "label": rule.label, "against": rule.against,
                "fires": int(fires[at]), "right": None if np.isnan(found.right[at]) else float(found.right[at]),
                "loudness": float(found.loudness[at]),
            }
            for at, rule in enumerate(read.rules)
        ],
        "guesses": [own_words(guess) for guess in tried.guesses],
        "out": str(out),
    }  # fmt: skip


def _written(tried: Tried, found: WeakLabels, label: str) -> Iterator[dict[str, Any]]:
    for place, best, weight in zip(found.places.tolist(), found.best.tolist(), found.weights.tolist(), strict=True):
        row = tried.rows[place]
        yield {**(row.columns or {"text": row.text}), label: found.labels[best], USUAL: round(weight, 4)}

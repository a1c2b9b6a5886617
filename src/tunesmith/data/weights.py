"""How much a row counts in training, where a column says so."""

from __future__ import annotations

import numpy as np

from tunesmith.data.findings import count_of, note_rows, shorten
from tunesmith.data.labels import classes_of, number_of
from tunesmith.data.roles import listed
from tunesmith.data.rows import WEAK, Array, Prepared, Rows, label_counts
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.recipe.schema import Data

USUAL = "weight"
"""The column of weak rows in which weights are looked for where none is named; `rules label` writes it."""
_READ = ("train", WEAK)
"""Files whose rows are learnt from."""


def give_weights(prepared: Prepared, data: Data) -> None:
    """Fill in the weights of train and of weak rows; what is wrong with them becomes findings (K135).

    Raises:
        InputError: there is no such column (K106).
    """
    weak = prepared.files.get(WEAK)
    name = data.weight or USUAL
    if data.weight and weak is not None and all(name not in prepared.files[split].table.columns for split in _READ):
        there = listed(weak.table.columns)
        message = f'there is no column "{name}" in {weak.name}, which has {there}.'
        raise InputError(Fault("K106", "data.weight", message, did_you_mean(name, weak.table.columns)))
    if weak is not None and not data.weight and USUAL in weak.table.columns:
        said = f'Rows of {weak.name} count as column "{USUAL}" says; change that with --set data.weight=COLUMN.'
        prepared.guesses = (*prepared.guesses, said)
    for split in _READ if data.weight else (WEAK,):
        rows = prepared.files.get(split)
        if rows is None or name not in rows.table.columns:
            continue
        cells = rows.column(name)
        values = [number_of(cell) for cell in cells]
        bad = [place for place, value in enumerate(values) if value is None or value < 0]
        if bad:
            message = (
                f'{count_of(len(bad), "value")} of column "{name}" cannot be a weight, such as '
                f'"{shorten(cells[bad[0]], 30)}".'
            )
            numbers = rows.numbers[bad].tolist()
            remedy = "Write a number from 0 in every row."
            prepared.findings.append(note_rows("K135", "error", rows.name, message, remedy, numbers))
        rows.weights = np.array([0.0 if value is None else value for value in values])
        if split == "train" and not bad:
            _refuse_silent(prepared, rows, rows.weights, name)


def _refuse_silent(prepared: Prepared, rows: Rows, weights: Array, name: str) -> None:
    """Note as an error where no train row counts, or none of a label (K135)."""
    said = []
    if not weights.any():
        said.append(f'every row has the weight 0 in column "{name}", so nothing would be learnt.')
    elif prepared.kind != "number":
        heard = {
            label
            for target, weight in zip(rows.targets, weights, strict=True)
            if weight
            for label in classes_of(target)
        }
        silent = [label for label in label_counts(rows.targets) if label not in heard]
        said += [f'every row of "{shorten(label, 30)}" has the weight 0 in column "{name}".' for label in silent]
    remedy = "Give some of them a weight above 0, or leave data.weight out."
    prepared.findings += [note_rows("K135", "error", rows.name, message, remedy) for message in said]

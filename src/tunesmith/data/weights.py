"""How much a row counts in training, where a column says so."""

from __future__ import annotations

import numpy as np

from tunesmith.data.findings import count_of, note_rows, shorten
from tunesmith.data.labels import number_of
from tunesmith.data.roles import listed
from tunesmith.data.rows import WEAK, Prepared
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.recipe.schema import Data

USUAL = "weight"
"""The column of weak rows in which weights are looked for where none is named; `rules label` writes it."""


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


_READ = ("train", WEAK)

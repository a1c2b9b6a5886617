"""What would spoil a training on texts to write, or its score."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.duplicates import find_clusters
from tunesmith.data.findings import count_of, have, note_rows, shorten
from tunesmith.data.labels import fold
from tunesmith.data.rows import Prepared, Rows
from tunesmith.data.scripts import script_findings

MIN_ROWS = 20
"""Of fewer rows, no length is unusual."""
MEDIANS = 10
"""A target is much longer than the rest from so many times the median on …"""
NINETIES = 3
"""… if it is also so many times as long as nine of ten."""


def written_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield what is to be said of the texts to write, apart from what was wrong in single rows."""
    for rows in prepared.files.values():
        yield from _several_findings(rows)
        yield from _long_findings(rows)
        yield from script_findings(
            "K176", "warning", rows, written_of(rows), "to be answered in {script} script",
            "Look at the rows, and remove those that do not belong to the data.",
        )  # fmt: skip


def written_of(rows: Rows) -> list[str]:
    """Return the texts to write."""
    return [str(target) for target in rows.targets]


def _several_findings(rows: Rows) -> Iterator[Finding]:
    """Find prompts that have different answers."""
    same = find_clusters(rows.texts, near=False).same.tolist()
    answers: dict[int, set[str]] = {}
    for number, target in zip(same, written_of(rows), strict=True):
        answers.setdefault(number, set()).add(fold(target))
    several = [at for at, number in enumerate(same) if len(answers[number]) > 1]
    if several:
        prompts = len({same[at] for at in several})
        yield note_rows(
            "K174", "note", rows.name,
            f"{have(prompts, 'text')} several answers, in {count_of(len(several), 'row')}, such as "
            f'"{shorten(rows.texts[0][several[0]], 50)}".',
            "Keep the right one where only one is right.", rows.numbers[several].tolist(),
        )  # fmt: skip


def _long_findings(rows: Rows) -> Iterator[Finding]:
    if len(rows) < MIN_ROWS:
        return
    lengths = np.array([len(target) for target in written_of(rows)])
    usual, most = (int(np.percentile(lengths, share)) for share in (50, 90))
    long = np.flatnonzero((lengths > MEDIANS * usual) & (lengths > NINETIES * most))
    if len(long):
        yield note_rows(
            "K175", "note", rows.name,
            f"{have(len(long), 'row')} a text to write that is much longer than the rest: up to {lengths.max():,} "
            f"characters, where half have at most {usual:,} and nine of ten at most {most:,}.",
            "Look at the rows; shorten or remove them if they come from a mistake.", rows.numbers[long].tolist(),
        )  # fmt: skip

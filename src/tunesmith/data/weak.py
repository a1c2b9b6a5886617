"""Rows whose labels nobody has checked: learnt from, never chosen or measured by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.core.example import Example
from tunesmith.core.report import Finding
from tunesmith.data.duplicates import find_clusters
from tunesmith.data.examples import examples_of
from tunesmith.data.findings import have, note_rows
from tunesmith.data.rows import Prepared
from tunesmith.data.texts import join_texts


def weak_examples(
    prepared: Prepared, findings: list[Finding], columns: Sequence[str] = (), *, near: bool = True
) -> Sequence[Example]:  # fmt: skip
    """Return the weak rows as examples, without those whose text a row with a checked label has.

    Such a row may be one to choose by or to test on, and what its label is somebody has said better. Rows of weight 0
    are left out as well.

    Args:
        prepared: the rows of all files.
        findings: what is left out is put at the end of them (K136).
        columns: that the examples have beside their texts and targets.
        near: whether a text that is nearly the same counts as the same.
    """
    weak = prepared.weak
    if weak is None:
        return []
    checked = list(prepared.files.values())
    texts = [join_texts([rows.texts[side] for rows in (*checked, weak)]) for side in range(len(weak.texts))]
    clusters = find_clusters(texts, near=near).near
    border = sum(map(len, checked))
    known = np.isin(clusters[border:], clusters[:border])
    if known.any():
        message = f"{have(int(known.sum()), 'row')} a text that stands among the rows with checked labels; left out."
        findings.append(note_rows("K136", "note", weak.name, message, "", weak.numbers[known].tolist()))
    counts = np.ones(len(weak), dtype=bool) if weak.weights is None else weak.weights > 0
    return examples_of(weak, prepared, findings, columns).pick(np.flatnonzero(~known & counts))

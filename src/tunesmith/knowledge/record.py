"""How often rules fire on rows, and how often they are right there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tunesmith.core.report import Finding
from tunesmith.data.findings import note_rows
from tunesmith.evaluation.interval import proportion
from tunesmith.knowledge.rules import Rule, Rules

Array = np.ndarray[Any, Any]


def record(rule: Rule, fires: Array, right: Array | None) -> dict[str, Any]:
    """Return how many rows a rule reaches, and on how many it is right.

    Args:
        rule: of which that is.
        fires: whether it fires on a row, bool [N].
        right: whether its vote is right of a row, bool [N]; None where that is not known.

    Returns:
        `{name, where, label, against, fires, share, accuracy, chance}`: `accuracy` is the share of the rows on which it
        fires that its vote is right on, as `{value, low, high, n}`; `chance` that of the same vote on every row.
    """
    hits = int(fires.sum())
    return {
        "name": rule.name, "where": rule.where, "label": rule.label, "against": rule.against,
        "fires": hits, "share": hits / max(1, len(fires)),
        "accuracy": None if right is None or not hits else asdict(proportion(int((right & fires).sum()), hits)),
        "chance": None if right is None or not len(right) else float(right.mean()),
    }  # fmt: skip


def rightness(rule: Rule, targets: Sequence[Sequence[str]]) -> Array | None:
    """Return whether the vote of a rule is right of each row, bool [N]; None for one that rows teach how to vote.

    Args:
        rule: of which that is.
        targets: the labels of each row.
    """
    if not rule.label:
        return None
    return np.array([(rule.label in names) != rule.against for names in targets], dtype=bool)


def shortcomings(rules: Rules, records: Sequence[dict[str, Any]], name: str) -> list[Finding]:
    """Return a finding for each rule that fires on no row (K803), or is right less often than chance (K807).

    Args:
        rules: R of them.
        records: of each what `record` gave.
        name: of the file of the rows.
    """
    found: list[Finding] = []
    for rule, one in zip(rules.rules, records, strict=True):
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
    return found

"""Findings of the data room, and the errors they become where they make the work impossible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tunesmith.core.report import Finding, Severity
from tunesmith.errors import Fault, InputError

SHOWN_ROWS = 20
"""How many row numbers a finding holds; its count says how many there are in all."""


def note_rows(
    code: str, severity: Severity, source: str, message: str, remedy: str = "", rows: Sequence[int] = ()
) -> Finding:
    """Return a finding about `rows`, of which it keeps the first `SHOWN_ROWS` and the count."""
    return Finding(
        code=code,
        severity=severity,
        message=message,
        remedy=remedy,
        rows=tuple(int(row) for row in rows[:SHOWN_ROWS]),
        count=len(rows),
        source=source,
    )


def place_of(finding: Finding) -> str:
    """Return where a finding stands, such as `train.csv rows 3, 8 and 40 more`."""
    if not finding.rows:
        return finding.source
    shown = ", ".join(map(str, finding.rows[:8]))
    more = finding.count - len(finding.rows[:8])
    word = "row" if finding.count == 1 else "rows"
    return f"{finding.source} {word} {shown}" + (f" and {more:,} more" if more > 0 else "")


def fault_of(finding: Finding) -> Fault:
    """Return the fault that says the same."""
    return Fault(finding.code, place_of(finding), finding.message, finding.remedy)


def raise_errors(findings: Iterable[Finding]) -> None:
    """Raise one `InputError` with every finding of severity `error`, if there are any."""
    faults = [fault_of(finding) for finding in findings if finding.severity == "error"]
    if faults:
        raise InputError(faults)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return errors first, then warnings, then notes, each in the order they came in."""
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


def count_of(number: int, noun: str) -> str:
    """Return `1 row`, `2,000 rows`.

    Example:
        >>> count_of(1, "row"), count_of(2000, "row"), count_of(3, "class")
        ('1 row', '2,000 rows', '3 classes')
    """
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def have(number: int, noun: str) -> str:
    """Return `1 row has`, `2 rows have`."""
    return f"{count_of(number, noun)} {'has' if number == 1 else 'have'}"


def shorten(text: str, width: int = 60) -> str:
    """Return `text` on one line, cut to `width` characters.

    Example:
        >>> shorten("one\\ntwo three", 9)
        'one two …'
    """
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"

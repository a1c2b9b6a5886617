"""In which script a text is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunesmith.core.report import Finding, Severity
from tunesmith.data.findings import count_of, note_rows
from tunesmith.data.rows import Rows

RANGES = {
    "Latin": r"a-zA-Z\u00c0-\u024f\u1e00-\u1eff",
    "Han": r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
    "Kana": r"\u3040-\u30ff",
    "Hangul": r"\u1100-\u11ff\uac00-\ud7af",
    "Cyrillic": r"\u0400-\u052f",
    "Greek": r"\u0370-\u03ff\u1f00-\u1fff",
    "Arabic": r"\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff",
    "Hebrew": r"\u0590-\u05ff",
    "Devanagari": r"\u0900-\u097f",
    "Bengali": r"\u0980-\u09ff",
    "Tamil": r"\u0b80-\u0bff",
    "Thai": r"\u0e00-\u0e7f",
    "Armenian": r"\u0530-\u058f",
    "Georgian": r"\u10a0-\u10ff",
    "Ethiopic": r"\u1200-\u139f",
}
_LETTERS = {name: re.compile(f"[{letters}]+") for name, letters in RANGES.items()}
PREFIX = 300
"""The first characters tell the script."""


def script_of(text: str) -> str:
    """Return the script of most letters of `text`, empty where it has none.

    A hanzi says as much as a word, so it counts for three letters. Japanese is Han with Kana, and called Kana.

    Example:
        >>> [script_of(text) for text in ("hello", "Привет, Bob", "42!", "手机很好 ok", "これは本")]
        ['Latin', 'Cyrillic', '', 'Han', 'Kana']
    """
    head = text[:PREFIX]
    if head.isascii():
        return "Latin" if _LETTERS["Latin"].search(head) else ""
    counts = Counter({name: sum(map(len, letters.findall(head))) for name, letters in _LETTERS.items()})
    if counts["Kana"]:
        counts["Kana"] += counts.pop("Han")
        counts["Kana"] *= 3
    counts["Han"] *= 3
    name, most = counts.most_common(1)[0]
    return name if most else ""


def foreign_rows(texts: Sequence[str], share: float = 0.8) -> tuple[str, dict[str, list[int]]]:
    """Return the script of at least `share` of the texts, and the places of those in another, by script.

    Both are empty where no script is so common.
    """
    scripts = [script_of(text) for text in texts]
    counts = Counter(script for script in scripts if script)
    if not counts:
        return "", {}
    main, most = counts.most_common(1)[0]
    if most < share * counts.total():
        return "", {}
    foreign: dict[str, list[int]] = {}
    for place, script in enumerate(scripts):
        if script and script != main:
            foreign.setdefault(script, []).append(place)
    return main, foreign


def script_findings(
    code: str, severity: Severity, rows: Rows, texts: Sequence[str], what: str, remedy: str
) -> Iterator[Finding]:
    """Yield a finding for every script other than the common one.

    Args:
        code: of the findings.
        severity: of the findings.
        rows: the rows that are named.
        texts: of each row, what is looked at.
        what: what is said of such rows, with `{script}` in it.
        remedy: what helps.
    """
    main, foreign = foreign_rows(texts)
    for script, places in sorted(foreign.items(), key=lambda item: -len(item[1])):
        are = f"{count_of(len(places), 'row')} {'is' if len(places) == 1 else 'are'}"
        yield note_rows(
            code, severity, rows.name, f"{are} {what.format(script=script)}, the others in {main}.", remedy,
            rows.numbers[places].tolist(),
        )  # fmt: skip

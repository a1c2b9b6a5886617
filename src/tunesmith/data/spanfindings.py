"""What is notable about the marked spans of all rows together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tunesmith.core.report import Finding
from tunesmith.data.findings import have, note_rows, shorten
from tunesmith.data.labels import classes_of
from tunesmith.data.rows import Prepared, Rows

FEW_SPANS = 8
"""Fewer spans than this are hardly learnt: eight a class is where the few-shot figures of benchmarks begin."""


def span_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield what would spoil a training on spans, apart from what was wrong in single rows."""
    train = prepared.files["train"]
    counts = span_counts(train)
    if not counts:
        yield note_rows("K115", "error", train.name, "no row has a marked span; there is nothing to learn.",
                        "Mark what is to be found.")  # fmt: skip
        return
    few = {kind: count for kind, count in counts.items() if count < FEW_SPANS}
    if few:
        shown = ", ".join(f'"{shorten(kind, 30)}" ({count})' for kind, count in list(few.items())[:8])
        more = f" and {len(few) - 8} more" if len(few) > 8 else ""
        rows = [
            int(number) for number, target in zip(train.numbers, train.targets, strict=True)
            if not few.keys().isdisjoint(classes_of(target))
        ]  # fmt: skip
        yield note_rows(
            "K147", "warning", train.name,
            f"{have(len(few), 'kind')} fewer than {FEW_SPANS} spans: {shown}{more}.",
            "Mark more of them, or merge the kinds under data.labels.", rows,
        )  # fmt: skip


def span_counts(rows: Rows) -> dict[str, int]:
    """Return how many spans of every kind there are, the most frequent first."""
    counts = Counter(span.label for target in rows.targets if isinstance(target, tuple) for span in target)  # type: ignore[union-attr]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

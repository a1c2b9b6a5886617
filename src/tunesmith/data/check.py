"""What is wrong or notable in data that has been read: the same look at the rows before training and in `check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tunesmith.core.report import Finding, Severity
from tunesmith.data.duplicates import Array, Clusters, find_clusters
from tunesmith.data.findings import by_severity, count_of, have, note_rows, shorten
from tunesmith.data.giveaway import giveaway_findings
from tunesmith.data.labels import Kind, classes_of
from tunesmith.data.lengths import Lengths, measure_lengths
from tunesmith.data.redact import secret_findings
from tunesmith.data.repeats import conflict_findings, leak_findings, repeated
from tunesmith.data.rows import Prepared, Rows, label_counts
from tunesmith.data.scripts import script_findings
from tunesmith.data.spanfindings import span_findings
from tunesmith.data.texts import join_texts

TINY_CLASS = 8
"""Fewer rows than this are hardly learnt: eight a class is where the few-shot figures of benchmarks begin."""
IMBALANCE = 10
"""The largest class has so many times the rows of the smallest (tiny ones apart) before it is worth a word."""

UNCUT: tuple[Kind, ...] = ("spans", "answers", "text")
"""Targets of tasks that read every text to its end, in windows, or that count text and target together."""

FOREIGN = ("in {script} script", "Look at the rows; take a multilingual model if they belong to the data.")
"""What is said of texts in another script than the rest, and what helps."""

CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The outcome of a look at the rows.

    Args:
        findings: errors, warnings and notes.
        clusters: of all rows: train, then dev, then test.
        lengths: of the train texts.
    """

    findings: tuple[Finding, ...]
    clusters: Clusters
    lengths: Lengths

    def groups(self, rows: int) -> Array:
        """Return the clusters of the first `rows` rows, which are those of train."""
        return self.clusters.near[:rows]


def inspect(
    prepared: Prepared, *, near: bool = True, count_tokens: CountTokens | None = None, max_tokens: int | None = None
) -> Inspection:
    """Look for everything that would spoil a training or its score.

    Args:
        prepared: the rows of all files.
        near: whether to look for nearly equal texts.
        count_tokens: texts → their numbers of tokens; lengths are in characters without it.
        max_tokens: what the model will read of a text.

    Cost: about 45 µs a row of 100 characters on one core.
    """
    train = prepared.files["train"]
    split_rows = list(prepared.files.values())
    texts = [join_texts([rows.texts[side] for rows in split_rows]) for side in range(len(train.texts))]
    clusters = _clusters(prepared.kind, texts, near)
    lengths = measure_lengths(train.texts, count_tokens, None if prepared.kind in UNCUT else max_tokens)
    findings = [
        *prepared.findings,
        *_target_findings(prepared, train),
        *giveaway_findings(prepared),
        *_order_findings(prepared, train),
        *_duplicate_findings(prepared, split_rows, clusters),
        *_conflict_findings(prepared, split_rows, clusters.same),
        *_leak_findings(prepared, clusters),
        *lengths.findings(train),
        *(finding for rows in split_rows for finding in script_findings("K125", "note", rows, rows.texts[0], *FOREIGN)),
        *secret_findings(prepared),
    ]
    return Inspection(by_severity(findings), clusters, lengths)


# --- labels ------------------------------------------------------------------------------------------------------


def _target_findings(prepared: Prepared, train: Rows) -> Iterator[Finding]:
    """Yield what is to be said of the targets: each kind of them has its own."""
    for rows in prepared.files.values():
        if not len(rows):
            yield note_rows(
                "K128", "error", rows.name, "no row with text and label is left.", "Give rows that have both."
            )
    if not len(train):
        return
    if prepared.kind == "text":
        from tunesmith.data.writtenfindings import written_findings

        yield from written_findings(prepared)
    elif prepared.kind == "spans":
        yield from span_findings(prepared)
    elif prepared.kind == "answers":
        from tunesmith.data.questions import question_findings

        yield from question_findings(prepared)
    elif prepared.kind == "similar":
        from tunesmith.data.similar import similar_findings

        yield from similar_findings(prepared)
    else:
        yield from _label_findings(prepared, train)


def _label_findings(prepared: Prepared, train: Rows) -> Iterator[Finding]:
    if prepared.kind == "number":
        if len(set(train.targets)) < 2:
            message = f"every row has the same number, {train.targets[0]}."
            yield note_rows("K115", "error", train.name, message, "Give rows with different numbers.")
        return
    counts = label_counts(train.targets)
    if len(counts) < (1 if prepared.kind == "set" else 2):
        what = f'every row has the label "{shorten(next(iter(counts)))}"' if counts else "no row has a label"
        yield note_rows(
            "K115", "error", train.name, f"{what}; there is nothing to tell apart.",
            "Give rows of at least two classes. If the file is the head of one sorted by label, take rows at random.",
        )  # fmt: skip
        return
    yield from _size_findings(train, counts)


def _size_findings(train: Rows, counts: dict[str, int]) -> Iterator[Finding]:
    rows_of: dict[str, list[int]] = {}
    tiny = {name: count for name, count in counts.items() if count < TINY_CLASS}
    for number, target in zip(train.numbers.tolist(), train.targets, strict=True) if tiny else ():
        for name in classes_of(target):
            if name in tiny:
                rows_of.setdefault(name, []).append(number)
    single = [name for name, count in tiny.items() if count == 1]
    few = [name for name, count in tiny.items() if count > 1]
    for names, what, remedy in (
        (single, "one row only; it can be learnt from or tested on, not both",
         "Label more rows, or merge or drop the class under data.labels."),
        (few, f"fewer than {TINY_CLASS} rows", "Label more rows of these classes, or merge them under data.labels."),
    ):  # fmt: skip
        if names:
            shown = ", ".join(f'"{shorten(name, 30)}" ({counts[name]})' for name in names[:8])
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            message = f"{have(len(names), 'class')} {what}: {shown}{more}."
            rows = [row for name in names for row in rows_of[name]]
            yield note_rows("K116", "warning", train.name, message, remedy, rows)
    sizable = [count for count in counts.values() if count >= TINY_CLASS]
    if len(sizable) > 1 and sizable[0] >= IMBALANCE * sizable[-1]:
        large, small = next(iter(counts)), [name for name, count in counts.items() if count >= TINY_CLASS][-1]
        share, few_rows = counts[large] / len(train), f'"{shorten(small, 30)}" {counts[small]:,}'
        yield note_rows(
            "K117", "warning", train.name,
            f'"{shorten(large, 30)}" has {counts[large]:,} rows ({share:.0%}), {few_rows}.',
            "Judge by macro-F1; class_weights may help the small classes.",
        )  # fmt: skip


def _order_findings(prepared: Prepared, train: Rows) -> Iterator[Finding]:
    """Notice a file sorted by label: the label changes hardly more often than there are classes."""
    if len(train) < 20 or prepared.kind == "text" or not isinstance(train.targets[0], str):
        return
    classes = len(set(train.targets))
    changes = sum(1 for one, two in zip(train.targets, train.targets[1:], strict=False) if one != two)
    mixed = len(train) * (1 - sum(count**2 for count in label_counts(train.targets).values()) / len(train) ** 2)
    if classes > 1 and changes < 2 * classes and changes < 0.2 * mixed:
        yield note_rows(
            "K123", "warning", train.name,
            f"the rows are sorted by label: it changes {count_of(changes, 'time')}, for {classes} classes.",
            "Nothing need be done, rows are shuffled here; but take no sample from the head of this file.",
        )  # fmt: skip


# --- texts -------------------------------------------------------------------------------------------------------


def _borders(split_rows: Sequence[Rows]) -> Iterator[tuple[Rows, slice]]:
    start = 0
    for rows in split_rows:
        yield rows, slice(start, start + len(rows))
        start += len(rows)


def _clusters(kind: Kind, texts: Sequence[Sequence[str]], near: bool) -> Clusters:
    if kind == "text":
        from tunesmith.data.frames import framed_clusters

        return framed_clusters(texts[0], near=near)
    # Of questions about one long text, the texts are nearly the same: contexts are compared by themselves.
    return find_clusters(texts, near=near and kind != "answers")


def _duplicate_findings(prepared: Prepared, split_rows: Sequence[Rows], clusters: Clusters) -> Iterator[Finding]:
    for rows, part in _borders(split_rows):
        exact, what = repeated(clusters.same[part]), "the text of an earlier row"
        near = repeated(clusters.near[part]) & ~exact
        if prepared.kind == "text":  # a prompt may well have several answers
            texts = (*rows.texts, [str(target) for target in rows.targets])
            exact, what = repeated(find_clusters(texts, near=False).same), "the text and the answer of an earlier row"
        looks: tuple[tuple[str, Severity, Array, str], ...] = (
            ("K118", "warning", exact, what),
            ("K119", "note", near, "nearly the text of an earlier row"),
        )
        for code, severity, places, what in looks:
            if places.any():
                numbers = rows.numbers[places].tolist()
                message = f"{have(len(numbers), 'row')} {what}."
                remedy = "Remove the repetitions if they come from a mistake; splits made here keep them on one side."
                yield note_rows(code, severity, rows.name, message, remedy, numbers)


def _conflict_findings(prepared: Prepared, split_rows: Sequence[Rows], same: Array) -> Iterator[Finding]:
    """Find equal texts with different labels or spans within a file."""
    if prepared.kind not in ("class", "set", "spans"):
        return
    what, remedy = (
        "more than one label",
        ("Decide which label is right; if several are, list them in one row and use --task multilabel."),
    )
    if prepared.kind == "spans":
        what, remedy = "different spans", "Decide which spans are right, and mark all of them in every row."
    for rows, part in _borders(split_rows):
        yield from conflict_findings("K120", rows, same[part], rows.targets, what, remedy)


def _leak_findings(prepared: Prepared, clusters: Clusters) -> Iterator[Finding]:
    """Find texts of dev and test that train has, and texts of test that dev has."""
    borders = zip(prepared.files, _borders(list(prepared.files.values())), strict=True)
    parts = {split: Clusters(clusters.same[part], clusters.near[part]) for split, (_, part) in borders}
    remedy = "Remove them from {left} or {right}: scores on them say little about new text."
    yield from leak_findings(prepared.files, parts, ("K121", "K122"), "text", remedy)

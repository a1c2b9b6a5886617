"""From files to splits: read, checked, split without leaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tunesmith.core.example import Example, Splits, targets_of
from tunesmith.core.report import Finding
from tunesmith.data.check import inspect
from tunesmith.data.duplicates import join_groups
from tunesmith.data.examples import examples_of, missing_columns
from tunesmith.data.findings import note_rows, raise_errors, shorten
from tunesmith.data.held import Held
from tunesmith.data.rows import WEAK, Prepared, Rows, prepare
from tunesmith.data.split import split_places
from tunesmith.data.times import time_of
from tunesmith.data.weak import weak_examples
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.recipe.schema import Data

Array = np.ndarray[Any, Any]
Protocol = Literal["given", "split", "folds"]

MIN_TEST_ROWS = 100
"""A smaller test split would have intervals of ten points and more, so folds take its place."""
MIN_ROWS = 4
"""Two rows to learn from, one to choose by, one to test on."""
MIN_GROUPS = 3
"""One to learn from, one to choose by, one to test on: rows of a group stay together."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything about the data of one run.

    Args:
        task: classify, multilabel, regress, pair, tag, answer, embed, chat or seq2seq.
        splits: the examples. In protocol `folds` there is no test, and dev only where it was given.
        columns: role → column.
        guesses: sentences that say what was inferred, and how to change it.
        findings: warnings and notes about the rows.
        files: split → path, sha256, rows_read, rows_kept.
        protocol: test rows were `given`, are `split` off, or `folds` stand in for them.
        groups: [N] a number per train example; rows with equal numbers must stay together.
        stats: label counts by split, quantiles of lengths, share of rows that would be cut.
        weak: rows whose labels nobody has checked; they are in none of the splits.
    """

    task: str
    splits: Splits
    columns: dict[str, str]
    guesses: tuple[str, ...]
    findings: tuple[Finding, ...]
    files: dict[str, dict[str, Any]]
    protocol: Protocol
    groups: Array
    stats: dict[str, Any]
    weak: Sequence[Example] = ()


def load_splits(
    data: Data,
    *,
    task: str = "auto",
    seed: int,
    folds: int | None = None,
    count_tokens: Callable[[Sequence[str]], Sequence[int]] | None = None,
    max_tokens: int | None = None,
    columns: Sequence[str] = (),
) -> Loaded:
    """Read, check and split the rows of `data`.

    Where no test file is given, `data.test_share` of the rows becomes test, unless that were fewer than 100: then test
    stays empty and the caller cross-validates. Where no dev file is given, `data.dev_share` of the train rows becomes
    dev, in cross-validation too, by the caller.

    Args:
        data: the part of the recipe.
        task: `auto` reads it off the columns.
        seed: of every draw.
        folds: 0 never cross-validates, more does where no test file is given, None decides by the number of rows.
        count_tokens: texts → their numbers of tokens, for the length findings.
        max_tokens: what the model will read of a text.
        columns: that the examples have beside their texts and targets.

    Raises:
        InputError: the data cannot be trained on; every reason is named.
    """
    prepared = prepare(data, task)
    raise_faults([fault for rows in _all_files(prepared).values() for fault in missing_columns(rows, columns)])
    near = data.near_duplicates == "keep_together"
    inspection = inspect(prepared, near=near, count_tokens=count_tokens, max_tokens=max_tokens)
    raise_errors(inspection.findings)
    findings = list(inspection.findings)
    examples = {split: examples_of(rows, prepared, findings, columns) for split, rows in prepared.files.items()}
    weak = weak_examples(prepared, findings, columns, near=near)
    train = examples["train"]
    own = np.arange(len(train))
    clusters = inspection.groups(len(train)) if near else own
    groups = join_groups(_groups(prepared, data) or own, clusters, _contexts(prepared, near) or own)
    times = _times(prepared.files["train"], data)
    if prepared.kind in ("similar", "text") and folds is None:
        # Texts are ranked among all test rows, and vectors of several models cannot be; to write takes long already.
        folds = 0
    protocol = _protocol(data, len(train), folds)
    _refuse_few(prepared, len(train))
    places, dev, test = _cut(train, groups, times, data, protocol, seed)
    drawn = _limited(train, places, data, seed)
    if protocol == "folds":
        _refuse_few_groups(prepared, len(np.unique(groups[drawn])), data.limit)
    splits = Splits(
        train=train.pick(drawn),
        dev=examples.get("dev") or train.pick(dev),
        test=examples.get("test") or train.pick(test),
    )
    return Loaded(
        task=prepared.task,
        splits=splits,
        columns=prepared.columns,
        guesses=(*prepared.guesses, *_protocol_guess(prepared, protocol, data, folds)),
        findings=tuple(findings),
        files=file_facts(prepared, data),
        protocol=protocol,
        groups=groups[drawn],
        stats=_stats(prepared, splits, inspection.lengths.as_dict(), inspection.lengths.cut_share, weak),
        weak=weak,
    )


def _all_files(prepared: Prepared) -> dict[str, Rows]:
    return prepared.files if prepared.weak is None else {**prepared.files, WEAK: prepared.weak}


def file_facts(prepared: Prepared, data: Data) -> dict[str, dict[str, Any]]:
    """Return path, hash and row counts of every file."""
    return {
        split: {
            "path": getattr(data, split),
            "sha256": rows.table.sha256,
            "rows_read": rows.table.rows_read,
            "rows_kept": len(rows),
        }
        for split, rows in _all_files(prepared).items()
    }


def _stats(
    prepared: Prepared, splits: Splits, lengths: dict[str, Any], cut_share: float | None, weak: Sequence[Example]
) -> dict[str, Any]:  # fmt: skip
    parts = {"train": splits.train, "dev": splits.dev, "test": splits.test, **({WEAK: weak} if weak else {})}
    return {
        "rows": {name: len(rows) for name, rows in parts.items()},
        "labels": {name: prepared.label_counts(targets_of(rows)) for name, rows in parts.items()},
        "lengths": lengths,
        "truncated_share": cut_share,
    }


def _contexts(prepared: Prepared, near: bool) -> list[int] | None:
    """Return a number per train row, equal for questions about the same text; None where there are no questions."""
    if prepared.kind != "answers":
        return None
    from tunesmith.data.questions import context_groups

    return context_groups(prepared.files["train"], near=near)


def _groups(prepared: Prepared, data: Data) -> list[str] | None:
    """Return the group of every train row; a row without one is a group of its own."""
    if not data.group:
        return None
    values = prepared.files["train"].column(data.group)
    return [f"={value}" if value else f"#{place}" for place, value in enumerate(values)]


def _times(rows: Rows, data: Data) -> list[float] | None:
    if not data.time:
        return None
    texts = rows.column(data.time)
    times = [time_of(text) for text in texts]
    bad = [place for place, time in enumerate(times) if time is None]
    if bad:
        finding = note_rows(
            "K133", "error", rows.name,
            f'{len(bad):,} of {len(texts):,} values of column "{data.time}" are no time, such as '
            f'"{shorten(texts[bad[0]], 30)}".',
            "Write 2024-03-31, 2024-03-31T12:00 or a number in every row.", rows.numbers[bad].tolist(),
        )  # fmt: skip
        raise_errors([finding])
    return [time for time in times if time is not None]


# --- protocol ----------------------------------------------------------------------------------------------------


def _protocol(data: Data, rows: int, folds: int | None) -> Protocol:
    if data.test:
        return "given"
    if folds is not None:
        return "folds" if folds else "split"
    # Folds would train on later rows than they test on.
    return "split" if data.time or rows * data.test_share >= MIN_TEST_ROWS else "folds"


def _protocol_guess(prepared: Prepared, protocol: Protocol, data: Data, folds: int | None) -> tuple[str, ...]:
    rows = len(prepared.files["train"])
    if protocol == "given":
        ignored = (f"evaluate.folds={folds} is not used: the test rows are in {data.test}.",) if folds else ()
        dev = () if data.dev else (f"{data.dev_share:.0%} of the train rows became dev; give others with --dev.",)
        return (*dev, *ignored)
    if protocol == "folds":
        if folds:
            return (f"Cross-validation in {folds} folds takes the place of a test split.",)
        return (
            f"{rows:,} rows are too few for a test split ({data.test_share:.0%} would be fewer than {MIN_TEST_ROWS}): "
            "cross-validation takes its place; set evaluate.folds=0 for a split all the same.",
        )
    drawn = "drawn at random" if prepared.kind == "text" else "drawn by class"
    how = f'the latest by column "{data.time}"' if data.time else drawn
    return (f"{data.test_share:.0%} of the rows became test, {how}; give others with --test.",)


def _refuse_few(prepared: Prepared, rows: int) -> None:
    if rows < MIN_ROWS:
        name = prepared.files["train"].name
        raise InputError(
            Fault("K128", name, f"{rows} rows with text and label are left; at least {MIN_ROWS} are needed.",
                  "Give more rows, or look at the rows that were left out: tunesmith check.")
        )  # fmt: skip


def _refuse_few_groups(prepared: Prepared, groups: int, limit: int | None) -> None:
    """Refuse to cross-validate where a fold would leave nothing to train on, to choose by or to test on."""
    if groups < MIN_GROUPS:
        name = prepared.files["train"].name
        if limit is not None and limit < MIN_GROUPS:
            message = f"cross-validation needs {MIN_GROUPS} rows."
            raise InputError(Fault("K128", "data.limit", message, "Raise data.limit, or give a test file."))
        held = "one group, which stays" if groups == 1 else f"{groups} groups, each of which stays"
        raise InputError(
            Fault("K128", name, f"the rows are {held} on one side of every split; cross-validation needs {MIN_GROUPS}.",
                  "Give a test file, more rows, another data.group, or near_duplicates=ignore.")
        )  # fmt: skip


def _cut(
    train: Held, groups: Array, times: list[float] | None, data: Data, protocol: Protocol, seed: int
) -> tuple[Array, Array, Array]:
    """Return the places of train, dev and test among the train rows."""
    places, none = np.arange(len(train)), np.zeros(0, dtype=np.int64)
    dev = test = none
    if protocol == "split":
        places, test = _hold(train, groups, times, places, data.test_share, seed, "test")
    if protocol != "folds" and not data.dev:
        # Another seed than that of test, or the two draws would follow each other.
        places, dev = _hold(train, groups, times, places, data.dev_share, seed + 1, "dev")
    return places, dev, test


def _hold(
    train: Held, groups: Array, times: list[float] | None, places: Array, share: float, seed: int, split: str
) -> tuple[Array, Array]:
    """Hold a share of the rows at `places` out; refuse where groups leave none."""
    some_times = None if times is None else np.asarray(times, dtype=np.float64)[places]
    try:
        kept, held = split_places(train.pick(places), groups[places], share, seed=seed, times=some_times)
    except ValueError:
        kept = held = np.zeros(0, dtype=np.int64)
    if not len(held):
        raise InputError(
            Fault("K128", f"data.{split}_share", f"no row can be held out for {split} without tearing groups.",
                  f"Give a {split} file, more rows, another data.group, or near_duplicates=ignore.")
        )  # fmt: skip
    return places[kept], places[held]


def _limited(train: Held, places: Array, data: Data, seed: int) -> Array:
    """Return at most `data.limit` of the places, every class in its share."""
    if data.limit is None or data.limit >= len(places):
        return places
    some = train.pick(places)
    share = 1 - data.limit / len(places)
    kept, _ = split_places(some, np.arange(len(some)), share, seed=seed + 2)
    if len(kept) > data.limit:  # every class kept a row
        kept = np.sort(np.random.default_rng(seed + 2).permutation(kept)[: data.limit])
    return places[kept]

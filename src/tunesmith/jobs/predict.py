"""Predict: texts or a file of any size in, rows with label and probabilities out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, overload

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.prediction import Prediction
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.columns import text_columns, text_roles

Text: TypeAlias = str | tuple[str, str]
Row: TypeAlias = dict[str, Any]
ROWS_AT_ONCE = 1024  # sorted by length inside, so that batches are even; a few MB of text


@overload
def predict(
    run: str | Path | Bundle, texts: Iterable[Text] | None = ..., *, data: str | None = ...,
    columns: Sequence[str] = ..., out: None = ..., batch_size: int | None = ...,
) -> Iterator[Row]: ...  # fmt: skip


@overload
def predict(
    run: str | Path | Bundle, texts: Iterable[Text] | None = ..., *, data: str | None = ...,
    columns: Sequence[str] = ..., out: str | Path, batch_size: int | None = ...,
) -> Row: ...  # fmt: skip


def predict(
    run: str | Path | Bundle,
    texts: Iterable[Text] | None = None,
    *,
    data: str | None = None,
    columns: Sequence[str] = (),
    out: str | Path | None = None,
    batch_size: int | None = None,
) -> Iterator[Row] | Row:
    """Predict texts, or every row of a file; nothing is held longer than a thousand rows.

    Args:
        run: a run folder, its `model` folder, or a loaded bundle.
        texts: texts, or pairs of texts for a `pair` model; this or `data`.
        data: a file (csv, tsv, json, jsonl, parquet, xlsx, also .gz), `-` for stdin, or `hub:NAME`.
        columns: the column of the text in `data`, or the two of a pair; those of the training where not given.
        out: write .csv, .tsv, .jsonl or .parquet there: all columns of `data`, then `label`, `score` and a column
            `p_CLASS` per class. A name that `data` has already gets `predicted_` in front.
        batch_size: windows per batch; 64 where not given.

    Returns:
        an iterator of rows `{"text", "label", "score", "scores"}` (with `evidence` where there is some); with `out`
        what was written: `{"out", "rows", "columns", "labels"}`, where `labels` counts each predicted label.

    Raises:
        InputError: no bundle, no such column, a text where two are read; each with the remedy.

    Example:
        >>> [row["label"] for row in tunesmith.predict("runs/first", ["Where is my bike?"])]  # doctest: +SKIP
        ['lost_item']
    """
    if (texts is None) == (data is None):
        raise InputError(Fault("K610", "predict", "texts or a file are expected, one of the two.", "Give one of them."))
    bundle = run if isinstance(run, Bundle) else load_bundle(run)
    rows = _text_rows(bundle, texts) if texts is not None else _data_rows(bundle, str(data), columns)
    if out is None:
        return (_shown(bundle, text, found) for _, text, found in _predicted(bundle, rows, batch_size))
    return _written(bundle, rows, Path(out), batch_size)


def _text_rows(bundle: Bundle, texts: Iterable[Text]) -> Iterator[tuple[Row, Text]]:
    for text in texts:
        yield dict(zip(text_roles(bundle), (text,) if isinstance(text, str) else text, strict=False)), text


def _data_rows(bundle: Bundle, data: str, columns: Sequence[str]) -> Iterator[tuple[Row, Text]]:
    from tunesmith.data.read import iter_chunks

    wanted: tuple[str, ...] = ()
    for chunk in iter_chunks(data):
        wanted = wanted or text_columns(bundle, chunk.column_names, columns, data)
        for row in chunk.to_pylist():
            texts = tuple("" if row.get(name) is None else str(row[name]) for name in wanted)
            yield row, texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _predicted(
    bundle: Bundle, rows: Iterator[tuple[Row, Text]], batch_size: int | None
) -> Iterator[tuple[Row, Text, Prediction]]:
    while block := list(islice(rows, ROWS_AT_ONCE)):
        found = bundle.predict([text for _, text in block], batch_size=batch_size)
        for (row, text), prediction in zip(block, found, strict=True):
            yield row, text, prediction


def _shown(bundle: Bundle, text: Text, found: Prediction) -> Row:
    texts = dict(zip(text_roles(bundle), (text,) if isinstance(text, str) else text, strict=True))
    row = {**texts, "label": found.label, "score": found.score, "scores": dict(found.scores)}
    return {**row, "evidence": list(found.evidence)} if found.evidence else row


def _written(bundle: Bundle, rows: Iterator[tuple[Row, Text]], out: Path, batch_size: int | None) -> Row:
    from tunesmith.data.write import open_writer

    counts: dict[str, int] = {}
    added: dict[str, str] = {}
    total = 0
    predicted = _predicted(bundle, rows, batch_size)
    with open_writer(out) as writer:
        while block := list(islice(predicted, ROWS_AT_ONCE)):
            added = added or _free_names(bundle, block[0][0])
            writer.write([{**row, **_cells(added, found)} for row, _, found in block])
            total += len(block)
            for _, _, found in block:
                for name in found.label if isinstance(found.label, tuple) else (found.label,):
                    if isinstance(name, str):
                        counts[name] = counts.get(name, 0) + 1
    return {"out": str(out), "rows": total, "columns": list(added.values()), "labels": counts}


def _free_names(bundle: Bundle, row: Row) -> dict[str, str]:
    """Return what is added → the name of its column, one that the data does not have yet."""
    names = ["label", *(["score", *(f"p_{label}" for label in bundle.labels)] if bundle.labels else [])]
    taken = set(row)
    added: dict[str, str] = {}
    for name in names:
        free = name
        while free in taken:
            free = f"predicted_{free}"
        taken.add(free)
        added[name] = free
    return added


def _cells(added: dict[str, str], found: Prediction) -> Row:
    label = "|".join(found.label) if isinstance(found.label, tuple) else found.label
    cells = {"label": label, "score": found.score, **{f"p_{name}": value for name, value in found.scores.items()}}
    return {column: cells[name] for name, column in added.items()}

"""Predict: texts or a file of any size in, rows with label and probabilities out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, overload

from tunesmith.bundle.load import Bundle, Text, load_bundle
from tunesmith.core.prediction import Prediction
from tunesmith.data.arrays import cell_text
from tunesmith.data.joined import join_words
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.columns import roles_of, text_columns, token_column
from tunesmith.jobs.dialogues import asked_turns, dialogue_columns, plain_turns
from tunesmith.jobs.shown import added_columns, cells, shown

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
        columns: the column of the text in `data`, or the two of a pair, or question and context; those of the training
            where not given. One column for a model of `embed` asks for vectors.
        out: write .csv, .tsv, .jsonl or .parquet there: all columns of `data`, then what was predicted (`label`,
            `score`, a column `p_CLASS` per class, `sure` where the model has a threshold; `spans`; `answer`, `score`,
            `start` and `end`; `vector`). A name that `data` has already gets `predicted_` in front.
        batch_size: windows per batch; 64 where not given.

    Returns:
        an iterator of rows `{"text", "label", "score", "scores"}` (with `evidence` where there is some, and `sure`
        where the model has a threshold; `tag` has `spans`, `answer` has `answer` and `spans`, `embed` of single texts
        `vector`); with `out` what was written: `{"out", "rows", "columns", "labels"}`, where `labels` counts each
        predicted label.

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
        found = _predicted(bundle, rows, batch_size)
        return ({**_by_role(bundle, text), **shown(bundle, one)} for _, text, one in found)
    return _written(bundle, rows, Path(out), batch_size)


def _text_rows(bundle: Bundle, texts: Iterable[Text]) -> Iterator[tuple[Row, Text]]:
    for text in texts:
        yield _by_role(bundle, text), text


def _by_role(bundle: Bundle, text: Text) -> Row:
    if bundle.task.head().layout == "dialogue" and not isinstance(text, str):
        return {"messages": plain_turns(text)}
    if isinstance(text, list):
        return {"text": join_words(text)[0], "tokens": text}
    return {"text": text} if isinstance(text, str) else dict(zip(roles_of(bundle, len(text)), text, strict=True))


def _data_rows(bundle: Bundle, data: str, columns: Sequence[str]) -> Iterator[tuple[Row, Text]]:
    from tunesmith.data.read import iter_chunks

    if bundle.task.head().layout == "dialogue":
        yield from _dialogue_rows(bundle, data, columns)
        return
    wanted: tuple[str, ...] = ()
    for chunk in iter_chunks(data):
        words = token_column(bundle, chunk, columns)
        if words:
            for row in chunk.to_pylist():
                given = [str(word) for word in row[words] or ()]
                yield {"text": join_words(given)[0], **row}, given  # the offsets are those of the joined words
            continue
        wanted = wanted or text_columns(bundle, chunk.column_names, columns, data)
        for row in chunk.to_pylist():
            texts = tuple("" if row.get(name) is None else str(row[name]) for name in wanted)
            yield row, texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _dialogue_rows(bundle: Bundle, data: str, columns: Sequence[str]) -> Iterator[tuple[Row, Text]]:
    from tunesmith.data.read import iter_chunks

    by_role: dict[str, str] = {}
    rows = 0
    for chunk in iter_chunks(data):
        by_role = by_role or dialogue_columns(bundle, chunk.column_names, columns, data)
        yield from zip(chunk.to_pylist(), asked_turns(chunk, by_role, data, rows), strict=True)
        rows += len(chunk)


def _predicted(
    bundle: Bundle, rows: Iterator[tuple[Row, Text]], batch_size: int | None
) -> Iterator[tuple[Row, Text, Prediction]]:
    while block := list(islice(rows, ROWS_AT_ONCE)):
        texts = [text for _, text in block]
        cells = [{name: cell_text(row[name]) for name in bundle.columns if name in row} for row, _ in block]
        found = bundle.predict(texts, batch_size=batch_size, columns=cells if bundle.columns else None)
        for (row, text), one in zip(block, found, strict=True):
            yield row, text, one


def _written(bundle: Bundle, rows: Iterator[tuple[Row, Text]], out: Path, batch_size: int | None) -> Row:
    from tunesmith.data.write import open_writer

    counts: dict[str, int] = {}
    added: dict[str, str] = {}
    total = 0
    predicted = _predicted(bundle, rows, batch_size)
    with open_writer(out) as writer:
        while block := list(islice(predicted, ROWS_AT_ONCE)):
            added = added or added_columns(bundle, block[0][0], block[0][2])
            writer.write([{**row, **cells(bundle, added, found)} for row, _, found in block])
            total += len(block)
            for _, _, found in block:
                for name in _labels(bundle, found):
                    counts[name] = counts.get(name, 0) + 1
    return {"out": str(out), "rows": total, "columns": list(added.values()), "labels": counts}


def _labels(bundle: Bundle, found: Prediction) -> list[str]:
    """Return the labels to count; answers are texts, not labels."""
    if not bundle.labels:
        return []
    return [name for name in (found.label if isinstance(found.label, tuple) else (found.label,)) if type(name) is str]

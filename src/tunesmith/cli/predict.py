"""`tunesmith predict`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, RunFolder
from tunesmith.cli.words import prediction_line
from tunesmith.errors import Fault, InputError


def predict(
    run: RunFolder,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts; two at a time for a model that reads two.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file of rows, or `-` for stdin; any size.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write .csv, .tsv, .jsonl or .parquet, with the columns kept.")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column of the text in --data; twice for two texts.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Windows per batch, at most; 64 by default.")] = None,
    precision: Annotated[
        Literal["fp32", "bf16"],
        typer.Option(help="Of the products: bf16 is faster on CPUs with AMX and on AMD's since Zen 4, and less exact."),
    ] = "fp32",
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Below each row, print what rules and memory said of it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object per row, or with --out one that sums up.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Predict texts, a file of any size, or the lines of stdin.

    \b
    Examples:
      tunesmith predict runs/first "Where is my bike?"
      tunesmith predict runs/first --data mails.csv --out mails-predicted.csv
      cat mails.txt | tunesmith predict runs/first --json
      tunesmith predict runs/answers "Who pays?" "The rider pays for the pack."
    """
    with working(as_json, debug) as screen:
        if texts and data is not None:
            raise InputError(Fault("K610", "predict", "texts and --data came, one is expected.", "Leave one out."))
        if not texts and data is None and sys.stdin.isatty():
            raise InputError(
                Fault("K610", "predict", "nothing to predict.", "Give a text, --data FILE, or pipe lines.")
            )
        from tunesmith.bundle.load import load_bundle
        from tunesmith.jobs.predict import predict as predict_job

        bundle = load_bundle(run, precision=precision)
        given = None if data is not None else spoken(texts or (), bundle.task.reads)
        if out is not None:
            value = predict_job(bundle, given, data=data, columns=text or (), out=out, batch_size=batch_size)
            screen.result(value, [f"{value['rows']:,} rows are in {out}, with {', '.join(value['columns'][:4])} …"])
            return
        for row in predict_job(bundle, given, data=data, columns=text or (), batch_size=batch_size):
            said = row.get("evidence", ()) if evidence else ()
            screen.row(row, "\n".join([prediction_line(row), *(f"  {line}" for line in said)]))


def spoken(texts: Sequence[str], reads: Sequence[Sequence[str]]) -> Iterator[str | tuple[str, str]]:
    """Yield the texts of the command line, or else the lines of stdin.

    Two texts that are read together stand in two words, or around a tab; a model that reads single texts too, as one of
    `embed` does, takes a single word, or lines without a tab, as such.
    """
    single = any(len(roles) == 1 for roles in reads)
    if len(reads[0]) == 1 or (single and len(texts) == 1):
        yield from texts or lines()
    elif not texts:
        for row, line in enumerate(lines(), 1):
            left, tab, right = line.partition("\t")
            if not tab and single:
                yield line
                continue
            if not tab:
                message = "the model reads two texts, and the line holds one."
                raise InputError(Fault("K601", f"stdin line {row}", message, "Put a tab between the two."))
            yield left, right
    elif len(texts) % 2:
        message = f"the model reads two texts at a time, and {len(texts)} came."
        raise InputError(Fault("K601", "predict", message, "Give an even number of texts."))
    else:
        yield from zip(texts[::2], texts[1::2], strict=True)


def lines() -> Iterator[str]:
    """Yield the lines of stdin without their ends; an empty line is a row too."""
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    for line in sys.stdin:
        yield line.rstrip("\r\n")

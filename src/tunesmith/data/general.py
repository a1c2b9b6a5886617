"""General text: what is not of the domain. One half is learnt from, the other shows what was forgotten."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.data.corpus import open_corpus
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.schema import Data

SHIPPED = Path(__file__).parent / "general" / "texts.tsv"
"""Columns `language`, `topic`, `text`: 320 English texts, 32 of each of ten topics, and 25 in seven other languages."""
MOST = 2000
"""Texts that are drawn from a file; a thousand are measured on, and a thousand may be learnt from."""
FEWEST = 20
"""Texts of a file, at least: what ten of them say is hardly a measure."""


@dataclass(frozen=True, slots=True)
class General:
    """Texts from outside the domain.

    Args:
        measured: on which it is measured what was forgotten; no strategy sees them.
        kept: from which a strategy may learn, to keep the model near to what it was.
        topics: of `measured`, one each; empty where they are not known.
        name: as sentences call it.
        files: `general` → path, sha256 and row counts, for the lock.
        guesses: sentences that say what was inferred.
    """

    measured: Sequence[str] = ()
    kept: Sequence[str] = ()
    topics: Sequence[str] = ()
    name: str = "the general text of the package"
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    guesses: tuple[str, ...] = ()


def open_general(data: Data, seed: int, *, multilingual: bool = False) -> General:
    """Return the texts of `data.general`, or those that come with the package.

    Of a file at most 2,000 texts are drawn. Every other one is measured on, the rest may be learnt from.

    Args:
        data: the part of the recipe.
        seed: of the draw.
        multilingual: whether the texts of the package in other languages than English belong to it.

    Raises:
        InputError: the file cannot be read, it is not known which column holds the texts, or there are fewer than 20.

    Cost: two passes over the file.
    """
    return _shipped(multilingual) if data.general is None else _given(data.general, data, seed)


def _shipped(multilingual: bool) -> General:
    raw = SHIPPED.read_bytes()
    rows = [
        (row["topic"], row["text"])
        for row in csv.DictReader(io.StringIO(raw.decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE)
        if multilingual or row["language"] == "en"
    ]
    topics, texts = zip(*rows, strict=True)
    path = f"tunesmith/data/general/{SHIPPED.name}"  # not where it lies on this machine
    facts = {"path": path, "sha256": hashlib.sha256(raw).hexdigest(), "rows_read": len(rows), "rows_kept": len(rows)}
    return General(texts[::2], texts[1::2], topics[::2], files={"general": facts})


def _given(source: str, data: Data, seed: int) -> General:
    guesses: list[str] = []
    corpus = open_corpus(source, data, guesses, named=False)
    size, sha256 = corpus.size_and_hash()
    if size < FEWEST:
        message = f"it has {size:,} texts; at least {FEWEST} are needed to measure anything on them."
        remedy = "Give more general text, or leave data.general out: some comes with the package."
        raise InputError(Fault("K179", source, message, remedy))
    texts = corpus.picked(frozenset(random.Random(seed).sample(range(size), min(size, MOST))))
    facts = {"path": source, "sha256": sha256, "rows_read": size, "rows_kept": len(texts)}
    return General(texts[::2], texts[1::2], (), Path(source).name, {"general": facts}, tuple(guesses))

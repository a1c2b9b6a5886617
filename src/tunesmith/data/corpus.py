"""A corpus: texts without labels, as many as there are, read in chunks and never held whole."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.core.report import Finding
from tunesmith.data.arrays import column_texts
from tunesmith.data.encoding import detect_encoding
from tunesmith.data.findings import count_of
from tunesmith.data.names import TEXT
from tunesmith.data.read import iter_chunks
from tunesmith.data.redact import mask
from tunesmith.data.roles import listed, usual_column
from tunesmith.data.secrets import KINDS
from tunesmith.data.source import open_source, reading
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.recipe.schema import Data

CHUNK_TEXTS = 1000
CHUNK_LETTERS = 1_000_000
"""Texts, and characters of them, that are held at a time."""
FEWEST = 4
"""Texts of a corpus: two to learn from, one to choose by, one to test on."""
NAMES = ("text", "texts", "content", "body", "document", "abstract", "sentence", "passage", "article", *sorted(TEXT[1]))
PLAIN = ("", ".txt")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file of texts that can be read as often as needed: of plain text every line is one.

    Args:
        source: path, or `hub:NAME`.
        column: of the texts; None where every line is a text.
        change: what is done with each text, such as masking what is secret.
    """

    source: str
    column: str | None
    change: Callable[[str], str] | None = None

    def chunks(self) -> Iterator[list[str]]:
        """Yield the texts in chunks, those left out that are empty.

        Raises:
            InputError: the file cannot be read.
        """
        chunk: list[str] = []
        letters = 0
        for text in self._texts():
            chunk.append(text)
            letters += len(text)
            if len(chunk) >= CHUNK_TEXTS or letters >= CHUNK_LETTERS:
                yield chunk
                chunk, letters = [], 0
        if chunk:
            yield chunk

    def _texts(self) -> Iterator[str]:
        for raw in self.lines() if self.column is None else self._cells(self.column):
            text = raw.strip()
            if text:
                yield self.change(text) if self.change else text

    def lines(self) -> Iterator[str]:
        """Yield the lines of plain text, empty ones too; one that is very long comes in parts."""
        with open_source(self.source) as found, reading(found.name):
            with found.open() as file:
                encoding = detect_encoding(file)
            with found.open() as file, io.TextIOWrapper(file, encoding.name, encoding.errors) as lines:
                while line := lines.readline(CHUNK_LETTERS):
                    yield line

    def _cells(self, column: str) -> Iterator[str]:
        for table in iter_chunks(self.source, CHUNK_TEXTS):
            yield from column_texts(table[column])

    def size_and_hash(self) -> tuple[int, str]:
        """Return how many texts there are, and the SHA-256 of the file (of a hub data set: of the texts)."""
        digest, texts = hashlib.sha256(), 0
        for chunk in self.chunks():
            texts += len(chunk)
            digest.update("\n".join(chunk).encode())
        if self.source.startswith("hub:"):
            return texts, digest.hexdigest()
        with open_source(self.source) as found:
            return texts, found.sha256()

    def picked(self, places: frozenset[int]) -> list[str]:
        """Return the texts at `places`, in order."""
        found: list[str] = []
        at = 0
        for chunk in self.chunks():
            found += [text for place, text in enumerate(chunk, at) if place in places]
            at += len(chunk)
            if len(found) == len(places):
                break
        return found


class Rest:
    """The texts of a corpus that are left to train on, in chunks; then `copies` counts those left out as copies.

    Args:
        corpus: all of it.
        held: places of the texts that are held out.
        known: texts that are held out; what equals one of them is left out too.
    """

    def __init__(self, corpus: Corpus, held: frozenset[int], known: frozenset[str]) -> None:
        self.corpus, self.held, self.known = corpus, held, known
        self.copies = 0

    def __iter__(self) -> Iterator[list[str]]:
        self.copies, at = 0, 0
        for chunk in self.corpus.chunks():
            kept = []
            for place, text in enumerate(chunk, at):
                if place in self.held:
                    continue
                if text in self.known:
                    self.copies += 1
                else:
                    kept.append(text)
            at += len(chunk)
            yield kept


@dataclass(frozen=True, slots=True)
class Parts:
    """A corpus divided.

    Args:
        train: what is left to train on.
        held: `test` and `dev` → texts.
        column: of the texts in the train file; None where lines are texts.
        files: part → path, sha256, rows_read, rows_kept.
        guesses: sentences that say what was inferred, and how to change it.
    """

    train: Rest
    held: dict[str, list[str]]
    column: str | None
    files: dict[str, dict[str, Any]]
    guesses: tuple[str, ...] = field(default=())

    def findings(self) -> tuple[Finding, ...]:
        """Return what was noticed, once the texts to train on have been read."""
        if not self.train.copies:
            return ()
        message = (
            f"{count_of(self.train.copies, 'text')} to train on {'equals' if self.train.copies == 1 else 'equal'} one "
            "that is held out, and is left out of training."
        )
        source = Path(self.train.corpus.source).name
        return (Finding(code="K121", severity="note", message=message, count=self.train.copies, source=source),)


def divide(data: Data, seed: int, *, dev: int, test: int, general: Sequence[str] = ()) -> Parts:
    """Divide a corpus into texts to train on, to choose by and to test on.

    Where no file is given for it, `data.test_share` of the texts becomes test, at most `test` of them, and likewise
    dev; of given files at most as many are drawn. What equals a held-out text is no longer trained on.

    Args:
        data: the part of the recipe.
        seed: of the draws.
        dev: texts to choose by, at most.
        test: texts to test on, at most.
        general: texts that are measured on too, and not trained on.

    Raises:
        InputError: a file cannot be read, has no column of texts, or too few texts.

    Cost: two passes over the corpus, and memory for what is held out.
    """
    guesses: list[str] = []
    corpora = {
        part: open_corpus(name, data, guesses) for part in ("train", "dev", "test") if (name := getattr(data, part))
    }
    sizes = {part: corpus.size_and_hash() for part, corpus in corpora.items()}
    most = {"test": test, "dev": dev}
    inside = _drawn_inside(data, sizes["train"][0], {p: n for p, n in most.items() if p not in corpora}, seed)
    total = sizes["train"][0]
    guesses += [
        f"{count_of(len(at), 'text')} of {total:,} became {p}; give others with --{p}." for p, at in inside.items()
    ]
    held = {part: corpora["train"].picked(places) for part, places in inside.items()}
    for part in (part for part in most if part in corpora):
        size = sizes[part][0]
        places = random.Random(seed).sample(range(size), min(size, most[part]))
        held[part] = corpora[part].picked(frozenset(places))
    tested = frozenset(held["test"])
    held["dev"] = [text for text in held["dev"] if text not in tested] or held["dev"]
    known = frozenset(text for texts in (*held.values(), general) for text in texts)
    files = {
        part: {"path": getattr(data, part), "sha256": sha256, "rows_read": size,
               "rows_kept": size if part == "train" else len(held[part])}
        for part, (size, sha256) in sizes.items()
    }  # fmt: skip
    rest = Rest(corpora["train"], frozenset().union(*inside.values()), known)
    return Parts(rest, held, corpora["train"].column, files, tuple(guesses))


def _drawn_inside(data: Data, total: int, most: Mapping[str, int], seed: int) -> dict[str, frozenset[int]]:
    """Return the places of the texts of a train file that become test and dev, where no file is given for them.

    Raises:
        InputError: the file has too few texts.
    """
    if total < FEWEST:
        message = f"{count_of(total, 'text')} {'is' if total == 1 else 'are'} in it; at least {FEWEST} are needed."
        raise InputError(Fault("K128", data.train, message, "Give more text; every line, or row, is one."))
    shares = {"test": data.test_share, "dev": data.dev_share}
    counts = {part: max(1, min(most[part], round(total * share))) for part, share in shares.items() if part in most}
    drawn = random.Random(seed).sample(range(total), min(sum(counts.values()), total - 1))
    places: dict[str, frozenset[int]] = {}
    for part, count in counts.items():
        places[part], drawn = frozenset(drawn[:count]), drawn[count:]
    return places


def open_corpus(source: str, data: Data, guesses: list[str], *, named: bool = True) -> Corpus:
    """Return the corpus in a file; what was guessed is put at the end of `guesses`.

    Args:
        source: path, or `hub:NAME`.
        data: the part of the recipe.
        guesses: sentences so far.
        named: whether `data.text` must be a column of it; else it is taken where it is one.

    Raises:
        InputError: it cannot be read, or it is not known which column holds the texts (K106).
    """
    kinds = tuple(kind for kind in KINDS if kind in data.redact or "all" in data.redact)
    change = (lambda text: mask(text, kinds).text) if kinds else None
    if source == "-":
        message = "a corpus is read more than once, and standard input can be read once only."
        raise InputError(Fault("K101", "stdin", message, "Write it to a file, and give that."))
    if is_plain(source):
        return Corpus(source, None, change)
    first = next(iter_chunks(source, CHUNK_TEXTS), None)
    if first is None:
        raise InputError(Fault("K128", source, "there is no row in it.", "Give a file with texts."))
    return Corpus(source, text_column(first.column_names, source, data, guesses, named=named), change)


def is_plain(source: str) -> bool:
    """Return whether a file is plain text, of which every line is a text, and no table."""
    if source.startswith("hub:"):
        return False
    with open_source(source) as found:
        return found.suffix in PLAIN and found.format in ("delimited", "conll")


def text_column(names: list[str], source: str, data: Data, guesses: list[str], *, named: bool = True) -> str:
    """Return which of the columns `names` holds the texts; arguments and faults are those of `open_corpus`."""
    asked = data.text if named or data.text in names else None
    column = asked or (names[0] if len(names) == 1 else usual_column(names, NAMES))
    if column is None or column not in names:
        raise InputError(_no_column(source, column, names, named))
    if not asked and len(names) > 1:
        change_it = "; change it with --set data.text=COLUMN" if named else ""
        guesses.append(f'The text is read from column "{column}" of {source}{change_it}.')
    return column


def _no_column(source: str, column: str | None, names: list[str], named: bool) -> Fault:
    problem = f'there is no column "{column}"' if column else "no column looks like the text"
    cure = did_you_mean(column, names) if column else ""
    usual = "Say which one: --set data.text=COLUMN" if named else "Call the column of the texts `text`."
    return Fault("K106", source, f"{problem}; it has {listed(names)}.", cure or usual)

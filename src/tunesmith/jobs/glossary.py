"""A glossary of a recipe: read, checked on the rows, and put into model and encoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.core.example import Example, texts_of
from tunesmith.core.report import Finding
from tunesmith.core.task import Task
from tunesmith.data.findings import note_rows
from tunesmith.errors import Fault, InputError, did_you_mean, raise_faults
from tunesmith.jobs.knowledge import MOST, VOTED_ON
from tunesmith.jobs.limit import drawn
from tunesmith.jobs.start import MADE
from tunesmith.knowledge.glossary import Glossary
from tunesmith.knowledge.glossaryfile import read_glossary
from tunesmith.knowledge.rules import Rules
from tunesmith.recipe.checks import GLOSSED
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.text.windows import Encoder

GLOSSARY = "glossary"
"""The role of a glossary in a lock."""
BUDGET = 32
"""Tokens of definitions where a recipe asks for them and says no number."""
FEWEST = 5
"""Train rows that must have a term for it to become a token, where a recipe says no number."""
SHOWN = 20
"""Terms that a report names, those of most train rows."""


@dataclass(frozen=True, slots=True)
class Word:
    """A term that became a token.

    Args:
        text: as it is written.
        pieces: tokens that it was before.
        rows: train rows that have it.
    """

    text: str
    pieces: int
    rows: int


@dataclass(frozen=True, slots=True)
class Glossed:
    """What was made of a glossary.

    Args:
        glossary: as the recipe has texts read with it.
        words: its terms that became tokens.
    """

    glossary: Glossary
    words: tuple[Word, ...] = ()


def open_glossary(recipe: Recipe) -> Glossary | None:
    """Return the glossary that a recipe names, with the settings there; None where it names none.

    Raises:
        InputError: the file cannot be read, or entries are wrong, each with its line.
    """
    asked = recipe.knowledge
    if asked.glossary is None:
        return None
    budget = BUDGET if asked.definitions is True else int(asked.definitions)
    return replace(read_glossary(asked.glossary), aliases=asked.aliases, budget=budget)


def rules_with(rules: Rules | None, glossary: Glossary | None, task: Task) -> Rules | None:
    """Return the rules of the team with those that the classes of a glossary are."""
    if glossary is None or not _votes(task) or not (own := glossary.rules()):
        return rules
    return Rules((*(rules.rules if rules else ()), *own), rules.files if rules else ())


def check_glossary(glossary: Glossary, task: Task, train: Sequence[Example]) -> list[Finding]:
    """Return what is notable about a glossary on the train rows, of which 10,000 are looked at.

    Raises:
        InputError: the task does not read whole rows (K819), or a class is no label (K818).
    """
    where = str(glossary.path)
    if task.name not in GLOSSED:
        message = f"a glossary says how whole rows are read, and {task.name} reads them otherwise."
        raise InputError(Fault("K819", where, message, "Leave knowledge.glossary out."))
    classed = [entry for entry in glossary.entries if entry.label]
    raise_faults(
        Fault(
            "K818", entry.where, f'there is no label "{entry.label}"; there are {", ".join(task.labels)}.',
            did_you_mean(entry.label, task.labels),
        )
        for entry in classed if task.labels and entry.label not in task.labels
    )  # fmt: skip
    found: list[Finding] = []
    if classed and not _votes(task):
        message = f"its classes say nothing here: they vote on the one label of a row, and the task is {task.name}."
        found.append(_notable(where, message, "Leave the column class out."))
    if not any(glossary.found(text) for example in drawn(train, MOST, 0) for text in texts_of(example)):
        message = f"none of its {len(glossary.entries):,} terms stands in any train row, so it can change nothing."
        found.append(_notable(where, message, "Write terms as the rows do, or leave knowledge.glossary out."))
    return found


def settle_glossary(
    asked: Recipe, glossary: Glossary, encoder: Encoder, folder: Path, run: Path, train: Sequence[Example],
    say: Callable[[str], None],
) -> tuple[Glossed, Encoder, Path, list[Finding]]:  # fmt: skip
    """Put a glossary into the encoder, and its frequent terms into the vocabulary of the model.

    A model with more tokens is made inside the run, until that ends; a run that goes on finds it there.

    Args:
        asked: the recipe as the user wrote it.
        glossary: checked.
        encoder: of the layout of the task.
        folder: of the model.
        run: the folder of the run.
        train: rows to learn from.
        say: told what is made.

    Returns:
        what was made of it, the encoder that reads with it, the folder to start from, and what is notable.
    """
    knowledge = asked.knowledge
    found: list[Finding] = []
    words: tuple[Word, ...] = ()
    if knowledge.tokens:
        fewest = FEWEST if knowledge.tokens is True else int(knowledge.tokens)
        words = _frequent(glossary, encoder.tokenizer, train, fewest)
        if words:
            folder = _grown(words, glossary, encoder.tokenizer, folder, run, say)
        else:
            message = f"no term becomes a token: none that the tokenizer splits stands in {fewest} train rows."
            found.append(_notable(str(glossary.path), message, "Write a smaller knowledge.tokens."))
    encoder = replace(encoder, reading=glossary)
    if glossary.budget and not any(_fits(encoder, glossary)):
        message = f"no definition takes {glossary.budget} tokens or fewer, so none is ever put behind a text."
        found.append(_notable(str(glossary.path), message, "Write shorter ones, or a larger knowledge.definitions."))
    does = words or glossary.budget or any(entry.label for entry in glossary.entries)
    if not (does or (glossary.aliases and any(entry.aliases for entry in glossary.entries))):
        message = "it has no classes, and none of its aliases, definitions and terms are asked for."
        remedy = "Write `aliases: true`, `definitions: true` or `tokens: true` under knowledge, and measure it."
        found.append(_notable(str(glossary.path), message, remedy))
    return Glossed(glossary, words), encoder, folder, found


def has_moved(glossed: Glossed, encoder: Encoder, model: Any, folder: Path) -> bool:
    """Return whether a training has moved the embeddings of new tokens.

    Args:
        glossed: what was made of a glossary.
        encoder: of the run.
        model: tuned.
        folder: that it started from.
    """
    from tunesmith.models.body import body_of
    from tunesmith.models.grow import embeddings_in

    if not glossed.words:
        return False
    tokens = [int(encoder.tokenizer.convert_tokens_to_ids(word.text)) for word in glossed.words]
    now = body_of(model).get_input_embeddings().weight.detach().cpu()
    return not bool((now[tokens] == embeddings_in(folder, body_of(model))[tokens]).all())


def glossary_part(
    glossed: Glossed, encoder: Encoder, train: Sequence[Example], test: Sequence[Example], *, moved: bool
) -> dict[str, Any]:
    """Return `knowledge.glossary` of report.json: where its terms stand, and what was done with them.

    Args:
        glossed: what was made of it.
        encoder: of the run.
        train: rows that were learnt from; 10,000 are looked at.
        test: rows that were tested on; as many.
        moved: whether its new tokens are no longer where they started.
    """
    glossary, looked = glossed.glossary, {"train": drawn(train, MOST, 0), "test": drawn(test, MOST, 0)}
    counts = {split: _counts(glossary, rows) for split, rows in looked.items()}
    terms = Counter(counts["train"].terms)
    return {
        "file": glossary.name,
        "terms": len(glossary.entries),
        "looked": {split: len(rows) for split, rows in looked.items()},
        "rows": {split: count.rows for split, count in counts.items()},
        "aliases": {split: count.aliases for split, count in counts.items()} if glossary.aliases else {},
        "budget": glossary.budget,
        "definitions": {
            split: sum(n > 0 for n in encoder.notes_behind(rows)) for split, rows in looked.items() if glossary.budget
        },
        "tokens": [{"text": word.text, "pieces": word.pieces, "rows": word.rows} for word in glossed.words],
        "moved": moved,
        "found": [
            {"term": glossary.entries[at].term, "train": rows, "test": counts["test"].terms[at]}
            for at, rows in terms.most_common(SHOWN)
        ],
    }  # fmt: skip


@dataclass(slots=True)
class _Counts:
    """Rows that have a term, rows in which an alias was replaced, and rows by entry."""

    rows: int
    aliases: int
    terms: Counter[int]


def _counts(glossary: Glossary, rows: Sequence[Example]) -> _Counts:
    counts = _Counts(0, 0, Counter())
    for row in rows:
        hits = [hit for text in texts_of(row) for hit in glossary.found(text)]
        counts.rows += bool(hits)
        counts.aliases += any(hit.form != glossary.entries[hit.at].term for hit in hits)
        counts.terms.update({hit.at for hit in hits})
    return counts


def _frequent(glossary: Glossary, tokenizer: Any, train: Sequence[Example], fewest: int) -> tuple[Word, ...]:
    """Return the terms that the tokenizer splits and that so many train rows have, as they are read."""
    from tunesmith.models.grow import pieces_of

    rows: Counter[str] = Counter()
    for example in drawn(train, MOST, 0):
        read = [glossary.plain(text) for text in texts_of(example)]
        rows.update({hit.form for text in read for hit in glossary.found(text)})
    forms = [form for entry in glossary.entries for form in entry.forms if rows[form] >= fewest]
    sized = [Word(form, len(pieces_of(tokenizer, form)), rows[form]) for form in forms]
    return tuple(word for word in sized if word.pieces > 1)


def _grown(
    words: Sequence[Word], glossary: Glossary, tokenizer: Any, folder: Path, run: Path, say: Callable[[str], None]
) -> Path:
    """Give the tokenizer its new tokens, and return the folder of the model with them."""
    from tunesmith.models.grow import add_words, grow, pieces_of

    pieces = {word.text: pieces_of(tokenizer, word.text) for word in words}
    new = add_words(tokenizer, list(pieces))
    starts = {int(tokenizer.convert_tokens_to_ids(word)): pieces[word] for word in new}
    place = run / MADE
    if not (place / "config.json").is_file():
        say(f"{len(new)} terms of {glossary.name} become tokens, each starting from the mean of its pieces.")
        grow(folder, place, tokenizer, starts)
    return place


def _fits(encoder: Encoder, glossary: Glossary) -> list[bool]:
    """Return of each definition whether it takes no more tokens than the budget."""
    notes = [f"{entry.term}: {entry.definition}" for entry in glossary.entries if entry.definition]
    sizes = encoder.tokenizer(notes, add_special_tokens=False, verbose=False)["input_ids"] if notes else []
    return [len(ids) <= glossary.budget for ids in sizes]


def _votes(task: Task) -> bool:
    return task.name in VOTED_ON and bool(task.labels)


def _notable(where: str, message: str, remedy: str) -> Finding:
    return note_rows("K819", "warning", where, message, remedy)

"""Which columns hold the texts of pairs and triplets, and their score: told by the recipe, else by name and shape."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunesmith.data.arrays import column_texts
from tunesmith.data.findings import shorten
from tunesmith.data.names import LABEL, head_word, pair_of, words_of
from tunesmith.data.profile import SAMPLE_ROWS, Profile, profile_columns
from tunesmith.data.roles import ROW_ROLES, no_column, said, told_columns, usual_column
from tunesmith.data.scores import Scale
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.recipe.schema import Data

TEXTS = ("text_a", "text_b", "negative")
NEGATIVES = ("negative", "neg", "hardnegative", "negativetext", "negative1")
ANCHORS = ("anchor", "query", "question", "sentence", "sentence1", "text", "texta")
POSITIVES = ("positive", "pos", "positivetext")
SCORES = {
    "label", "labels", "score", "similarity", "sim", "cosine", "relatedness", "rating", "grade", "gold", "quality",
    "duplicate", "match", "same", "paraphrase", "equivalent", "relevance", "class", "target", "y", "verdict",
}  # fmt: skip
"""Last words of the names of columns that say how much two texts belong together."""
UNNAMED = re.compile(r"column\d+$")
SCORED_SHARE = 0.9
"""A column that has fewer scores than this share of its cells holds something else."""


def find_columns(tables: Mapping[str, Table], data: Data) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return role → column (`text_a`, `text_b`, and `negative` or `label` where there is one), and what was inferred.

    Raises:
        InputError: columns are missing or ambiguous, or other files have scores that train has not.
    """
    train = tables["train"]
    told = told_columns(train, data, (*TEXTS, "label", *ROW_ROLES))
    if "negative" in told and "label" in told:
        fault = "both triplets (negative) and scores (label) are named, and a row has one of them."
        raise InputError(Fault("K106", "data.negative", fault, "Name one of the two."))
    profiles = profile_columns(train)
    free = {name: profile for name, profile in profiles.items() if name not in told.values()}
    found = dict(told)
    if "label" not in told and "negative" not in told:
        name = usual_column([name for name, profile in free.items() if profile.is_prose], NEGATIVES)
        found |= {"negative": name} if name else {}
    found |= _texts(train, _without(free, found), told)
    rest = _without(free, found)
    sentences: tuple[str, ...] = ()
    if "label" not in found and "negative" not in found:
        score = _score_column(train, rest, data)
        found |= {"label": score} if score else {}
        if score is None:
            sentences = ("No column is a score: the pairs belong together; name one with --set data.label=COLUMN.",)
            _refuse_scores(tables, rest, found, data)
    order = (*TEXTS, "label", *ROW_ROLES)
    by_role = {role: found[role] for role in order if role in found}
    return by_role, (*said(by_role, told), *sentences)


def _without(free: Mapping[str, Profile], found: Mapping[str, str]) -> dict[str, Profile]:
    return {name: profile for name, profile in free.items() if name not in found.values()}


# --- texts -------------------------------------------------------------------------------------------------------


def _texts(table: Table, free: Mapping[str, Profile], told: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of the two texts that belong together: by name, else the only two columns of text."""
    prose = [name for name, profile in free.items() if profile.is_prose]
    texts = [name for name, profile in free.items() if profile.is_text]
    named = {role: told[role] for role in ("text_a", "text_b") if role in told}
    if len(named) == 2:
        return named
    if named:
        (role,) = {"text_a", "text_b"} - named.keys()
        usual = usual_column(prose, POSITIVES if role == "text_b" else ANCHORS)
        other = usual or (texts[0] if len(texts) == 1 else None)
        if other is None:
            raise InputError(no_column(table, role, "the only column of text that is left"))
        return {**named, role: other}
    anchor, positive = usual_column(prose, ANCHORS), usual_column(prose, POSITIVES)
    if anchor and positive:
        return {"text_a": anchor, "text_b": positive}
    pair = pair_of(texts) or pair_of(prose) or (tuple(texts) if len(texts) == 2 else None)
    if pair is None:
        looked_for = "such as anchor and positive, or sentence1 and sentence2"
        raise InputError(no_column(table, role, looked_for) for role in ("text_a", "text_b"))
    return {"text_a": pair[0], "text_b": pair[1]}


# --- scores ------------------------------------------------------------------------------------------------------


def _score_column(table: Table, free: Mapping[str, Profile], data: Data) -> str | None:
    """Return the column of the score: the one whose name says so and whose cells are scores, None where none is.

    Raises:
        InputError: several could be meant, or a column named `label` holds something else.
    """
    named = [name for name in free if head_word(name) in SCORES]
    if not named:  # a file without header: its columns have numbers for names
        named = [name for name in free if UNNAMED.match(name)]
    good = [name for name in named if _is_score(table, name, data)]
    whole = [name for name in good if len(words_of(name)) == 1]
    if len(good) == 1 or len(whole) == 1:
        return (good if len(good) == 1 else whole)[0]
    if good:
        shown = ", ".join(good)
        raise InputError(Fault("K106", table.name, f"{len(good)} columns could be the score: {shown}.",
                               "Say which one: --set data.label=COLUMN"))  # fmt: skip
    for name in named:
        if "".join(words_of(name)) in LABEL[0] and free[name].may_be_label:
            example = shorten(next(filter(None, column_texts(table.data[name])), ""), 30)
            raise InputError(
                Fault("K127", table.name, f'"{name}" holds neither numbers nor yes and no (such as "{example}").',
                      'Map its labels under data.labels, such as {"entailment": "1", "contradiction": "0"}, or name '
                      "another column: --set data.label=COLUMN")
            )  # fmt: skip
    return None


def _is_score(table: Table, name: str, data: Data) -> bool:
    cells = [data.labels.get(cell, cell) for text in column_texts(table.data[name]) if (cell := text.strip())]
    sample = cells[:SAMPLE_ROWS]
    scales = (Scale(verdicts=True), Scale(verdicts=False))
    return any(
        sum(scale.value(cell) is not None for cell in sample) > SCORED_SHARE * len(sample) for scale in scales
    )  # fmt: skip


def _refuse_scores(
    tables: Mapping[str, Table], free: Mapping[str, Profile], found: Mapping[str, str], data: Data
) -> None:
    """Raise where another file has scores, and train has none: its pairs would all count as belonging together."""
    faults = []
    for table in tables.values():
        others = [name for name in table.columns if name not in free and name not in found.values()]
        if score := next((name for name in others if head_word(name) in SCORES and _is_score(table, name, data)), None):
            faults.append(
                Fault("K106", table.name, f'it has scores in column "{score}", and the train file has none.',
                      "Give all files the same columns.")
            )  # fmt: skip
    raise_faults(faults)

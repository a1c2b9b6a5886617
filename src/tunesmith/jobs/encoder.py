"""The encoder of a recipe's model, and how much of a text it reads, before the rows are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tunesmith.core.report import Finding
from tunesmith.core.task import HeadSpec
from tunesmith.models.cloze import need_mask
from tunesmith.models.languages import settle_languages
from tunesmith.models.load import load_tokenizer, refuse_slow
from tunesmith.models.write import decoder_start, load_writer_tokenizer, refuse_other_kinds, settle_padding
from tunesmith.recipe.complete import of_task, window_of
from tunesmith.recipe.schema import Recipe, Text
from tunesmith.text.template import give_template
from tunesmith.text.windows import Encoder

TWO_TEXTS = ("pair", "answer")
"""Tasks whose windows hold two texts, and one special token more for it."""


class OpenEncoder(NamedTuple):
    """What is known of the tokens of a model.

    Args:
        encoder: with the largest window that the recipe allows; layout and overlap are still the usual ones.
        limit: the most tokens the model takes.
        room: tokens of a text that will be read, special ones not counted; None where windows read all of it.
    """

    encoder: Encoder
    limit: int
    room: int | None


def open_encoder(folder: Path, text: Text, task: str, pattern: str = "") -> OpenEncoder:
    """Load the tokenizer in `folder`.

    Args:
        folder: of the model.
        text: the part of the recipe.
        task: as far as it is known: `auto` counts as a task that reads one text and cuts it.
        pattern: that rows are put into; empty for none.

    Raises:
        InputError: there is no tokenizer that fits the task, or none that could hide a word of a pattern (K523).
    """
    # Texts and targets need no offsets. Where the task is not known yet, `settle` looks whether there are some.
    if task == "seq2seq":
        tokenizer, limit = load_writer_tokenizer(folder)
    else:
        tokenizer, limit = load_tokenizer(folder, fast=task != "auto")
    window = window_of(text, task, limit)
    reads_all = of_task(task).writes or (text.long or of_task(task).long) == "window"
    if pattern:
        need_mask(tokenizer, folder)
    encoder = Encoder(tokenizer, window, pattern=pattern)
    return OpenEncoder(encoder, limit, None if reads_all else window - encoder.taken(1 + (task in TWO_TEXTS)))


def settle(folder: Path, encoder: Encoder, head: HeadSpec, asked: Recipe) -> tuple[Encoder, tuple[Finding, ...]]:
    """Return the encoder with the layout of the task, and what is notable about the model.

    A model that writes is seen to write as the task needs it, and its tokenizer is given what is missing: a token for
    padding, a chat template, the languages.

    Raises:
        InputError: it is a model of another kind (K307), its tokenizer has no fast version (K303), or languages have to
            be named (K325) or are unknown (K309).
    """
    encoder = replace(encoder, layout=head.layout)
    if encoder.layout != "source":
        refuse_slow(encoder.tokenizer, folder)
    if not head.writes:
        return encoder, ()
    refuse_other_kinds(folder, "causal" if head.problem == "causal" else "seq2seq")
    settle_padding(encoder.tokenizer, len(encoder.tokenizer), str(folder))
    if encoder.layout == "source":
        settle_languages(encoder.tokenizer, asked.text.source_language, asked.text.target_language)
        start = decoder_start(folder, encoder.tokenizer)
        return replace(encoder, prefix=asked.data.instruction or "", start=start), ()
    return encoder, _template(folder, encoder)


def _template(folder: Path, encoder: Encoder) -> tuple[Finding, ...]:
    if not give_template(encoder.tokenizer):
        return ()
    message = "the model has no chat template; a plain one with headings for every turn takes its place."
    remedy = "Take a model tuned to follow instructions where there is one; it has learnt its template."
    return (Finding(code="K323", severity="warning", message=message, remedy=remedy, source=str(folder)),)

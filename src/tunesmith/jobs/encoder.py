"""The encoder of a recipe's model, and how much of a text it reads, before the rows are known."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tunesmith.core.report import Finding
from tunesmith.core.task import HeadSpec
from tunesmith.models.load import load_tokenizer
from tunesmith.recipe.complete import of_task, window_of
from tunesmith.recipe.schema import Text
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


def open_encoder(folder: Path, text: Text, task: str) -> OpenEncoder:
    """Load the tokenizer in `folder`.

    Args:
        text: the part of the recipe.
        task: as far as it is known: `auto` counts as a task that reads one text and cuts it.
    """
    tokenizer, limit = load_tokenizer(folder)
    window = window_of(text, task, limit)
    reads_all = of_task(task).writes or (text.long or of_task(task).long) == "window"
    room = window - int(tokenizer.num_special_tokens_to_add(task in TWO_TEXTS))
    return OpenEncoder(Encoder(tokenizer, window), limit, None if reads_all else room)


def settle_writer(folder: Path, encoder: Encoder, head: HeadSpec) -> tuple[Finding, ...]:
    """See that the model in `folder` writes as the task needs it, and give its tokenizer what is missing.

    Raises:
        InputError: it is a model of another kind (K307).
    """
    if not head.writes:
        return ()
    from tunesmith.models.write import refuse_other_kinds, settle_padding

    refuse_other_kinds(folder, "causal" if head.problem == "causal" else "seq2seq")
    settle_padding(encoder.tokenizer, len(encoder.tokenizer), str(folder))
    if head.problem != "causal" or not give_template(encoder.tokenizer):
        return ()
    message = "the model has no chat template; a plain one with headings for every turn takes its place."
    remedy = "Take a model tuned to follow instructions where there is one; it has learnt its template."
    return (Finding(code="K323", severity="warning", message=message, remedy=remedy, source=str(folder)),)

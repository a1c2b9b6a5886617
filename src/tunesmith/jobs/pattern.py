"""The pattern of a recipe on a model, once task and labels are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunesmith.core.task import Task
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.models.cloze import refuse_unmasked, word_ids
from tunesmith.recipe.pattern import completed, pattern_faults, pattern_text, word_faults
from tunesmith.recipe.schema import Recipe
from tunesmith.recipe.text import Path as Keys
from tunesmith.recipe.text import dotted
from tunesmith.text.windows import Encoder

UNTUNED = "pretrained model, asked with the pattern"
"""What the baseline of a model with its head as it starts is called: nothing of that head is random."""


def settle_pattern(folder: Path, encoder: Encoder, task: Task, asked: Recipe) -> Encoder:
    """Return the encoder with the pattern of the task, whose name and labels are known by now.

    Raises:
        InputError: the pattern does not suit the task (K210), cannot be read or leaves no room (K214), its words do not
            suit labels (K215) or tokenizer (K524), or the model cannot be asked (K522).
    """
    faults = [
        *pattern_faults(asked.model_copy(update={"task": task.name}), _where),
        *word_faults(asked.pattern.words, task.labels),
    ]
    if not faults and task.head().problem != "single_label_classification":
        message = "a pattern asks for one word of several, and the labels are numbers."
        faults.append(Fault("K210", _where(("head",)), message, "Leave head out."))
    raise_faults(faults)
    refuse_unmasked(folder)
    word_ids(encoder.tokenizer, completed(asked.pattern, task.name, task.labels))
    encoder = replace(encoder, pattern=pattern_text(asked, task.name))
    _see_room(encoder, len(task.reads[0]))
    return encoder


def _see_room(encoder: Encoder, texts: int) -> None:
    """Refuse a pattern that leaves no room for a text, or in which another mask stands."""
    ids = encoder.cloze.blank(texts)
    where = _where(("pattern", "text"))
    if ids.count(encoder.tokenizer.mask_token_id) > 1:
        message = f"{encoder.tokenizer.mask_token} stands in it beside {{mask}}, which means the same."
        raise InputError(Fault("K214", where, message, "Leave it out."))
    if len(ids) >= encoder.max_tokens:
        message = f"it takes {len(ids)} tokens, and a window of {encoder.max_tokens} has none left for a text."
        raise InputError(Fault("K214", where, message, "Shorten it, or raise text.max_tokens."))


def _where(keys: Keys) -> str:
    return f"recipe: {dotted(keys)}"

"""Rows that are tokenised once, in files, where there are too many to hold their tokens as objects."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.core.example import Example
from tunesmith.data.held import Held
from tunesmith.data.rows import Rows
from tunesmith.data.texts import Texts
from tunesmith.recipe.complete import MANY_ROWS, of_task
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.text.tokens import Stored, Tokens
    from tunesmith.text.windows import Encoder


@dataclass(frozen=True, slots=True)
class RowTokens:
    """The tokens of all rows of a file."""

    rows: Rows
    tokens: Tokens

    def longest(self, examples: Held) -> int:
        """Return the tokens of the longest of some examples."""
        return int(self.tokens.lengths(examples.places).max())

    def features(self, examples: Sequence[Example], target: Callable[[Example], Any]) -> Stored | None:
        """Return the features of examples, made when they are asked for; None where their tokens are not here."""
        from tunesmith.text.tokens import Stored

        if not isinstance(examples, Held) or examples.rows is not self.rows:
            return None
        return Stored(self.tokens, examples.places, examples, target)


def tokenise(
    asked: Recipe, task: str, encoder: Encoder, train: Sequence[Example], say: Callable[[str], None]
) -> RowTokens | None:
    """Return the tokens of all rows of the file that `train` is part of; from an earlier run, if it had the same.

    None where there are few rows, the task reads them otherwise than as whole rows whose end is cut off, or a glossary
    changes them.

    Args:
        asked: the recipe as the user wrote it.
        task: resolved.
        encoder: of the layout of the task, with the largest window that the recipe allows.
        train: the rows to train on.
        say: told what was done.

    Raises:
        RunError: they cannot be written.
    """
    cuts = (asked.text.long or of_task(task).long) == "truncate" and encoder.layout == "row"
    cuts = cuts and not (encoder.pattern or encoder.reading)
    if not (cuts and isinstance(train, Held) and len(train) > MANY_ROWS):
        return None
    from tunesmith.text.tokencache import find_tokens, keep_tokens, key_of
    from tunesmith.text.tokens import names_of

    sides = [side if isinstance(side, Texts) else Texts.of(side) for side in train.rows.texts]
    if names_of(encoder.tokenizer) is None:
        return None
    data = hashlib.sha256("".join(side.digest() for side in sides).encode()).hexdigest()
    key = key_of(data, encoder.tokenizer, encoder.max_tokens)
    tokens = find_tokens(key)
    if tokens is None:
        say(f"Tokenising {len(sides[0]):,} rows.")
        began = time.monotonic()
        tokens = keep_tokens(key, sides, encoder.tokenizer, encoder.max_tokens)
        rate = len(tokens) / max(1e-9, time.monotonic() - began)
        say(f"{len(tokens):,} rows were tokenised, {rate:,.0f} a second; later runs find the tokens again.")
    else:
        say(f"The tokens of {len(tokens):,} rows were found again.")
    return RowTokens(train.rows, tokens)

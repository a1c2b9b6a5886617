"""Texts, and others that are to be written from them → tokens of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.core.batch import Features

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Sources:
    """Reads texts and targets of at most `max_tokens` tokens each.

    A text that is longer loses its end, and keeps the tokens that a tokenizer puts around it. A target that is longer
    loses its end with the token that says so: the model must not learn to stop in the middle.

    Args:
        tokenizer: of the model; what it makes of a target may begin or end with a language.
        max_tokens: of a text, and of a target.
        prefix: put before every text, a space between; nothing where it is empty.
        start: id of the token that the decoder starts from. A target that begins with it is written from the next one
            on: `[CLS]`, from which a decoder made of BERT starts, is read and not written.
    """

    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    prefix: str
    start: int

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens that the encoder reads of each text."""
        return self._ids([self._asked(text) for text in texts], truncation=True, max_length=self.max_tokens)

    def written(self, targets: Sequence[str]) -> list[list[int]]:
        """Return the tokens that the decoder is to write for each target, its end token among them."""
        return [ids[: self.max_tokens] for ids in self._whole(targets)]

    def sizes(self, texts: Sequence[str], targets: Sequence[str]) -> list[tuple[int, int]]:
        """Return how many tokens each text and its target have, nothing cut off."""
        read = self._ids([self._asked(text) for text in texts], truncation=False)
        return [(len(a), len(b)) for a, b in zip(read, self._whole(targets), strict=True)]

    def features(self, texts: Sequence[str], targets: Sequence[str]) -> list[Features]:
        """Return a window per row; the units are the tokens of the target, each read where the one before it stands."""
        found = []
        for at, (ids, target) in enumerate(zip(self.read(texts), self.written(targets), strict=True)):
            inputs = {
                "input_ids": ids, "attention_mask": [1] * len(ids),
                "decoder_input_ids": [self.start, *target[:-1]], "decoder_attention_mask": [1] * len(target),
            }  # fmt: skip
            places = [(unit, unit, unit) for unit in range(len(target))]
            found.append(Features(inputs, target=target, owner=at, units=len(target), places=places))
        return found

    def _asked(self, text: str) -> str:
        return f"{self.prefix} {text}" if self.prefix else text

    def _ids(self, texts: Sequence[str], **options: object) -> list[list[int]]:
        return list(self.tokenizer(list(texts), verbose=False, **options)["input_ids"]) if texts else []

    def _whole(self, targets: Sequence[str]) -> list[list[int]]:
        if not targets:
            return []
        encoded = self.tokenizer(text_target=list(targets), truncation=False, verbose=False)["input_ids"]
        return [ids[1:] if ids[:1] == [self.start] and len(ids) > 1 else ids for ids in encoded]

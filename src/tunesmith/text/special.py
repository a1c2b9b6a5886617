"""Special tokens that stand in data as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def harmless(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Return `text` in which no special token can be read: what stands in data cannot end a turn, nor hide a word."""
    for token in tokenizer.added_tokens_decoder.values():
        if token.special and token.content in text:
            text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
    return text

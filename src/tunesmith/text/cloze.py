"""Texts put into a pattern: what is too long is taken from the text, never from the pattern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunesmith.recipe.pattern import MASK, parts_of
from tunesmith.text.special import harmless

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OFFSETS = "offset_mapping"
Span = tuple[int, int]


class Cloze:
    """Puts the texts of rows into a pattern.

    What the tokenizer reads is the whole of it at once, so that whoever writes a text into the pattern by hand gets the
    same tokens.

    Args:
        tokenizer: fast, with a mask token.
        pattern: as the recipe has it.
        max_tokens: of a row, special tokens and pattern counted in.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, pattern: str, max_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.around, self.names = parts_of(pattern)
        self.max_tokens = max_tokens
        # In pretraining a mask took the place of a word and of the space before it.
        if len(self._ids("a ")) > len(self._ids("a")):
            at = self.names.index(MASK)
            self.around[at] = self.around[at].rstrip()

    def __call__(self, rows: Sequence[tuple[str, ...]]) -> list[dict[str, list[int]]]:
        """Return the inputs of each row, given its texts in the order of the task."""
        texts = [[harmless(self.tokenizer, text) for text in row] for row in rows]
        filled = [self.fill(row) for row in texts]
        encoded = self._encode([text for text, _ in filled])
        names = [name for name in encoded if name != OFFSETS]
        found = [{name: encoded[name][at] for name in names} for at in range(len(texts))]
        return [
            self._fitted(row, spans, encoded[OFFSETS][at])
            if len(inputs["input_ids"]) > self.max_tokens else inputs
            for at, (row, (_, spans), inputs) in enumerate(zip(texts, filled, found, strict=True))
        ]  # fmt: skip

    def fill(self, texts: Sequence[str]) -> tuple[str, list[Span]]:
        """Return the pattern with the texts and the mask token in it, and where each text begins and ends."""
        order = sorted(name for name in self.names if name != MASK)  # text_a stands before text_b in a row
        whole, spans = self.around[0], [(0, 0)] * len(texts)
        for name, after in zip(self.names, self.around[1:], strict=True):
            start = len(whole)
            if name == MASK:
                whole += str(self.tokenizer.mask_token)
            else:
                whole += texts[order.index(name)]
                spans[order.index(name)] = (start, len(whole))
            whole += after
        return whole, spans

    def blank(self, texts: int) -> list[int]:
        """Return the tokens of the pattern around `texts` empty texts, special ones counted in."""
        [ids] = self._encode([self.fill([""] * texts)[0]])["input_ids"]
        return list(ids)

    def _fitted(self, texts: list[str], spans: list[Span], offsets: Sequence[Span]) -> dict[str, list[int]]:
        """Return the inputs of a row whose texts are shortened until all of it fits."""
        while len(offsets) > self.max_tokens:
            assert any(texts), "the pattern leaves no room for a text"
            texts = _shortened(texts, spans, offsets, len(offsets) - self.max_tokens)
            whole, spans = self.fill(texts)
            encoded = self._encode([whole])
            offsets = encoded[OFFSETS][0]
        return {name: encoded[name][0] for name in encoded if name != OFFSETS}

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _encode(self, texts: list[str]) -> Any:
        return self.tokenizer(texts, truncation=False, return_offsets_mapping=True, verbose=False)


def _shortened(texts: Sequence[str], spans: Sequence[Span], offsets: Sequence[Span], over: int) -> list[str]:
    """Return the texts with the longest of them shorter by at most `over` tokens, and by one character at least."""
    ends = [[end for start, end in offsets if low < end and start < high] if low < high else [] for low, high in spans]
    sizes = [len(of_text) for of_text in ends]
    longest = max(range(len(texts)), key=lambda at: (sizes[at], len(texts[at])))
    second = max((size for at, size in enumerate(sizes) if at != longest), default=0)
    kept = sizes[longest] - max(1, min(over, max(sizes[longest] - second, -(-over // 2))))
    cut = max(0, ends[longest][kept - 1] - spans[longest][0]) if kept > 0 else 0
    text = texts[longest]
    return [*texts[:longest], text[: min(cut, len(text) - 1)], *texts[longest + 1 :]]

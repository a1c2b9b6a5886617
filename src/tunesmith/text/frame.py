"""The special tokens that a tokenizer puts around one text or between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBE = "a"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before, between and after the texts of an input, found by looking at one.

    Args:
        parts: special tokens before the first text, (between the texts,) and after the last.
        kinds: their token types.
        of_texts: the token type of each text.
        names: the inputs that the model wants.
    """

    parts: tuple[tuple[int, ...], ...]
    kinds: tuple[tuple[int, ...], ...]
    of_texts: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, texts: int) -> Frame:
        """Return the frame of one text or of two."""
        encoded = tokenizer(
            *[PROBE] * texts, return_special_tokens_mask=True, return_token_type_ids=True, verbose=False
        )
        ids, kinds = encoded["input_ids"], encoded["token_type_ids"]
        parts: list[list[int]] = [[]]
        part_kinds: list[list[int]] = [[]]
        of_texts: list[int] = []
        previous = True
        for token, kind, special in zip(ids, kinds, encoded["special_tokens_mask"], strict=True):
            if special:
                parts[-1].append(token)
                part_kinds[-1].append(kind)
            elif previous:
                of_texts.append(kind)
                parts.append([])
                part_kinds.append([])
            previous = bool(special)
        names = tuple(n for n in tokenizer.model_input_names if n in ("input_ids", "attention_mask", "token_type_ids"))
        return cls(tuple(map(tuple, parts)), tuple(map(tuple, part_kinds)), tuple(of_texts), names)

    @property
    def size(self) -> int:
        """The number of special tokens."""
        return sum(map(len, self.parts))

    def around(self, *texts: Sequence[int]) -> dict[str, list[int]]:
        """Return the inputs of the texts, given as token ids."""
        ids: list[int] = list(self.parts[0])
        kinds: list[int] = list(self.kinds[0])
        for at, text in enumerate(texts):
            ids += [*text, *self.parts[at + 1]]
            kinds += [*[self.of_texts[at]] * len(text), *self.kinds[at + 1]]
        made = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": kinds}
        return {name: made[name] for name in self.names}

    def start_of(self, text: int, *before: Sequence[int]) -> int:
        """Return where the text number `text` (from 0) begins, given the texts before it."""
        return sum(map(len, self.parts[: text + 1])) + sum(map(len, before))

"""What stands behind the text of a row: definitions of the terms in it, as far as there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tunesmith.text.frame import Frame
from tunesmith.text.special import harmless

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Reading(Protocol):
    """How texts are read by somebody who knows the terms in them."""

    @property
    def kind(self) -> str:
        """The name in the table of readings."""
        ...

    @property
    def budget(self) -> int:
        """Tokens that may stand behind a text; 0 for none."""
        ...

    def plain(self, text: str) -> str:
        """Return a text as it is to be read."""
        ...

    def notes(self, texts: Sequence[str]) -> Sequence[str]:
        """Return what belongs behind the texts of a row, the most wanted first."""
        ...

    def state(self) -> dict[str, Any]:
        """Return plain data from which an equal one can be made."""
        ...


class Notes:
    """Puts notes behind windows.

    A window keeps its tokens and their places. Behind it come the notes that fit, whole, and the special tokens that
    end a text. What fits is what the text leaves of the window, and never more than the budget.

    Args:
        tokenizer: of the model.
        reading: which gives the notes.
        max_tokens: of a window.

    Source: after K-BERT (Liu et al. 2020, Enabling Language Representation with Knowledge Graph), which puts knowledge
        beside a term without moving the sentence; here it stands behind, and every token sees it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, reading: Reading, max_tokens: int) -> None:
        self.tokenizer, self.reading, self.max_tokens = tokenizer, reading, max_tokens
        self.end = Frame.of(tokenizer, 1).parts[-1]
        self._known: dict[str, list[int]] = {}

    def fitting(self, texts: Sequence[str], taken: int) -> list[list[int]]:
        """Return the tokens of each note that fits behind `taken` tokens of a window, the most wanted first."""
        room = min(self.reading.budget, self.max_tokens - taken - len(self.end))
        kept: list[list[int]] = []
        for note in self.reading.notes(texts) if room > 0 else ():
            ids = self._ids(note)
            if 0 < len(ids) <= room:
                kept.append(ids)
                room -= len(ids)
        return kept

    def behind(self, inputs: Mapping[str, list[int]], texts: Sequence[str]) -> dict[str, list[int]]:
        """Return the inputs of a window with the notes behind it; what else is said of tokens goes on as it ended."""
        notes = self.fitting(texts, len(inputs["input_ids"]))
        if not notes:
            return dict(inputs)
        added = [*(token for ids in notes for token in ids), *self.end]
        return {
            name: [*values, *(added if name == "input_ids" else [values[-1]] * len(added))]
            for name, values in inputs.items()
        }

    def _ids(self, note: str) -> list[int]:
        if note not in self._known:
            text = harmless(self.tokenizer, f" {note}")
            self._known[note] = list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        return self._known[note]

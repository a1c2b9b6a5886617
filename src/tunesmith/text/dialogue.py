"""Dialogues → tokens, and which of them carry loss: those that the assistant writes, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tunesmith.core.example import DialogueExample, Example, Message
from tunesmith.text.template import Stretch, Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SHORTEST = 8
"""Tokens of a turn that are kept however long the rest is."""

Cut = Literal["", "prompt", "answer"]
"""What of a dialogue did not fit into the window: nothing, some of what stands before the answer, or of that itself."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A dialogue as a model reads it.

    Args:
        ids: of its tokens, [T].
        said: whether each is written by the assistant, and so carries loss, [T].
        cut: what did not fit.
    """

    ids: list[int]
    said: list[bool]
    cut: Cut = ""

    @property
    def places(self) -> list[int]:
        """Where the tokens stand that carry loss; the first token of a text has nothing before it to follow from."""
        return [at for at, said in enumerate(self.said) if said and at > 0]


class Dialogues:
    """Reads dialogues of at most `max_tokens` tokens.

    What does not fit is taken from the oldest turns, then from the longest of the rest, and from the answer only where
    it would not fit alone.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.template = Template.of(tokenizer)
        self.max_tokens = max_tokens

    def __call__(self, example: Example) -> Tokens:
        """Return the tokens of a dialogue with its answer."""
        messages, answer = dialogue_of(example)
        assert isinstance(answer, str), f"{example.source} has no answer"
        return self._fit(messages, answer, self.max_tokens)

    def prompt(self, example: Example, room: int) -> list[int]:
        """Return the tokens after which the assistant speaks, so many that `room` tokens can follow."""
        messages, _ = dialogue_of(example)
        return self._fit(messages, None, max(1, self.max_tokens - room)).ids

    def _fit(self, messages: Sequence[Message], answer: str | None, most: int) -> Tokens:
        found, cut = self._read(messages, answer), False
        while len(found.ids) > most:
            shorter = self._shortened(messages, len(found.ids) - most)
            if shorter is None:
                kept = slice(None, most) if answer is not None else slice(-most, None)
                return Tokens(found.ids[kept], found.said[kept], "answer" if answer is not None else "prompt")
            messages, cut = shorter, True
            found = self._read(messages, answer)
        return replace(found, cut="prompt") if cut else found

    def _read(self, messages: Sequence[Message], answer: str | None) -> Tokens:
        if answer is None:
            ids = self.tokenizer(self.template.prompt(messages), add_special_tokens=False, verbose=False)["input_ids"]
            return Tokens(list(ids), [False] * len(ids))
        text, stretches = self.template.whole(messages, answer)
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ids, offsets = list(encoded["input_ids"]), encoded["offset_mapping"]
        borders = {border for s in stretches for border in (s.start, s.end)}
        if any(start < border < end for start, end in offsets for border in _between(borders, start, end)):
            return self._read_apart(text, stretches)
        said = [any(s.start <= start and end <= s.end for s in stretches) and end > start for start, end in offsets]
        return self._ended(Tokens(ids, said), text, stretches)

    def _read_apart(self, text: str, stretches: Sequence[Stretch]) -> Tokens:
        """Read prompt and answer one by one, as they are read when the model is asked: a token may not join them."""
        ids: list[int] = []
        said: list[bool] = []
        at = 0
        for stretch in [*stretches, Stretch(len(text), len(text))]:
            for part, is_said in ((text[at : stretch.start], False), (text[stretch.start : stretch.end], True)):
                found = self.tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"] if part else []
                ids += found
                said += [is_said] * len(found)
            at = stretch.end
        return self._ended(Tokens(ids, said), text, stretches)

    def _ended(self, found: Tokens, text: str, stretches: Sequence[Stretch]) -> Tokens:
        """Let the answer end with the end of the text where the template does not end it: models must learn to stop."""
        eos = self.tokenizer.eos_token_id
        special = {*self.tokenizer.all_special_ids, *self.tokenizer.added_tokens_decoder}
        if not stretches or stretches[-1].end < len(text) or eos is None or found.ids[-1] in special:
            return found
        return Tokens([*found.ids, int(eos)], [*found.said, True])

    def _shortened(self, messages: Sequence[Message], over: int) -> list[Message] | None:
        """Return the turns before the answer with at least some tokens fewer; None where nothing can be left out."""
        head = [message for message in messages[:1] if message.role == "system"]
        turns = list(messages[len(head) :])
        users = [at for at, message in enumerate(turns) if message.role == "user"]
        if len(users) > 1:
            return [*head, *turns[users[1] :]]
        rest = [*head, *turns]
        encoded = [
            self.tokenizer(m.content, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
            for m in rest
        ]  # fmt: skip
        sizes = [len(found["input_ids"]) for found in encoded]
        longest = max(range(len(rest)), key=sizes.__getitem__, default=None)
        if longest is None or sizes[longest] <= SHORTEST:
            return None
        kept = max(SHORTEST, sizes[longest] - over)
        end = encoded[longest]["offset_mapping"][kept - 1][1]
        shorter = replace(rest[longest], content=rest[longest].content[:end].rstrip())
        if shorter.content == rest[longest].content:
            return None
        return [*rest[:longest], shorter, *rest[longest + 1 :]]


def dialogue_of(example: Example) -> tuple[tuple[Message, ...], object]:
    """Return the turns before the answer, and the answer."""
    assert isinstance(example, DialogueExample), f"no dialogue in a {type(example).__name__}"
    return example.messages, example.target


def _between(borders: set[int], start: int, end: int) -> list[int]:
    return [border for border in borders if start < border < end] if end - start > 1 else []

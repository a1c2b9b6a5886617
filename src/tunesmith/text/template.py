"""Chat templates: dialogues as the text that a model was made for, and where in it the assistant speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.core.example import Message
from tunesmith.text.special import harmless

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN = (
    "{% for m in messages %}{{ '### ' + m['role'] | capitalize + ':\n' + m['content'] | trim }}"
    "{{ eos_token + '\n\n' if m['role'] == 'assistant' else '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant:\n' }}{% endif %}"
)
"""For models that bring no template."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]` is what one turn of the assistant must write: its content and the token that ends it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """The chat template of a tokenizer.

    Args:
        tokenizer: with a template; `give_template` sets one where it has none.
        takes_system: whether the template shows a system prompt; where it does not, the prompt is put before what the
            user says first.
    """

    tokenizer: PreTrainedTokenizerBase
    takes_system: bool

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Template:
        """Return the template of `tokenizer`."""
        return cls(tokenizer, _takes_system(tokenizer))

    def prompt(self, messages: Sequence[Message]) -> str:
        """Return the text after which the assistant speaks."""
        return _render(self.tokenizer, self._plain(messages), opened=True)

    def whole(self, messages: Sequence[Message], answer: str) -> tuple[str, list[Stretch]]:
        """Return the text of a whole dialogue, and the stretches that the assistant writes.

        A turn that the template leaves out or rewrites has no stretch.

        Args:
            messages: the turns before the answer.
            answer: what the assistant says last.
        """
        turns = self._plain([*messages, Message("assistant", answer)])
        text = _render(self.tokenizer, turns, opened=False)
        stretches: list[Stretch] = []
        at = 0
        for number, turn in enumerate(turns):
            if turn["role"] != "assistant":
                continue
            before = _render(self.tokenizer, turns[:number], opened=True)
            content = turn["content"].strip()
            start = len(before) if text.startswith(before) else text.find(content, at)
            found = text.find(content, start) if start >= 0 else -1
            if found < 0:
                continue
            at = self._end(text, found + len(content))
            stretches.append(Stretch(start, at))
        if stretches and stretches[-1].end == len(text.rstrip()):
            text = text[: stretches[-1].end]  # nothing is to be learnt of the line break behind the last turn
        return text, stretches

    def ends(self) -> list[int]:
        """Return the ids of the tokens that end a turn of the assistant, the end of the text among them."""
        text, [stretch] = self.whole([Message("user", "a")], "b")
        eos = self.tokenizer.eos_token_id
        last = self.tokenizer(text[stretch.start : stretch.end], add_special_tokens=False)["input_ids"][-1:]
        special = [i for i in last if i in self.tokenizer.all_special_ids or i in self.tokenizer.added_tokens_decoder]
        return list(dict.fromkeys([*([] if eos is None else [int(eos)]), *special]))

    def _plain(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        turns = [{"role": message.role, "content": harmless(self.tokenizer, message.content)} for message in messages]
        if self.takes_system or not turns or turns[0]["role"] != "system":
            return turns
        system, *rest = turns
        if not rest:
            return [{"role": "user", "content": system["content"]}]
        return [{"role": rest[0]["role"], "content": f"{system['content']}\n\n{rest[0]['content']}"}, *rest[1:]]

    def _end(self, text: str, at: int) -> int:
        """Return where a turn ends whose content ends at `at`: behind the special token that follows, if one does."""
        after = at + len(text[at:]) - len(text[at:].lstrip())
        names = [str(name) for name in self.tokenizer.added_tokens_encoder]
        found = max((name for name in names if text.startswith(name, after)), key=len, default="")
        return after + len(found) if found else at


def give_template(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Give a tokenizer without a chat template a plain one; return whether it had none."""
    if tokenizer.chat_template:
        return False
    tokenizer.chat_template = PLAIN
    return True


def _render(tokenizer: PreTrainedTokenizerBase, turns: list[dict[str, str]], *, opened: bool) -> str:
    found: Any = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=opened)
    return str(found)


def _takes_system(tokenizer: PreTrainedTokenizerBase) -> bool:
    from jinja2 import TemplateError

    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    try:
        return "be brief" in _render(tokenizer, turns, opened=True)
    except TemplateError:
        return False

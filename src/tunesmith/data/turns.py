"""Cells that hold a dialogue → its turns in order, however the data name the speakers."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.core.example import Message
from tunesmith.data.findings import shorten

Role = Literal["system", "user", "assistant"]
Fault = Literal["no prompt", "no answer", "order"]
Mend = Literal["joined", "unanswered", "unasked"]

SPEAKER = ("role", "from", "speaker", "author")
SAID = ("content", "value", "text", "message")
ROLE_OF: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "chatbot": "assistant",
    "model": "assistant", "ai": "assistant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A dialogue up to the last thing that the assistant says.

    Args:
        messages: a system prompt first where there is one, then user and assistant in turn; the last is the user's.
        target: what the assistant says then.
        fault: why nothing can be learnt from it, empty where something can.
        detail: what is out of order.
        mends: what was changed to bring it into that form.
    """

    messages: tuple[Message, ...] = ()
    target: str = ""
    fault: Fault | Literal[""] = ""
    detail: str = ""
    mends: tuple[Mend, ...] = ()


def read_turns(cell: Any) -> list[Message]:
    """Return the turns of a cell: a list of objects with a speaker and a text each, or that list as JSON.

    Raises:
        ValueError: it is no such list, or has a speaker or a kind of content that cannot be learnt from; says which.

    Example:
        >>> read_turns('[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]')
        [Message(role='user', content='Hi'), Message(role='assistant', content='Hello')]
    """
    turns = parsed(cell)
    if isinstance(turns, Mapping):  # columns of turns, as parquet files may hold them
        columns = {key: value for key, value in turns.items() if isinstance(value, list)}
        turns = [dict(zip(columns, row, strict=False)) for row in zip(*columns.values(), strict=False)]
    if not isinstance(turns, list) or not turns:
        raise ValueError("no list of turns")
    return [_turn(item) for item in turns]


def parsed(cell: Any) -> Any:
    """Return what a cell of JSON holds, None where it is no list or object; anything else as it is."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text[:1] not in ("[", "{"):
        return None
    for load in (json.loads, ast.literal_eval):
        try:
            return load(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None


def _turn(item: Any) -> Message:
    if isinstance(item, str):  # in lists of strings, Arrow leaves objects as JSON
        item = parsed(item)
    if not isinstance(item, Mapping):
        raise ValueError("a turn that is no object")
    speaker = next((item[key] for key in SPEAKER if isinstance(item.get(key), str)), None)
    if speaker is None:
        raise ValueError("a turn without a role")
    role = ROLE_OF.get(speaker.strip().lower())
    if role is None:
        raise ValueError(f'the role "{shorten(speaker, 30)}"')
    said = next((item[key] for key in SAID if item.get(key) is not None), None)
    if said is None and (item.get("tool_calls") or item.get("function_call")):
        raise ValueError("a call of a tool")
    return Message(role, _content(said).strip())


def _content(said: Any) -> str:
    if said is None:
        return ""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "".join(map(_part, said))
    raise ValueError("a content that is no text")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, Mapping) else None
    raise ValueError(f'a part of type "{shorten(str(kind), 30)}"' if kind else "a part that is no text")


# --- order -------------------------------------------------------------------------------------------------------


def settle(turns: Sequence[Message], *, keeps: bool = False) -> Dialogue:
    """Bring turns into the order that models are trained on: system, then user and assistant in turn.

    Turns of the user, and of the system, that follow each other are joined by a line break. Two different ones of the
    assistant may be a message in two parts or two answers to choose from, so they are joined only if rows are to be
    kept. What follows the last turn of the assistant, and what it says before anybody asked, is dropped.

    Args:
        turns: as the data have them.
        keeps: whether bad rows are kept where that is possible: without a text of the user, or with answers joined.

    Example:
        >>> hi, ok = Message("user", "Hi"), Message("assistant", "Hello")
        >>> settle([hi, Message("user", "there"), ok, hi])
        Dialogue(messages=(Message(role='user', content='Hi\\nthere'),), target='Hello', fault='', detail='', \
mends=('unanswered', 'joined'))
    """
    rest = [turn for turn in turns if turn.role != "system" or turn.content]
    last = max((at for at, turn in enumerate(rest) if turn.role == "assistant"), default=-1)
    if last < 0:
        return Dialogue(fault="no answer")
    mends: list[Mend] = ["unanswered"] if last + 1 < len(rest) else []
    rest = rest[: last + 1]
    first = next((at for at, turn in enumerate(rest) if turn.role == "user"), None)
    if first is None:
        return Dialogue(fault="no prompt")
    opening = [turn for turn in rest[:first] if turn.role == "system"]
    mends += ["unasked"] if len(opening) < first else []
    if any(turn.role == "system" for turn in rest[first:]):
        return Dialogue(fault="order", detail="a system prompt after the first turn")
    merged = list(_merged([*opening, *rest[first:]]))
    if not keeps and any(turn.role == "assistant" and len(parts) > 1 for turn, parts in merged):
        return Dialogue(fault="order", detail="two turns of the assistant in a row")
    mends += ["joined"] if any(len(parts) > 1 for _, parts in merged) else []
    return _checked([Message(turn.role, "\n".join(parts)) for turn, parts in merged], tuple(mends), keeps)


def _merged(turns: Sequence[Message]) -> Iterator[tuple[Message, list[str]]]:
    """Yield the first of each row of turns of one speaker, with their texts; none empty, none twice in a row."""
    groups: list[tuple[Message, list[str]]] = []
    for turn in turns:
        if not groups or groups[-1][0].role != turn.role:
            groups.append((turn, []))
        texts = groups[-1][1]
        if turn.content and texts[-1:] != [turn.content]:
            texts.append(turn.content)
    yield from groups


def _checked(messages: Sequence[Message], mends: tuple[Mend, ...], keeps: bool) -> Dialogue:
    if not all(message.content for message in messages if message.role == "assistant"):
        return Dialogue(fault="no answer")
    *before, answer = messages
    if all(message.content for message in before):
        return Dialogue(tuple(before), answer.content, mends=mends)
    return Dialogue(tuple(before), answer.content, "no prompt", mends=mends if keeps else ())

"""Which columns hold a dialogue, or a prompt and its answer: told by the recipe, else by name and by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tunesmith.core.example import Message
from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.names import ID, LABEL, head_word, words_of
from tunesmith.data.profile import profile_columns
from tunesmith.data.roles import ROW_ROLES, no_column, said, told_columns, usual_column
from tunesmith.data.table import Table
from tunesmith.data.turns import parsed, read_turns
from tunesmith.errors import Fault, InputError, raise_faults
from tunesmith.recipe.schema import Data

MESSAGES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chat")
PROMPTS = ("instruction", "prompt", "question", "query", "user", "human", "input", "usermessage")
RESPONSES = ("output", "response", "answer", "completion", "assistant", "reply", "assistantmessage")
SYSTEM = ("system", "systemprompt", "systemmessage")
INPUTS = ("input", "context")
"""What stands beside a column called instruction, and is read behind it."""
HISTORY = ("history",)
SAMPLE_ROWS = 200
TURNS_SHARE = 0.5
"""A column that has turns in fewer of its cells holds something else."""
SURE_SHARE = 0.9
"""Where nobody has said that the task is chat, so many cells must have turns, with an answer among them."""
OPTIONAL = ("system", "input", "history")
"""Roles that a file may lack, though the train file has them."""


@dataclass(frozen=True, slots=True)
class ChatColumns:
    """Where the turns are.

    Args:
        by_role: `messages`, or `prompt` and `response` with `input` and `history` where they are there; `system`; and
            id, group and time where named.
        guesses: sentences that say what was inferred, and how to change it.
    """

    by_role: dict[str, str]
    guesses: tuple[str, ...] = ()


def find_columns(table: Table, data: Data) -> ChatColumns:
    """Return the columns of the dialogues of `table`.

    Raises:
        InputError: columns are missing, or a dialogue is named beside a prompt or an answer.
    """
    told = told_columns(table, data, ("messages", "prompt", "response", "system", *ROW_ROLES))
    flat = "prompt" in told or "response" in told
    if flat and "messages" in told:
        what = "a column of dialogues (messages) is named, and one of prompts or answers beside it."
        raise InputError(Fault("K106", "data.messages", what, "Name data.messages, or data.prompt and data.response."))
    free = [name for name in table.columns if name not in told.values()]
    name = told.get("messages") or (None if flat else _dialogues(table, free))
    found = {"messages": name} if name else _flat(table, free, told)
    free = [name for name in free if name not in found.values()]
    system = told.get("system") or usual_column(free, SYSTEM)
    found |= {"system": system} if system else {}
    guesses = said({role: name for role, name in found.items() if role not in ("input", "history")}, told)
    found |= {role: told[role] for role in ROW_ROLES if role in told}
    return ChatColumns(found, (*guesses, *_beside(found)))


def _beside(found: Mapping[str, str]) -> Iterator[str]:
    if "input" in found:
        yield f'Column "{found["input"]}" is read behind the prompt, on a line of its own.'
    if "history" in found:
        yield f'Column "{found["history"]}" holds the turns before the prompt.'


def _dialogues(table: Table, free: list[str]) -> str | None:
    """Return the column of dialogues: by name, else the only one that holds any."""
    holding = [name for name in free if _share_of_turns(table, name) >= TURNS_SHARE]
    return usual_column(holding, MESSAGES) or (holding[0] if len(holding) == 1 else None)


def _flat(table: Table, free: list[str], told: Mapping[str, str]) -> dict[str, str]:
    prose = [name for name in free if not is_list(table.data[name])]
    prompt = told.get("prompt") or usual_column(prose, PROMPTS)
    response = told.get("response") or usual_column([name for name in prose if name != prompt], RESPONSES)
    looked_for = {
        "prompt": "such as prompt or instruction, or a column messages of whole dialogues",
        "response": "such as response or output",
    }
    found = {"prompt": prompt, "response": response}
    raise_faults(no_column(table, role, looked_for[role]) for role, name in found.items() if not name)
    if prompt and words_of(prompt) == ("instruction",):
        rest = [name for name in free if name not in found.values()]
        found |= {"input": usual_column([name for name in prose if name in rest], INPUTS)}
        found |= {"history": usual_column(rest, HISTORY)}
    return {role: name for role, name in found.items() if name}


def shows_chat(table: Table) -> str:
    """Return the sentence that says why the rows of `table` are dialogues; empty where they may be something else.

    They may be where a column beside them is called what labels are.
    """
    profiles = profile_columns(table)
    labels = [name for name, shape in profiles.items() if shape.is_label and head_word(name) not in ID]
    if any(head_word(name) in LABEL[0] | LABEL[1] for name in labels):
        return ""
    name = usual_column(table.columns, MESSAGES)
    if name and _share_of_turns(table, name, answered=True) >= SURE_SHARE:
        return f'column "{name}" holds turns of user and assistant'
    keys = {role: usual_column(table.columns, (role,)) for role in ("instruction", "input", "output")}
    instruction, output = keys["instruction"], keys["output"] or usual_column(table.columns, ("response",))
    if not instruction or not output or not profiles[instruction].is_prose or not profiles[output].is_text:
        return ""
    # Two of the three names are a weaker sign, so nothing beside them may look like a label.
    if not all(keys.values()) and set(labels) - {instruction, *filter(None, (usual_column(labels, INPUTS),))}:
        return ""
    return f'there are columns "{instruction}" and "{output}"'


def _share_of_turns(table: Table, name: str, *, answered: bool = False) -> float:
    """Return in which share of its cells a column holds turns; with `answered`, such of which the assistant has one."""
    cells = [cell for cell in column_texts(table.data[name].slice(0, SAMPLE_ROWS)) if cell.strip()]
    if not any(cell.lstrip()[:1] in ("[", "{") for cell in cells[:5]):
        return 0.0
    return sum(_has_turns(cell, answered) for cell in cells) / len(cells)


def _has_turns(cell: str, answered: bool) -> bool:
    try:
        turns = read_turns(cell)
    except ValueError as error:
        return str(error).startswith(("the role", "a part", "a call"))  # turns, if none to learn from
    return not answered or any(turn.role == "assistant" for turn in turns)


# --- rows --------------------------------------------------------------------------------------------------------


def turns_of(
    data: pa.Table, by_role: Mapping[str, str], instruction: str | None = None
) -> Iterator[list[Message] | str]:
    """Yield the turns of every row as they are written, or the reason why they cannot be read.

    Args:
        data: the rows; columns of `by_role` that it lacks count as empty.
        by_role: as `find_columns` gives it.
        instruction: put before what the user says first, with a line break between.
    """
    cells = {role: _cells(data, name) for role, name in by_role.items() if name in data.column_names}
    for at in range(data.num_rows):
        try:
            turns = list(_row({role: column[at] for role, column in cells.items() if role not in ROW_ROLES}))
        except ValueError as error:
            yield str(error)
        else:
            yield _instructed(turns, instruction) if instruction else turns


def _cells(data: pa.Table, name: str) -> list[Any]:
    return list(data[name].to_pylist()) if is_list(data[name]) else column_texts(data[name])


def _row(cells: Mapping[str, Any]) -> Iterator[Message]:
    if system := str(cells.get("system", "")).strip():
        yield Message("system", system)
    if "messages" in cells:
        yield from read_turns(cells["messages"])
        return
    if history := cells.get("history"):
        yield from _pairs(history)
    parts = (str(cells.get(role, "")).strip() for role in ("prompt", "input"))
    yield Message("user", "\n".join(part for part in parts if part))
    if answer := str(cells.get("response", "")).strip():
        yield Message("assistant", answer)


def _pairs(history: Any) -> Iterator[Message]:
    """Yield the turns of a list of [user, assistant]."""
    for pair in parsed(history) or ():
        both = parsed(pair)
        if not isinstance(both, list) or len(both) != 2 or not all(isinstance(text, str) for text in both):
            raise ValueError("a history that is no list of [user, assistant]")
        yield Message("user", both[0].strip())
        yield Message("assistant", both[1].strip())


def to_ask(said: Any, instruction: str | None) -> tuple[Message, ...]:
    """Return the turns after which a model is to answer.

    Args:
        said: what the user says, or a list of turns as data have them, the last of the user.
        instruction: put before what the user says first.

    Raises:
        ValueError: it is neither, or the user does not speak last.
    """
    turns = [Message("user", said)] if isinstance(said, str) else read_turns([_plain(turn) for turn in said])
    if turns[-1].role != "user":
        raise ValueError(f"the last turn is of the {turns[-1].role}")
    return tuple(_instructed(turns, instruction) if instruction else turns)


def _plain(turn: Any) -> Any:
    return {"role": turn.role, "content": turn.content} if isinstance(turn, Message) else turn


def _instructed(turns: list[Message], instruction: str) -> list[Message]:
    first = next((at for at, turn in enumerate(turns) if turn.role == "user"), None)
    if first is None or not turns[first].content:
        return turns
    asked = f"{instruction.strip()}\n{turns[first].content}"
    return [*turns[:first], Message("user", asked), *turns[first + 1 :]]

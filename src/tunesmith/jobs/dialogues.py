"""Rows of a file as dialogues to be answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from tunesmith.bundle.load import Bundle
from tunesmith.core.example import Message
from tunesmith.data.chatcolumns import HISTORY, INPUTS, MESSAGES, PROMPTS, SYSTEM, turns_of
from tunesmith.data.roles import usual_column
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.columns import text_columns, trained_columns

BESIDE = {"system": SYSTEM, "history": HISTORY}
"""Roles that may stand beside a prompt → their usual names."""


def dialogue_columns(bundle: Bundle, there: Sequence[str], asked: Sequence[str], source: str) -> dict[str, str]:
    """Return role → column of what the model of `bundle` is to answer: as asked, as in training, or by usual names.

    Raises:
        InputError: which column it is cannot be known (K612), or it is not there (K611).
    """
    if asked:
        return {"prompt": text_columns(bundle, there, asked, source)[0]}
    trained = trained_columns(bundle)
    known: dict[str, str] = {role: trained[role] for role in ("messages", "prompt") if trained.get(role) in there}
    if not known:
        messages, prompt = usual_column(there, MESSAGES), usual_column(there, PROMPTS)
        known = {"messages": messages} if messages else {"prompt": prompt or text_columns(bundle, there, (), source)[0]}
    for role, usual in BESIDE.items():
        name = trained.get(role) or usual_column(there, usual)
        known |= {role: name} if name and name in there else {}
    if known.get("prompt") == "instruction" and (name := usual_column(there, INPUTS)):
        known["input"] = name
    return known


def asked_turns(chunk: pa.Table, by_role: dict[str, str], source: str, before: int) -> Iterator[list[Message]]:
    """Yield the turns of every row up to the last that the user says.

    Args:
        chunk: rows of a file.
        by_role: as `dialogue_columns` gives it.
        source: the file as messages say it.
        before: rows of the file before those of `chunk`.

    Raises:
        InputError: a row that is no dialogue, or in which the user says nothing (K601).
    """
    for number, turns in enumerate(turns_of(chunk, by_role), before + 1):
        where, cure = f"{source} row {number}", "Mend or remove the row."
        if isinstance(turns, str):
            raise InputError(Fault("K601", where, f"a dialogue was expected: {turns}.", cure))
        while turns and turns[-1].role != "user":
            turns = turns[:-1]
        if not turns:
            raise InputError(Fault("K601", where, "the user says nothing.", cure))
        yield turns


def plain_turns(turns: Sequence[Any]) -> list[dict[str, str]]:
    """Return turns as plain data, as a row of output holds them."""
    return [
        {"role": turn.role, "content": turn.content} if isinstance(turn, Message) else dict(turn) for turn in turns
    ]  # fmt: skip

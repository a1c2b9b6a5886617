"""Answers as data write them, and where they stand in their context."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.core.example import Answer
from tunesmith.core.words import words_of
from tunesmith.data.arrays import cell_text
from tunesmith.data.labels import number_of

How = Literal["given", "moved", "found", "several", "nowhere"]


@dataclass(frozen=True, slots=True)
class Placed:
    """An answer with its place.

    Args:
        answer: where it has a start, `text` is exactly what the context has there.
        how: it stands where its start says (`given`) or elsewhere (`moved`); without a start it stands once (`found`)
            or more often (`several`, the first place was taken); or it stands `nowhere`.
        misplaced: whether it had a start and does not stand there.
    """

    answer: Answer
    how: How
    misplaced: bool = False


def read_answers(cell: Any, starts: Any, context: str) -> list[Answer]:
    """Return the answers of one row with the starts that the data give; empty where there are none.

    Args:
        cell: a text, a list of texts, objects with `text` and `answer_start` (or `start`), an object with lists of
            both, or any of these as JSON or as Python prints it.
        starts: of the answers, where they have a column of their own.
        context: a cell that stands in it is an answer, even if it looks like a list.

    Raises:
        ValueError: it is none of these; the message says why.

    Example:
        >>> read_answers('{"text": ["a", "b"], "answer_start": [2, 4]}', None, "x a b")
        [Answer(text='a', start=2), Answer(text='b', start=4)]
        >>> read_answers("[5]", 1, "([5])")
        [Answer(text='[5]', start=1)]
    """
    value = cell if isinstance(cell, str) and cell in context else _parsed(cell)
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value, starts = value["text"], _start_of(value)
    if value is None or value in ("", []):
        return []
    items = value if isinstance(value, list) else [value]
    listed = _parsed(starts)
    given = listed if isinstance(listed, list) else [listed] * min(1, len(items))
    if listed is None or all(isinstance(item, dict) for item in items):
        given = [None] * len(items)
    if len(given) != len(items):
        raise ValueError(f"{len(items)} answers and {len(given)} starts")
    answers = [_answer(item, start) for item, start in zip(items, given, strict=True)]
    return [answer for answer in answers if answer.text.strip()]


def _parsed(cell: Any) -> Any:
    """Return the list or object that a cell holds as text, else the cell; JSON null and empty cells are None."""
    if not isinstance(cell, str) or cell[:1] not in ("[", "{"):
        return None if cell == "" else cell
    for load in (json.loads, ast.literal_eval):
        try:
            value = load(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return list(value) if isinstance(value, list | tuple) else value if isinstance(value, dict) else cell
    return cell


def _start_of(item: dict[str, Any]) -> Any:
    return item.get("answer_start", item.get("start"))


def _answer(item: Any, start: Any) -> Answer:
    if isinstance(item, dict):
        if "text" not in item:
            raise ValueError('an object without "text"')
        item, start = item["text"], _start_of(item)
    if isinstance(item, list | dict):
        raise ValueError("a list within a list")
    return Answer(cell_text(item), _whole(start))


def _whole(start: Any) -> int | None:
    text = cell_text(start).strip()
    if not text:
        return None
    value = None if isinstance(start, list | dict | bool) else number_of(text)
    if value is None or not value.is_integer():
        raise ValueError(f'a start that is no whole number, "{text}"')
    return int(value)


# --- places ------------------------------------------------------------------------------------------------------


def place(answer: Answer, context: str) -> Placed:
    """Find where `answer` stands in `context`: at its start, else nearest to it, else at the first place.

    Places that begin and end with a word come before others; where there are none at all, case and runs of white
    space may differ. White space around the answer is not part of it.

    Example:
        >>> place(Answer("new york", 9), "A new York is no New   York.")
        Placed(answer=Answer(text='new York', start=2), how='moved', misplaced=True)
        >>> place(Answer("he", None), "Then he came.").answer
        Answer(text='he', start=5)
    """
    text = answer.text.strip()
    start = None if answer.start is None else answer.start + answer.text.index(text)
    if start is not None and start >= 0 and context.startswith(text, start):
        return Placed(Answer(text, start), "given")
    places = _places(text, context)
    if not places:
        return Placed(Answer(text, None), "nowhere", misplaced=start is not None)
    if start is None:
        first, end = places[0]
        return Placed(Answer(context[first:end], first), "found" if len(places) == 1 else "several")
    first, end = min(places, key=lambda stretch: abs(stretch[0] - start))
    return Placed(Answer(context[first:end], first), "moved", misplaced=True)


def _places(text: str, context: str) -> list[tuple[int, int]]:
    """Return start and end of every place of `text`, in order."""
    found = []
    at = context.find(text)
    while at >= 0:
        found.append((at, at + len(text)))
        at = context.find(text, at + 1)
    if not found:
        pattern = r"\s+".join(map(re.escape, text.split()))
        found = [match.span() for match in re.finditer(pattern, context, re.IGNORECASE)]
    if len(found) < 2:
        return found
    words = words_of(context)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    return [(start, end) for start, end in found if start in starts and end in ends] or found

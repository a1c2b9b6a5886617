"""Cells that list spans → spans, however the tool that wrote them nests and names things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

START = ("start", "start_offset", "begin", "from", "startOffset", "start_char")
END = ("end", "end_offset", "stop", "to", "endOffset", "end_char")
LABEL = ("label", "labels", "type", "entity_group", "entity", "tag", "category", "class", "ent_type")
WORDS = ("text", "word", "surface", "value", "name")
HOLDERS = ("entities", "spans", "ents", "annotations", "result", "label", "labels")


@dataclass(frozen=True, slots=True)
class Marked:
    """A span as the data give it, before anything is checked.

    Args:
        start: of the first character.
        end: behind the last.
        label: its kind.
        text: what the data say that it covers, None where they do not say.
    """

    start: int
    end: int
    label: str
    text: str | None = None


def read_spanlist(cell: Any) -> list[Marked] | None:
    """Return the spans of a cell; None where there is none, which means that nobody has looked at the row.

    Items may be `[start, end, label]` or objects with the usual names of the three; an object of lists and an object
    that holds the list are unwrapped.

    Raises:
        ValueError: the cell is no list of spans; the message says what came.

    Example:
        >>> read_spanlist('[[0, 5, "PART"]]') == read_spanlist([{"start": 0, "end": 5, "labels": ["PART"]}])
        True
        >>> read_spanlist(""), read_spanlist("[]")
        (None, [])
    """
    value = cell
    if isinstance(cell, str):
        if not cell.strip():
            return None
        try:
            value = json.loads(cell)
        except (ValueError, RecursionError):
            raise ValueError("not a list of spans") from None
    if isinstance(value, Mapping):
        value = _unwrapped(value)
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError("not a list of spans")
    return [span for item in value for span in _spans(item)]


def _unwrapped(value: Mapping[str, Any]) -> Any:
    """Return the list that an object holds, or its columns as objects."""
    start, end, label = (_named(value, names) for names in (START, END, LABEL))
    if isinstance(start, list) and isinstance(end, list) and isinstance(label, list):
        return [{"start": one, "end": two, "label": name} for one, two, name in zip(start, end, label, strict=False)]
    return next((value[name] for name in HOLDERS if isinstance(value.get(name), list)), value)


def _named(item: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _spans(item: Any) -> Iterable[Marked]:
    """Return the spans of one item: several where it has several labels."""
    if isinstance(item, list) and len(item) >= 3:
        start, end, labels, words = *item[:3], None
    elif isinstance(item, Mapping):
        inner = item["value"] if isinstance(item.get("value"), Mapping) else item
        start, end, labels, words = (_named(inner, names) for names in (START, END, LABEL, WORDS))
    else:
        raise ValueError(f"a span is [start, end, label] or an object, not {json.dumps(item, ensure_ascii=False)[:40]}")
    names = labels if isinstance(labels, list) else [labels]
    text = words if isinstance(words, str) else None
    return [Marked(_offset(start), _offset(end), _label(name), text) for name in names or [None]]


def _offset(value: Any) -> int:
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"a whole number was expected as start and end, not {value!r}")
    return int(value)


def _label(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise ValueError(f"a span needs a label, not {value!r}")
    return str(value).strip()

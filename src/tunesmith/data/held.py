"""Examples of rows that are held in columns: objects while somebody looks at them, places until then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.core.example import (
    DialogueExample,
    Example,
    Examples,
    PairExample,
    QuestionExample,
    Target,
    TextExample,
    TokenExample,
    TripletExample,
    WritingExample,
)
from tunesmith.core.lazy import as_array
from tunesmith.data.labels import Kind
from tunesmith.data.rows import Rows
from tunesmith.data.texts import pick_texts

Array = np.ndarray[Any, Any]

AT_ONCE = 2000
"""Examples that are made at the same time where all are gone through."""


class Held(Examples):
    """Some rows of a file as examples.

    Args:
        rows: all of the file.
        kind: what their targets are.
        ids: of all rows; None where the row numbers are the ids.
        places: [N] of the rows that are meant; None for all, in order.
        weights: target → weight, beside that of the row; 1.0 where it has none.
        columns: name → cells of all rows, of columns that the examples have beside their texts.
    """

    def __init__(
        self, rows: Rows, kind: Kind, ids: Sequence[str] | None, places: Array | None = None,
        weights: Mapping[Target, float] | None = None, columns: Mapping[str, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        self.rows, self.kind, self.ids = rows, kind, ids
        self.places = np.arange(len(rows)) if places is None else places
        self.of_target, self.columns = weights or {}, columns or {}

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Example]:
        for start in range(0, len(self), AT_ONCE):
            yield from self._made(self.places[start : start + AT_ONCE])

    def one(self, at: int) -> Example:
        """Return the example at a place."""
        return self._made(self.places[at : at + 1])[0]

    def some(self, places: range) -> Sequence[Example]:
        """Return the examples at `places`."""
        return self._made(self.places[as_array(places)])

    @property
    def targets(self) -> Sequence[Target]:
        """The target of each."""
        targets = self.rows.targets
        return [targets[place] for place in self.places]

    def pick(self, places: Sequence[int] | Array) -> Held:
        """Return those at `places`."""
        places = self.places[np.asarray(places, dtype=np.int64)]
        return Held(self.rows, self.kind, self.ids, places, self.of_target, self.columns)

    def weighted(self, weights: Mapping[Target, float]) -> Held:
        """Return the same with a weight for each, that of its target."""
        return Held(self.rows, self.kind, self.ids, self.places, weights, self.columns)

    @property
    def weights(self) -> Sequence[float]:
        """How much each counts."""
        if self.rows.weights is None and not self.of_target:
            return [1.0] * len(self)
        return [self._weight(place) for place in self.places.tolist()]

    def _weight(self, place: int) -> float:
        own = 1.0 if self.rows.weights is None else float(self.rows.weights[place])
        return own * self.of_target.get(self.rows.targets[place], 1.0) if self.of_target else own

    def _made(self, places: Array) -> list[Example]:
        rows = self.rows
        numbers = rows.table.rows[rows.places[places]].tolist()
        texts = zip(*(pick_texts(side, places) for side in rows.texts), strict=True)
        return [
            self._example(place, number, own)
            for place, number, own in zip(places.tolist(), numbers, texts, strict=True)
        ]  # fmt: skip

    def _example(self, place: int, number: int, texts: Sequence[str]) -> Example:
        rows, target = self.rows, self.rows.targets[place]
        common: dict[str, Any] = {
            "id": str(number) if self.ids is None else self.ids[place], "source": f"{rows.name} row {number}",
            "target": target, "weight": self._weight(place),
            "columns": {name: cells[place] for name, cells in self.columns.items()},
        }  # fmt: skip
        if rows.messages:
            return DialogueExample(messages=rows.messages[place], **common)
        if self.kind == "spans":
            return TokenExample(text=texts[0], words=rows.words[place] if rows.words else (), **common)
        if self.kind == "answers":
            return QuestionExample(question=texts[0], context=texts[1], **common)
        if self.kind == "text":
            return WritingExample(text=texts[0], **common)
        if len(texts) == 3:
            return TripletExample(text_a=texts[0], text_b=texts[1], negative=texts[2], **common)
        if len(texts) == 2:
            return PairExample(text_a=texts[0], text_b=texts[1], **common)
        return TextExample(text=texts[0], **common)

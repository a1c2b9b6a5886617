"""One labelled row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Target: TypeAlias = str | float | tuple[str, ...] | None
"""A class name, a number, several class names, or nothing (the row is unlabelled)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of data.

    Args:
        id: unique in its split; the `id` column where there is one, else the row number.
        source: where it came from, such as `train.csv row 412`; every message about the row uses it.
        weight: its share in the loss; 1.0 unless something (class weights, weak labels) says otherwise.
        target: what is to be predicted, None where the row has no label.
    """

    id: str
    source: str
    weight: float = 1.0
    target: Target = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextExample(Example):
    """A row with one text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExample(Example):
    """A row with two texts whose relation is to be judged."""

    text_a: str
    text_b: str


def texts_of(example: Example) -> tuple[str, ...]:
    """Return the texts of `example`: one for a `TextExample`, two for a `PairExample`."""
    if isinstance(example, TextExample):
        return (example.text,)
    assert isinstance(example, PairExample), f"no text in a {type(example).__name__}"
    return (example.text_a, example.text_b)


@dataclass(frozen=True, slots=True)
class Splits:
    """The rows of one run. `test` is empty where cross-validation stands in for it."""

    train: Sequence[Example]
    dev: Sequence[Example] = ()
    test: Sequence[Example] = ()
    general: Sequence[str] = field(default=())

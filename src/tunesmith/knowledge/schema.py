"""What a file of rules may say: plain, typed, complete data. Attribute docstrings are the only help text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, model_validator

from tunesmith.recipe.schema import Part

Cell = str | int | float | bool


class WordList(Part):
    """Words and phrases: in a file, one a line or in the first column, or written out."""

    file: str | None = None
    """A file of terms: .txt with one a line, .csv or .tsv with terms in the first column; lines that begin with
    `# ` or `; ` are left out. Its path starts at the folder of the rules."""
    words: tuple[str, ...] = ()
    """Terms: words, phrases, signs; `refund*` is any word that begins so, `not * good` has any one word between."""
    above: float | None = None
    """Take the terms of a file whose second column is a number above this."""
    below: float | None = None
    """Take the terms of a file whose second column is a number below this."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A name of a file, or terms, stand for themselves."""
        if isinstance(value, str):
            return {"file": value}
        return {"words": value} if isinstance(value, list) else value


class Length(Part):
    """How many words a text has."""

    min: NonNegativeInt | None = None
    """At least so many; `don't` is one, and so is each letter of a script without spaces."""
    max: NonNegativeInt | None = None
    """At most so many."""


class RuleSpec(Part):
    """A rule: for or against a label, where all its conditions hold."""

    name: str | None = None
    """What reports call it; by default what it looks for."""
    label: Annotated[str, Field(min_length=1)] | None = None
    """The label that it votes for."""
    against: Annotated[str, Field(min_length=1)] | None = None
    """The label that it votes against."""
    learn: bool = False
    """Whether it votes as labelled rows teach it, in place of `label` and `against`."""
    list: str | None = None
    """Fires where a term of this list stands in the text, once for each."""
    words: tuple[str, ...] = ()
    """Fires where one of these terms stands in the text, once for each."""
    pattern: str | None = None
    """Fires where this regular expression is found in the text, once for each place; letter case does not count."""
    unless: tuple[str, ...] = ()
    """Does not fire where one of these terms stands in the text."""
    length: Length | None = None
    """Fires only on texts of so many words."""
    column: dict[str, Cell | tuple[Cell, ...]] = Field(default_factory=dict)
    """Fires only on rows whose column has this value, or one of these."""
    strength: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    """How much a vote counts beside those of other rules."""


class RuleFile(Part):
    """A file of rules."""

    lists: dict[str, WordList] = Field(default_factory=dict)
    """Lists of terms by name: a file, or the terms."""
    rules: Annotated[tuple[RuleSpec, ...], Field(min_length=1)]
    """The rules."""

"""A glossary: terms of a trade, with what they mean, what else they are called, and what they speak for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from tunesmith.knowledge.rules import Rule
from tunesmith.knowledge.terms import Terms, Tokens

Key = tuple[str, ...]
"""A term as texts are searched for it: its pieces, case folded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A term.

    Args:
        term: as it is to be written.
        definition: what it means; empty where that is not said.
        aliases: what else it is called.
        label: the class it speaks for; empty for none.
        where: the file and the line.
    """

    term: str
    definition: str = ""
    aliases: tuple[str, ...] = ()
    label: str = ""
    where: str = ""

    @property
    def forms(self) -> tuple[str, ...]:
        """The term and its aliases."""
        return (self.term, *self.aliases)


@dataclass(frozen=True, slots=True)
class Hit:
    """A term where it stands in a text.

    Args:
        at: place of its entry.
        form: the term or the alias that stands there.
        start: where it begins in the text.
        end: where it ends.
        pieces: words and signs that it has.
    """

    at: int
    form: str
    start: int
    end: int
    pieces: int


@dataclass(frozen=True)
class Glossary:
    """Terms, found in texts; how texts are read with them.

    A term is found as a whole, in any letter case; one that is written in capitals throughout (`IT`) in capitals only.
    Where terms overlap, the longer one counts.

    Args:
        entries: E of them, no term or alias twice.
        name: of the file.
        path: of the file; None where it is not needed any more.
        aliases: whether an alias is read as its term.
        budget: tokens of definitions behind a text, at most.

    Example:
        >>> glossary = Glossary((Entry("machine translation", "turning text into another language.", ("MT",)),))
        >>> glossary.plain("Statistical MT is hard.")
        'Statistical machine translation is hard.'
        >>> glossary.notes(["Statistical MT is hard."])
        ['machine translation: turning text into another language.']
    """

    entries: tuple[Entry, ...]
    name: str = ""
    path: Path | None = field(default=None, compare=False)
    aliases: bool = True
    budget: int = 0

    kind: ClassVar[str] = "glossary"

    @cached_property
    def _known(self) -> dict[Key, tuple[int, str]]:
        return {key_of(form): (at, form) for at, entry in enumerate(self.entries) for form in entry.forms}

    @cached_property
    def _terms(self) -> Terms:
        return Terms(form for entry in self.entries for form in entry.forms)

    def found(self, text: str) -> list[Hit]:
        """Return the terms and aliases in a text, in order."""
        (tokens, origins), hits = Tokens.placed(text), []
        for first, last in self._terms.apart(tokens):
            at, form = self._known[tokens.pieces[first:last]]
            start, end = origins[tokens.spans[first][0]][0], origins[tokens.spans[last - 1][1] - 1][1]
            if not form.isupper() or text[start:end].isupper():
                hits.append(Hit(at, form, start, end, last - first))
        return hits

    def plain(self, text: str) -> str:
        """Return a text with a term in the place of each alias; as it is where aliases are left alone."""
        if not self.aliases:
            return text
        parts, done = [], 0
        for hit in self.found(text):
            term = self.entries[hit.at].term
            if hit.form != term:
                parts += [text[done : hit.start], term]
                done = hit.end
        return "".join([*parts, text[done:]])

    def notes(self, texts: Sequence[str]) -> list[str]:
        """Return what terms in some texts mean, each once, those of most words first."""
        longest: dict[int, int] = {}
        for text in texts:
            for hit in self.found(text):
                longest[hit.at] = max(hit.pieces, longest.get(hit.at, 0))
        defined = [at for at in longest if self.entries[at].definition]
        defined.sort(key=lambda at: (-longest[at], at))
        return [f"{self.entries[at].term}: {self.entries[at].definition}" for at in defined]

    def rules(self) -> tuple[Rule, ...]:
        """Return a rule for each class: its terms and their aliases vote for it."""
        forms: dict[str, list[str]] = {}
        first: dict[str, str] = {}
        for entry in self.entries:
            if entry.label:
                forms.setdefault(entry.label, []).extend(entry.forms)
                first.setdefault(entry.label, entry.where)
        return tuple(
            Rule(f"glossary, {label}", label, False, 1.0, first[label], Terms(terms)) for label, terms in forms.items()
        )

    def state(self) -> dict[str, Any]:
        """Return plain data, all terms among it."""
        entries = [
            {
                "term": one.term,
                "definition": one.definition,
                "aliases": list(one.aliases),
                "class": one.label,
                "where": one.where,
            }
            for one in self.entries
        ]
        return {"name": self.name, "aliases": self.aliases, "budget": self.budget, "entries": entries}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Glossary:
        """Return the glossary that `state` describes."""
        entries = tuple(
            Entry(one["term"], one["definition"], tuple(one["aliases"]), one["class"], one["where"])
            for one in state["entries"]
        )
        return cls(entries, state["name"], None, state["aliases"], state["budget"])


def key_of(form: str) -> Key:
    """Return a term as texts are searched for it."""
    return Tokens.of(" ".join(form.split())).pieces

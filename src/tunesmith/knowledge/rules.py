"""Rules that vote for labels, or against them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.core.example import Example, texts_of
from tunesmith.errors import Fault, did_you_mean
from tunesmith.knowledge.terms import Terms, Tokens

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """What a rule looks at: a text, and the other columns of its row as strings."""

    text: str
    columns: Mapping[str, str] = field(default_factory=dict)
    _found: dict[Terms, list[str]] = field(default_factory=dict, compare=False)
    _places: dict[Terms, list[tuple[int, int]]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, example: Example) -> Row:
        """Return what a rule looks at in an example; of two texts both."""
        return cls("\n".join(texts_of(example)), example.columns)

    @cached_property
    def tokens(self) -> Tokens:
        """The text in pieces."""
        return Tokens.of(self.text)

    def found(self, terms: Terms) -> list[str]:
        """Return which of `terms` stand in the text; several rules ask for one list."""
        if terms not in self._found:
            self._found[terms] = terms.found(self.tokens)
        return self._found[terms]

    def places(self, terms: Terms) -> list[tuple[int, int]]:
        """Return start and end of `terms` in the text, in characters; none that stands inside a longer one."""
        if terms not in self._places:
            tokens, origins = self._placed
            self._places[terms] = [(origins[start][0], origins[end - 1][1]) for start, end in terms.places(tokens)]
        return self._places[terms]

    @cached_property
    def _placed(self) -> tuple[Tokens, Sequence[tuple[int, int]]]:
        return Tokens.placed(self.text)


@dataclass(frozen=True, slots=True)
class Rule:
    """A vote for a label, or against it, where all conditions hold.

    Args:
        name: what reports call it.
        label: what it votes on; empty where labelled rows teach it how to vote.
        against: whether it votes against the label.
        strength: how much its vote counts beside those of others, above 0.
        where: the file and the line.
        terms: of which one must stand in the text; None for no such condition.
        pattern: which must be found in the text; None for no such condition.
        unless: terms of which none may stand in the text.
        shortest: words that a text must have.
        longest: words that it may have.
        columns: name → values of which the row must have one.
    """

    name: str
    label: str
    against: bool
    strength: float
    where: str
    terms: Terms | None = None
    pattern: re.Pattern[str] | None = None
    unless: Terms | None = None
    shortest: int = 0
    longest: int | None = None
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def found(self, row: Row) -> list[str]:
        """Return what fires the rule in a row: terms, what a pattern matched, or `yes`; nothing where it does not."""
        if not self._holds(row):
            return []
        terms = row.found(self.terms) if self.terms else None
        if terms == []:
            return []
        matched = [match[0] for match in self.pattern.finditer(row.text) if match[0]] if self.pattern else None
        if matched is None or terms is None:
            return ["yes"] if matched is None and terms is None else (matched or terms or [])
        return terms if matched and terms else []

    def places(self, row: Row) -> list[tuple[int, int]]:
        """Return start and end of what a rule marks in the text of a row, in characters.

        Of a rule with terms and a pattern these are its terms, where the pattern is found as well.
        """
        if not self._holds(row):
            return []
        matched = [match.span() for match in self.pattern.finditer(row.text) if match[0]] if self.pattern else None
        if self.terms is None:
            return matched or []
        return [] if matched == [] else row.places(self.terms)

    def _holds(self, row: Row) -> bool:
        """Return whether a row meets the conditions beside what the rule looks for."""
        if any(row.columns.get(name) not in values for name, values in self.columns.items()):
            return False
        if self.shortest > 0 or self.longest is not None:
            words = row.tokens.words
            if words < self.shortest or (self.longest is not None and words > self.longest):
                return False
        return not (self.unless and row.found(self.unless))

    @property
    def conditions(self) -> tuple[Any, ...]:
        """All that must hold, so that rules that fire on the same rows can be told."""
        terms = [None if found is None else found.terms for found in (self.terms, self.unless)]
        pattern = self.pattern.pattern if self.pattern else None
        return (*terms, pattern, self.shortest, self.longest, tuple(sorted(self.columns.items())))

    @property
    def teaches(self) -> bool:
        """Whether its terms stand for a label: it votes for one, and asks for nothing else but terms."""
        asks = self.pattern or self.columns or self.shortest or self.longest is not None
        return bool(self.label) and not self.against and self.terms is not None and not asks

    @property
    def vote(self) -> str:
        """What it says, in words."""
        if not self.label:
            return "as rows teach it"
        return f"{'against' if self.against else 'for'} {self.label}"

    def state(self, lists: list[Terms]) -> dict[str, Any]:
        """Return plain data; terms stand as their place in `lists`, where they are put once."""

        def place(terms: Terms | None) -> int | None:
            if terms is not None and terms not in lists:
                lists.append(terms)
            return None if terms is None else lists.index(terms)

        return {
            "name": self.name, "label": self.label, "against": self.against, "strength": self.strength,
            "where": self.where, "terms": place(self.terms), "pattern": self.pattern.pattern if self.pattern else None,
            "unless": place(self.unless), "shortest": self.shortest, "longest": self.longest,
            "columns": {name: sorted(values) for name, values in self.columns.items()},
        }  # fmt: skip

    @classmethod
    def load(cls, state: Mapping[str, Any], lists: Sequence[Terms]) -> Rule:
        """Return the rule that `state` describes."""
        terms, unless = (None if state[key] is None else lists[state[key]] for key in ("terms", "unless"))
        pattern = None if state["pattern"] is None else compiled(state["pattern"])
        columns = {name: frozenset(values) for name, values in state["columns"].items()}
        return cls(**{**state, "terms": terms, "unless": unless, "pattern": pattern, "columns": columns})


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of one file.

    Args:
        rules: R of them.
        files: they were read from, that of the rules first.
    """

    rules: tuple[Rule, ...]
    files: tuple[Path, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns at which they look, beside the text."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.columns))

    def state(self) -> dict[str, Any]:
        """Return plain data, the lists of terms among it."""
        lists: list[Terms] = []
        rules = [rule.state(lists) for rule in self.rules]
        return {"lists": [sorted(terms.terms) for terms in lists], "rules": rules}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Rules:
        """Return the rules that `state` describes."""
        lists = [Terms(terms) for terms in state["lists"]]
        return cls(tuple(Rule.load(rule, lists) for rule in state["rules"]))

    def counts(self, rows: Iterable[Row]) -> Array:
        """Return how often every rule fires on every row, int64 [N, R]; rows may be made when they are asked for."""
        found = [np.array([len(rule.found(row)) for rule in self.rules], dtype=np.int64) for row in rows]
        return np.array(found, dtype=np.int64).reshape(len(found), len(self.rules))

    def votes(self, counts: Array, labels: Sequence[str]) -> Array:
        """Return the sum of the votes on every label, float64 [N, C].

        A rule that fires n times votes with strength · log₂(1 + n): the second hit says less than the first.

        Args:
            counts: [N, R].
            labels: C of them; rules on others are not heard.
        """
        return np.asarray((np.log2(1 + counts) * [rule.strength for rule in self.rules]) @ self.directions(labels))

    def directions(self, labels: Sequence[str]) -> Array:
        """Return what a vote says of every label: 1 for, -1 against, 0 nothing or not yet; float64 [R, C]."""
        said = [[(-1.0 if rule.against else 1.0) * (rule.label == name) for name in labels] for rule in self.rules]
        return np.array(said).reshape(len(self.rules), len(labels))

    def contradictions(self, *, several: bool) -> list[Fault]:
        """Return a fault for each rule that says otherwise than an earlier one under the same conditions (K804).

        Args:
            several: whether a row may have several labels, so that votes for two of them are no contradiction.
        """
        faults: list[Fault] = []
        for at, rule in enumerate(self.rules):
            for before in self.rules[:at]:
                if not (rule.label and before.label):
                    continue
                same = rule.label == before.label
                opposed = rule.against != before.against if same else not (rule.against or before.against or several)
                if not opposed or rule.conditions != before.conditions:
                    continue
                message = f"votes {rule.vote} under the conditions under which {before.where} votes {before.vote}."
                faults.append(Fault("K804", rule.where, message, "Leave one out, or narrow it."))
                break
        return faults

    def missing_columns(self, columns: Sequence[str]) -> list[Fault]:
        """Return a fault for each condition on a column that is none of `columns` (K106)."""
        return [
            Fault(
                "K106", rule.where, f'there is no column "{name}"; there are {", ".join(columns) or "none"}.',
                did_you_mean(name, columns),
            )
            for rule in self.rules
            for name in rule.columns
            if name not in columns
        ]  # fmt: skip

    def at_label(self, column: str | None) -> list[Fault]:
        """Return a fault for each rule that looks at the column of the label (K810)."""
        return [
            Fault("K810", rule.where, f'the rule looks at column "{column}", which is the label.', "Leave it out.")
            for rule in self.rules
            if column in rule.columns
        ]

    def unknown(self, labels: Sequence[str]) -> list[Fault]:
        """Return a fault for each rule on a label that is none of `labels` (K801)."""
        return [
            Fault(
                "K801", rule.where, f'there is no label "{rule.label}"; there are {", ".join(labels)}.',
                did_you_mean(rule.label, labels),
            )
            for rule in self.rules
            if rule.label and rule.label not in labels
        ]  # fmt: skip


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as rules look for it: letter case does not count."""
    return re.compile(pattern, re.IGNORECASE)


def decided(votes: Array, *, closed: bool = True) -> Array:
    """Return the place of the label with most votes, int64 [N]; -1 where there are none, or as many for another.

    Args:
        votes: [N, C].
        closed: whether the C labels are all that there are: then a vote against one of two is one for the other.
    """
    if not votes.shape[1]:  # there are none but rules that learn, and nothing has taught them
        return np.full(len(votes), -1)
    best, most = votes.argmax(axis=1), votes.max(axis=1)
    alone = (votes == most[:, None]).sum(axis=1) == 1
    said = (votes != 0).any(axis=1) if closed and votes.shape[1] > 1 else most > 0
    return np.where(alone & said, best, -1)

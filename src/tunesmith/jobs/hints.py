"""Texts that stand for labels, as rows to learn from where they say what the rows of those labels are about.

They are the names of the labels, and terms of rules: what a rule looks for is about its label.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import regex
from torch import Tensor

from tunesmith.core.batch import Features
from tunesmith.core.example import TextExample
from tunesmith.evaluation.agreement import Agreement, agreement
from tunesmith.jobs.workshop import Workshop
from tunesmith.knowledge.rules import Rules
from tunesmith.tasks.labels import is_code, spoken
from tunesmith.text.lazy import by_owner

SEEN = 500
"""Train rows at most by which it is judged whether hints say anything."""
TERMS = 32
"""Terms of a label at most, drawn; docs/decisions.md has what more and fewer did."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whether hints were of use; None of what there was none, or of what nobody reads."""

    names: Agreement | None = None
    terms: Agreement | None = None
    copies: int = 0
    """Copies of train rows with terms of rules in the place of their spans (`tag`)."""

    @property
    def has_terms(self) -> bool:
        """Whether terms of rules were learnt from."""
        return self.copies > 0 or (self.terms is not None and self.terms.is_enough)


@dataclass(frozen=True, slots=True)
class Hints:
    """Windows of texts that stand for labels, one each, with their class indices."""

    names: Sequence[Features] = ()
    terms: Sequence[Features] = ()

    @property
    def windows(self) -> list[Features]:
        """All of them, those of the names first, each an example of its own."""
        return [replace(window, owner=at) for at, window in enumerate([*self.names, *self.terms])]

    def useful(self, found: Found) -> Hints:
        """Return those that are of use."""
        return Hints(
            self.names if found.names is not None and found.names.is_enough else (),
            self.terms if found.terms is not None and found.terms.is_enough else (),
        )


def hints_of(shop: Workshop) -> Hints:
    """Return what stands for the labels; nothing where no strategy reads it, or where a row is not one text."""
    asks = shop.encoder.pattern or shop.encoder.layout != "row" or len(shop.task.reads[0]) > 1
    if asks or shop.task.head().problem != "single_label_classification":
        return Hints()
    named = any(strategy.reads_names for strategy in shop.strategies)
    termed = any(strategy.reads_terms for strategy in shop.strategies) and shop.recipe.knowledge.terms
    terms = terms_of(shop.rules, shop.recipe.seed) if termed and shop.rules else {}
    return Hints(
        _windows(shop, _names(shop.task.labels)) if named else (),
        _windows(shop, [(text, label) for label, texts in terms.items() for text in texts]),
    )


def classes_of_hints(windows: Sequence[Features]) -> np.ndarray[Any, Any]:
    """Return the class indices of hints, [K]."""
    return np.array([window.target for window in windows], dtype=np.int64)


def _names(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Return the name of each label as one would say it; none where one is a code."""
    if any(map(is_code, labels)):
        return []
    texts = [spoken(label) for label in labels]
    return list(zip(texts if len(set(texts)) == len(labels) else labels, labels, strict=True))


def terms_of(rules: Rules, seed: int) -> dict[str, list[str]]:
    """Return terms that stand for labels, at most `TERMS` of each, drawn with a seed.

    They are what rules for a label look for that ask for nothing else but terms, as far as these have letters and no
    wildcard inside, and none that stand for two labels.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for rule in rules.rules:
        if not rule.teaches or rule.terms is None:
            continue
        said = (regex.sub(r"(?<=\w)\*$", "", term) for term in rule.terms.terms)
        found[rule.label].update(term for term in said if "*" not in term and regex.search(r"\p{L}", term))
    several = {
        term for label, terms in found.items() for other, others in found.items() if label < other
        for term in terms & others
    }  # fmt: skip
    draws = random.Random(seed)
    kept = {label: sorted(terms - several) for label, terms in sorted(found.items())}
    return {label: draws.sample(terms, min(TERMS, len(terms))) for label, terms in kept.items()}


def _windows(shop: Workshop, hints: Sequence[tuple[str, str]]) -> list[Features]:
    """Return a window for each text, with its label as target."""
    rows = [
        TextExample(id=str(at), source=f'what stands for "{label}"', text=text, target=label)
        for at, (text, label) in enumerate(hints)
    ]
    return replace(shop.encoder, long="truncate").encode(rows, shop.task.target)


def judged(
    shop: Workshop, hints: Hints, train: Sequence[Features], targets: np.ndarray[Any, Any],
    vectors: Callable[[Sequence[Features]], Tensor],
) -> Found:  # fmt: skip
    """Return whether hints say which train rows are theirs, by the model before anything is learnt.

    Args:
        shop: what the run's trainings share.
        hints: what stands for the labels.
        train: windows of the train rows.
        targets: class indices of the train rows, [N].
        vectors: windows → the inputs of the last linear layer, [U, H].
    """
    if not hints.windows:
        return Found()
    some = np.random.default_rng(shop.recipe.seed).permutation(len(targets))[:SEEN]
    examples = by_owner(train)
    rows = vectors([replace(f, owner=place) for place, at in enumerate(some) for f in examples[int(at)]]).numpy()
    names, terms = (
        agreement(rows, vectors(windows).numpy(), classes_of_hints(windows), targets[some]) if windows else None
        for windows in (hints.names, hints.terms)
    )
    found = Found(names, terms)
    # Processes on unlike hardware may differ in the last bits, and must not part over it.
    return shop.device.ranks.told(found)

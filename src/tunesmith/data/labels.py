"""From label cells to targets: what the numbers mean, and spellings that are meant to be the same."""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tunesmith.core.example import Answer, Span, Target
from tunesmith.data.names import NUMERIC, head_word
from tunesmith.recipe.schema import Data

Kind = Literal["class", "number", "set", "spans", "answers", "similar", "text"]
Cell = str | tuple[str, ...]

MAX_NUMBER_CLASSES = 20
WHOLE = re.compile(r"[-+]?\d+(\.0+)?$")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+$")


def number_of(text: str) -> float | None:
    """Return the number that `text` is, with a decimal point or comma; None for anything else.

    Example:
        >>> number_of("3.5"), number_of("3,5"), number_of("nan"), number_of("x")
        (3.5, 3.5, None, None)
    """
    text = text.strip()
    try:
        value = float(text.replace(",", ".") if DECIMAL_COMMA.match(text) else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def items_of(cell: str, separator: str) -> tuple[str, ...]:
    """Return the labels of a multilabel cell: separated, or written as a list.

    Example:
        >>> items_of("joy | fear|", "|"), items_of("['a', 'b']", "|")
        (('joy', 'fear'), ('a', 'b'))
    """
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):
        for load in (json.loads, ast.literal_eval):
            try:
                parts = load(text)
            except (ValueError, SyntaxError):
                continue
            return tuple(str(part).strip() for part in parts if str(part).strip())
    return tuple(part.strip() for part in text.split(separator) if part.strip())


def kind_of_labels(cells: Sequence[Cell], column: str, data: Data, task: str) -> tuple[Kind, str]:
    """Return what the labels are, and the sentence that says so where it was a guess.

    Args:
        cells: of the train rows, without empty ones; tuples where the column holds lists.
        column: its name; `score` more likely means a number than `label` does.
        data: for the separator of several labels.
        task: as asked for; `auto` and `pair` leave the question open.
    """
    if task in ("classify", "regress", "multilabel"):
        return {"classify": "class", "regress": "number", "multilabel": "set"}[task], ""  # type: ignore[return-value]
    texts = [cell for cell in cells if isinstance(cell, str)]
    if task != "pair":
        if len(texts) < len(cells) or _are_lists(texts):
            return "set", f'Column "{column}" holds lists: several labels a row (multilabel).'
        if _are_sets(texts, data.separator):
            return "set", (
                f'Column "{column}" holds several labels a row, separated by "{data.separator}" (multilabel); '
                "for one label a row use --task classify."
            )
    distinct = set(texts)
    if not distinct or any(number_of(text) is None for text in distinct):
        return "class", ""
    if _are_classes(distinct, column, len(texts)):
        return "class", (
            f'The {len(distinct)} numbers of column "{column}" were taken as classes; '
            "to predict a number use --task regress."
        )
    return "number", (
        f'Column "{column}" was taken as a number ({len(distinct)} different values); for classes use --task classify.'
    )


def _are_lists(texts: Sequence[str]) -> bool:
    return bool(texts) and all(text.strip().startswith("[") and text.strip().endswith("]") for text in texts)


def _are_sets(texts: Sequence[str], separator: str) -> bool:
    """Return whether cells hold several labels: their parts repeat more than the cells do, and few parts make all."""
    several = [text for text in texts if separator in text]
    if len(several) < max(2, 0.02 * len(texts)):
        return False
    parts = Counter(part for text in texts for part in items_of(text, separator))
    return len(parts) < len(set(texts)) or len(parts) * 4 <= sum(parts.values())


def _are_classes(distinct: set[str], column: str, rows: int) -> bool:
    if not all(WHOLE.match(text.strip()) for text in distinct):
        return False
    values = {float(text) for text in distinct}
    if len(values) <= MAX_NUMBER_CLASSES:
        return True
    gapless = max(values) - min(values) == len(values) - 1 and min(values) in (0, 1)
    return gapless and len(values) * 2 <= rows and head_word(column) not in NUMERIC


def plain_number(text: str) -> str:
    """Return `1` for `1.0`, and everything else as it is."""
    return text.split(".")[0] if WHOLE.match(text) else text


@dataclass(slots=True)
class Spelling:
    """One spelling for every class: learnt from the train rows, applied to all.

    Args:
        renames: as `data.labels` has them.
        canonical: folded label → its most frequent spelling.
        variants: folded label → how often it was written in which way, where there are several.
    """

    renames: Mapping[str, str]
    canonical: dict[str, str] = field(default_factory=dict)
    variants: dict[str, Counter[str]] = field(default_factory=dict)
    decimals: bool = False
    _meanings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def learn(cls, labels: Iterable[str], renames: Mapping[str, str]) -> Spelling:
        """Return the spelling of the labels of the train rows."""
        written = Counter(labels)
        spelling = cls({name.strip(): target for name, target in renames.items()})
        spelling.decimals = any("." in label for label in written) and all(
            WHOLE.match(name.strip()) for name in written
        )
        by_key: dict[str, Counter[str]] = {}
        for label, count in written.items():
            name = spelling.rename(label)
            by_key.setdefault(fold(name), Counter())[name] += count
        for key, names in by_key.items():
            spelling.canonical[key] = max(names, key=lambda name: (names[name], name))
            if len(names) > 1:
                spelling.variants[key] = names
        return spelling

    def rename(self, label: str) -> str:
        """Return `label` stripped, with a decimal zero taken off where all have one, and as `data.labels` maps it."""
        name = label.strip()
        plain = plain_number(name) if self.decimals else name
        return self.renames.get(name, self.renames.get(plain, plain))

    def of(self, label: str) -> str:
        """Return the class that `label` means; an unknown one as it is written."""
        meaning = self._meanings.get(label)
        if meaning is None:
            name = self.rename(label)
            meaning = self.canonical.get(fold(name)) or self.canonical.get(fold(plain_number(name)), name)
            self._meanings[label] = meaning
        return meaning


def fold(label: str) -> str:
    """Return what is equal for labels that differ only in case or spaces."""
    return " ".join(label.split()).casefold()


def classes_of(target: Target) -> tuple[str, ...]:
    """Return the classes of a target: one, several, the kinds of its spans (each once), or none for anything else."""
    if isinstance(target, str):
        return (target,)
    if not isinstance(target, tuple):
        return ()
    names = [item.label if isinstance(item, Span) else item for item in target if not isinstance(item, Answer)]
    return tuple(dict.fromkeys(names))

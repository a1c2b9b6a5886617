"""The pattern of a recipe: where the text and the hidden word stand, and which words say the labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tunesmith.errors import Fault, did_you_mean
from tunesmith.recipe.faults import Where
from tunesmith.recipe.schema import Pattern, Recipe
from tunesmith.recipe.strategies import names_of

MASK = "mask"
"""The field of the word that is to be foreseen."""
ROLES: Mapping[str, tuple[str, ...]] = {"classify": ("text",), "pair": ("text_a", "text_b")}
"""Task → the fields of the texts, in the order in which a row has them."""
DEFAULTS: Mapping[str, str] = {"classify": "{text} It was {mask}.", "pair": "{text_a} ? {mask}, {text_b}"}
OVERWRITES: Mapping[str, str] = {
    "probe_start": "overwrites the layer that starts as the words of the labels",
    "prototype": "overwrites the layer that starts as the words of the labels",
    "contrastive": "moves the body away from what its words mean before the words are asked for",
    "reinit": "draws blocks anew, and no word can be foreseen from what they give",
}
"""Strategies that undo what a pattern starts from, with the reason."""
FIELD = re.compile(r"\{([^{}]*)\}")


def parts_of(text: str) -> tuple[list[str], list[str]]:
    """Return what stands around the fields of a pattern, one more than there are fields, and the names of these.

    Example:
        >>> parts_of("{text} It was {mask}.")
        (['', ' It was ', '.'], ['text', 'mask'])
    """
    pieces = FIELD.split(text)
    return pieces[::2], pieces[1::2]


def pattern_text(recipe: Recipe, task: str) -> str:
    """Return the pattern that rows of a task are put into; nothing where the head needs none."""
    if recipe.head != "pattern":
        return ""
    return recipe.pattern.text or DEFAULTS.get(task, DEFAULTS["classify"])


def words_of(pattern: Pattern, labels: Sequence[str]) -> dict[str, str]:
    """Return label → word: by default the name of the label, in small letters and without underscores.

    Example:
        >>> words_of(Pattern(), ["Billing_dispute"])
        {'Billing_dispute': 'billing dispute'}
    """
    return {label: pattern.words.get(label) or label.replace("_", " ").lower().strip() for label in labels}


def completed(pattern: Pattern, task: str, labels: Sequence[str]) -> Pattern:
    """Return the pattern with nothing left open."""
    return Pattern(text=pattern.text or DEFAULTS[task], words=words_of(pattern, labels))


def pattern_faults(recipe: Recipe, where: Where) -> list[Fault]:
    """Return all that is wrong with the pattern, as far as it can be said without rows."""
    if recipe.head != "pattern":
        if recipe.pattern == Pattern():
            return []
        message = f"a pattern is given, and the head is {recipe.head}."
        return [Fault("K210", where(("pattern",)), message, "Write `head: pattern`, or leave pattern out.")]
    return [*_of_settings(recipe, where), *_of_text(recipe, where), *_of_words(recipe, where)]


def word_faults(words: Mapping[str, str], labels: Sequence[str]) -> list[Fault]:
    """Return a fault for every label without a word and every word without a label; none where no words are given."""
    if not words:
        return []
    unknown = [
        Fault("K215", f"recipe: pattern.words.{label}", f'no row has the label "{label}".',
              f"{did_you_mean(label, labels)} The labels are {_some(labels)}.".strip())
        for label in words if label not in labels
    ]  # fmt: skip
    absent = [label for label in labels if label not in words]
    if absent:
        remedy = "Name a word for every label, or leave pattern.words out."
        unknown.append(Fault("K215", "recipe: pattern.words", f"there is no word for {_some(absent)}.", remedy))
    return unknown


def _of_settings(recipe: Recipe, where: Where) -> Iterator[Fault]:
    task = recipe.task
    if task in ("multilabel", "regress", "tag", "answer", "embed"):
        message = f"a pattern asks for one word of several, and {task} has other answers."
        yield Fault("K210", where(("head",)), message, "Leave head out; a pattern suits classify and pair.")
    if recipe.text.long == "window":
        message = "a pattern asks once for a text, and windows would ask for each part of it."
        yield Fault("K210", where(("text", "long")), message, "Leave text.long out: long texts are shortened.")
    for name in names_of(recipe.strategies):
        if name in OVERWRITES:
            message = f"{name} {OVERWRITES[name]}."
            yield Fault("K210", where(("strategies",)), message, f"Leave {name} or the pattern out.")


def _of_text(recipe: Recipe, where: Where) -> Iterator[Fault]:
    text = recipe.pattern.text
    if text is None:
        return
    names = parts_of(text)[1]
    task = recipe.task
    if task not in ROLES:
        task = "pair" if {"text_a", "text_b"} & set(names) else "classify"
    wanted = (*ROLES[task], MASK)
    remedy = f"Write one such as `{DEFAULTS[task]}`."
    for name in dict.fromkeys(names):
        if name not in wanted:
            message = f'there is no field "{{{name}}}"; the fields are {_fields(wanted)}.'
            yield Fault("K214", where(("pattern", "text")), message, f"{did_you_mean(name, wanted)} {remedy}".strip())
    for name in wanted:
        if names.count(name) != 1:
            message = f"{{{name}}} stands {names.count(name)} times in it, and has to stand once."
            message = f"there is no {{{name}}} in it." if name not in names else message
            yield Fault("K214", where(("pattern", "text")), message, remedy)


def _of_words(recipe: Recipe, where: Where) -> Iterator[Fault]:
    for label, word in recipe.pattern.words.items():
        if not word.strip():
            message = f'the word for "{label}" is empty.'
            yield Fault("K215", where(("pattern", "words", label)), message, "Name a word.")


def _fields(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _some(labels: Sequence[str]) -> str:
    return ", ".join(f'"{label}"' for label in labels[:8]) + (", …" if len(labels) > 8 else "")

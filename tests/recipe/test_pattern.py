"""What can be wrong with a pattern is said before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.errors import InputError
from tunesmith.recipe.complete import Facts, complete
from tunesmith.recipe.parse import dump, parse
from tunesmith.recipe.pattern import parts_of, word_faults, words_of
from tunesmith.recipe.policies import POLICIES
from tunesmith.recipe.schema import Pattern, Recipe

FACTS = Facts(
    "classify", "macro_f1", ("majority",), 100, (50, 50), 20, 512, 768, False, False, labels=("Bad", "so_good")
)


def faults(**asked: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse({"data": "a.csv", "head": "pattern", **asked})
    return [str(fault).split("\n")[0] for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{text} It was great.", "there is no {mask} in it"),
        ("It was {mask}.", "there is no {text} in it"),
        ("{text} {mask} {mask}", "{mask} stands 2 times in it"),
        ("{text} It was {maks}.", 'there is no field "{maks}"; the fields are {text}, {mask}'),
        ("{text_a} {mask}", "there is no {text_b} in it"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_told(text: str, words: str) -> None:
    found = faults(pattern={"text": text})
    assert all(fault.startswith("K214 recipe: pattern.text: ") for fault in found)
    assert any(words in fault for fault in found)


def test_fields_are_those_of_the_task() -> None:
    assert "there is no field" in faults(task="pair", pattern={"text": "{text} {mask}"})[0]
    assert "there is no field" in faults(task="classify", pattern={"text": "{text_a} {text_b} {mask}"})[0]
    asked = {"data": "a.csv", "head": "pattern", "pattern": {"text": "{text_b}? {mask}, {text_a}"}}
    assert parse(asked).task == parse({**asked, "task": "pair"}).task.replace("pair", "auto")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"task": "multilabel"}, "multilabel has other answers"),
        ({"task": "tag"}, "tag has other answers"),
        ({"task": "seq2seq"}, "seq2seq writes with the head that the model has"),
        ({"task": "masked"}, "masked reads running text"),
        ({"text": {"long": "window"}}, "a pattern asks once for a text"),
        ({"strategies": "bold"}, "probe_start overwrites the layer"),
        ({"strategies": ["prototype"]}, "prototype overwrites the layer"),
        ({"strategies": ["contrastive"]}, "contrastive moves the body"),
        ({"strategies": ["reinit"]}, "reinit draws blocks anew"),
        ({"head": "pooled", "pattern": {"words": {"a": "b"}}}, "a pattern is given, and the head is pooled"),
    ],
)
def test_what_contradicts_a_pattern_is_told_once(asked: dict[str, Any], words: str) -> None:
    [fault] = faults(**asked)
    assert fault.startswith("K210")
    assert words in fault


def test_words_and_labels_have_to_be_the_same() -> None:
    assert word_faults({}, ["bad", "good"]) == []
    assert word_faults({"bad": "poor", "good": "fine"}, ["bad", "good"]) == []
    unknown, absent = word_faults({"bad": "poor", "goood": "fine"}, ["bad", "good"])
    assert (unknown.code, unknown.where) == ("K215", "recipe: pattern.words.goood")
    assert 'Did you mean "good"?' in unknown.remedy
    assert absent.message == 'there is no word for "good".'
    assert "K215" in faults(pattern={"words": {"bad": " "}})[0]


def test_words_are_the_names_of_the_labels_by_default() -> None:
    assert words_of(Pattern(), ["Bad", "so_good"]) == {"Bad": "bad", "so_good": "so good"}
    assert words_of(Pattern(words={"b": "Great", "a": "poor"}), ["a", "b"]) == {"a": "poor", "b": "Great"}


def test_a_complete_recipe_says_pattern_and_words_and_starts_no_head_anew() -> None:
    recipe = complete(parse({"data": "a.csv", "head": "pattern"}), FACTS)
    assert recipe.pattern == Pattern(text="{text} It was {mask}.", words={"Bad": "bad", "so_good": "so good"})
    assert [name for item in recipe.strategies or () for name in item] == ["freeze", "layerwise_lr"]
    assert recipe.optimizer.head_learning_rate == recipe.optimizer.learning_rate
    assert parse(_loaded(dump(recipe))) == recipe


def test_without_the_head_nothing_of_it_is_filled_in() -> None:
    recipe = complete(Recipe(data={"train": "a.csv"}), FACTS)  # type: ignore[arg-type]
    assert recipe.pattern == Pattern()
    assert recipe.strategies == POLICIES["careful"]


def test_parts_go_together_again() -> None:
    text = "{text_a} ? {mask}, {text_b}"
    around, names = parts_of(text)
    assert around[0] + "".join(f"{{{name}}}{after}" for name, after in zip(names, around[1:], strict=True)) == text


def _loaded(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)

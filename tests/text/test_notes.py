"""Definitions stand behind a text: its own tokens stay, and the window is never overrun."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from tunesmith.core.example import Example, PairExample, TextExample
from tunesmith.knowledge.glossary import Entry, Glossary
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text.windows import Encoder

TEXTS = ["the film was good", "a book so bad", "a long tale of a film"]
GLOSSARY = Glossary(
    (Entry("film", "a long tale", ("movie",)), Entry("book so", "good was the film"), Entry("good", "so")), budget=6
)


def row(text: str, at: int = 0) -> Example:
    return TextExample(id=str(at), source=f"row {at}", text=text)


def encoded(encoder: Encoder, examples: list[Example]) -> list[dict[str, Any]]:
    return [dict(one.inputs) for one in encoder.encode(examples)]


def both(tokenizer: Any, examples: list[Example], size: int = 32, **options: Any) -> tuple[Any, Any]:
    """Return the inputs without notes and with them."""
    plain = Encoder(tokenizer, size, **options)
    noted = Encoder(tokenizer, size, reading=GLOSSARY, **options)
    return encoded(plain, examples), encoded(noted, examples)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sentence_keeps_its_tokens_and_their_places(family: str) -> None:
    tokenizer = tiny_tokenizer(TEXTS, family)
    before, after = both(tokenizer, [row("the film was good"), row("it was bad")])
    ids, noted = before[0]["input_ids"], after[0]["input_ids"]
    note = tokenizer(" film: a long tale", add_special_tokens=False)["input_ids"]
    fits = len(note) <= GLOSSARY.budget
    assert noted[: len(ids)] == ids
    assert len(noted) > len(ids)  # the definition of "good" is short in every vocabulary, or that of "film"
    assert len(noted) - len(ids) <= GLOSSARY.budget + 1
    if fits:
        assert noted[len(ids) : len(ids) + len(note)] == note
    assert noted[-1] == ids[-1]
    assert {len(values) for values in after[0].values()} == {len(noted)}
    assert set(after[0]["attention_mask"]) == {1}
    assert after[1] == before[1]


def test_what_the_text_leaves_of_the_window_is_all_there_is() -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    for size in range(3, 20):
        before, after = both(tokenizer, [row("the film was good and the film was good")], size)
        assert after[0]["input_ids"][: len(before[0]["input_ids"])] == before[0]["input_ids"]
        assert len(after[0]["input_ids"]) <= size


@pytest.mark.parametrize("budget", range(1, 12))
def test_the_budget_is_never_exceeded(budget: int) -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    reading = Glossary(GLOSSARY.entries, budget=budget)
    rows = [row("the film was good, a book so bad")]
    plain, noted = Encoder(tokenizer, 64), Encoder(tokenizer, 64, reading=reading)
    added = len(encoded(noted, rows)[0]["input_ids"]) - len(encoded(plain, rows)[0]["input_ids"])
    assert added <= budget + 1  # and the token that ends it
    assert noted.behind == budget + 1
    assert bool(noted.notes_behind(rows)[0]) == (added > 0)


def test_of_a_pair_notes_stand_behind_the_second_text() -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    pair = PairExample(id="0", source="row 0", text_a="the film", text_b="a book so bad")
    before, after = both(tokenizer, [pair])
    assert after[0]["input_ids"][: len(before[0]["input_ids"])] == before[0]["input_ids"]
    assert set(after[0]["token_type_ids"][len(before[0]["input_ids"]) :]) == {1}


@pytest.mark.parametrize("long", ["truncate", "window"])
def test_each_window_of_a_long_text_keeps_its_tokens(long: Literal["truncate", "window"]) -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    text = "the film was good a book so bad a long tale of a film"
    before, after = both(tokenizer, [row(text)], 10, long=long, overlap=2)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert other["input_ids"][: len(one["input_ids"])] == one["input_ids"]
        assert len(other["input_ids"]) <= 10


def test_behind_a_pattern_too() -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    before, after = both(tokenizer, [row("the film")], pattern="{text} was {mask}")
    assert after[0]["input_ids"][: len(before[0]["input_ids"])] == before[0]["input_ids"]
    assert after[0]["input_ids"].count(tokenizer.mask_token_id) == 1
    assert len(after[0]["input_ids"]) > len(before[0]["input_ids"])


def test_a_definition_cannot_hide_a_word() -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    reading = Glossary((Entry("film", "[MASK] [SEP]"),), budget=30)
    [inputs] = encoded(Encoder(tokenizer, 64, reading=reading), [row("the film")])
    assert tokenizer.mask_token_id not in inputs["input_ids"]
    assert inputs["input_ids"].count(tokenizer.sep_token_id) == 2


def test_aliases_are_replaced_before_tokens_are_counted() -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    reading = Glossary(GLOSSARY.entries)
    encoder, plain = Encoder(tokenizer, 32, reading=reading), Encoder(tokenizer, 32)
    assert encoded(encoder, [row("the movie was good")]) == encoded(plain, [row("the film was good")])
    assert encoder.count_tokens(["the movie"]) == plain.count_tokens(["the film"])


def test_nothing_is_noted_without_a_budget(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer(TEXTS)
    encoder = Encoder(tokenizer, 32, reading=Glossary(GLOSSARY.entries))
    assert encoded(encoder, [row("the film")]) == encoded(Encoder(tokenizer, 32), [row("the film")])
    assert encoder.behind == 0
    assert encoder.notes_behind([row("the film")]) == [0]

"""Special tokens around texts: exactly those that the tokenizer itself puts there."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text.frame import Frame

FIRST, SECOND = "the film was good", "a book"


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tiny_tokenizer([FIRST, SECOND], request.param)


def ids_of(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("texts", [(FIRST,), (FIRST, SECOND)])
def test_the_inputs_are_those_of_the_tokenizer(tokenizer: Any, texts: tuple[str, ...]) -> None:
    frame = Frame.of(tokenizer, len(texts))
    made = frame.around(*(ids_of(tokenizer, text) for text in texts))
    whole = tokenizer(*texts)
    assert made == {name: list(value) for name, value in whole.items()}
    assert set(made) == set(tokenizer.model_input_names)
    assert frame.size == tokenizer.num_special_tokens_to_add(len(texts) == 2)


def test_it_knows_where_each_text_begins(tokenizer: Any) -> None:
    first, second = ids_of(tokenizer, FIRST), ids_of(tokenizer, SECOND)
    frame = Frame.of(tokenizer, 2)
    ids = frame.around(first, second)["input_ids"]
    at, behind = frame.start_of(0), frame.start_of(1, first)
    assert ids[at : at + len(first)] == first
    assert ids[behind : behind + len(second)] == second


def test_texts_may_be_empty(tokenizer: Any) -> None:
    frame = Frame.of(tokenizer, 2)
    assert len(frame.around([], [])["input_ids"]) == frame.size
    assert frame.start_of(1, []) == sum(map(len, frame.parts[:2]))

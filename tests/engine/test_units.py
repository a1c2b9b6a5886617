"""What is read of each unit, against plain loops."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.core.batch import Batch, Features
from tunesmith.core.example import TextExample
from tunesmith.engine.infer import outputs, vectors
from tunesmith.engine.units import by_unit, mean_by
from tunesmith.models.load import load_model
from tunesmith.tasks.classify import Classify
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder


def batch_of(owner: list[int], sizes: list[int], places: list[tuple[int, int, int, int]] | None = None) -> Batch:
    table = None if places is None else torch.tensor(places, dtype=torch.long).reshape(-1, 4)
    return Batch({}, None, torch.ones(sum(sizes)), torch.tensor(owner), sizes, table)


@given(st.data())
def test_the_mean_of_the_rows_of_each_owner(data: st.DataObject) -> None:
    units = data.draw(st.integers(1, 6))
    owner = data.draw(st.permutations([*range(units), *data.draw(st.lists(st.integers(0, units - 1), max_size=6))]))
    rows = torch.randn(len(owner), 3, generator=torch.Generator().manual_seed(len(owner)))
    found = mean_by(rows, torch.tensor(owner), units)
    for unit in range(units):
        own = [rows[at] for at, of in enumerate(owner) if of == unit]
        assert torch.allclose(found[unit], sum(own) / len(own), atol=1e-6)  # type: ignore[arg-type]


def test_whole_windows_of_one_unit_are_averaged() -> None:
    values = torch.tensor([[1.0, 3.0], [3.0, 5.0], [7.0, 7.0]])
    assert by_unit(values, batch_of([0, 0, 1], [1, 1])).tolist() == [[2.0, 4.0], [7.0, 7.0]]


@pytest.mark.parametrize("last", [False, True])
def test_a_word_is_read_at_its_first_or_its_last_token(last: bool) -> None:
    values = torch.arange(2 * 5 * 2, dtype=torch.float32).reshape(2, 5, 2)
    places = [(0, 1, 2, 0), (0, 3, 3, 2), (1, 1, 1, 1), (1, 2, 4, 3)]  # windows overlap: unit 1 stands in the second
    found = by_unit(values, batch_of([0, 0], [4], places), last=last)
    wanted = [(0, 2 if last else 1), (1, 1), (0, 3), (1, 4 if last else 2)]
    assert found.tolist() == [values[window, token].tolist() for window, token in wanted]


def test_a_place_read_in_every_window_is_averaged() -> None:
    values = torch.tensor([[[1.0], [5.0]], [[3.0], [7.0]]])
    found = by_unit(values, batch_of([0, 0], [3], [(0, 0, 0, 0), (0, 1, 1, 1), (1, 0, 0, 0), (1, 1, 1, 2)]))
    assert found.tolist() == [[2.0], [5.0], [7.0]]


def test_examples_without_words_have_no_rows() -> None:
    found = by_unit(torch.zeros(1, 3, 2), batch_of([0], [0], []))
    assert found.shape == (0, 2)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_collator_numbers_units_through_and_shifts_places_by_the_padding(side: str) -> None:
    def window(ids: list[int], owner: int, units: int, places: list[tuple[int, int, int]]) -> Features:
        inputs = {"input_ids": ids, "attention_mask": [1] * len(ids)}
        return Features(inputs, target=[unit + 10 * owner for unit in range(units)], owner=owner, units=units,
                        places=places, weight=owner + 1.0)  # fmt: skip

    features = [
        window([7, 8, 9], 0, 3, [(0, 1, 1), (2, 2, 2)]), window([7, 8], 0, 3, [(1, 1, 1)]),
        window([7, 8, 9, 9], 1, 2, [(0, 1, 2), (1, 3, 3)]),
    ]  # fmt: skip
    batch = Collator(0, "token_classification", side)(features)
    assert batch.sizes == [3, 2]
    assert batch.owner.tolist() == [0, 0, 3]
    assert batch.weights.tolist() == [1, 1, 1, 2, 2]
    assert batch.targets is not None
    assert batch.targets.tolist() == [0, 1, 2, 10, 11]
    shifts = [0, 0, 0] if side == "right" else [1, 2, 0]
    assert batch.places is not None
    plain = [(0, 1, 1, 0), (0, 2, 2, 2), (1, 1, 1, 1), (2, 1, 2, 3), (2, 3, 3, 4)]
    assert batch.places.tolist() == [[w, a + shifts[w], b + shifts[w], u] for w, a, b, u in plain]
    for window_, token, _, unit in batch.places.tolist():
        assert int(batch.inputs["attention_mask"][window_, token]) == 1, f"unit {unit} is read on padding"


def test_a_document_of_many_windows_is_read_in_parts(tiny: Path, rows: list[tuple[str, str]]) -> None:
    text = " ".join(text for text, _ in rows)
    examples = [TextExample(id="1", source="row 1", text=t, target=label) for t, label in (*rows[::40], (text, "good"))]
    task = Classify().fit(examples)
    loaded = load_model(tiny, task.head(), kind="pooled", seed=1)
    features = Encoder(loaded.tokenizer, 16, "window", 4).encode(examples)
    collate = Collator(0, task.head().problem)
    most: list[int] = []
    loaded.model.register_forward_pre_hook(
        lambda _, args, kwargs: most.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    few, many = (outputs(loaded.model, task, features, collate, size=size).values for size in (3, 10_000))
    assert torch.allclose(few, many, atol=1e-6)
    assert max(most[:-1]) == 3 < most[-1] == len(features)
    few, many = (vectors(loaded.model, features, collate, size=size).values for size in (3, 10_000))
    assert torch.allclose(few, many, atol=1e-6)

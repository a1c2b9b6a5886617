"""The task that the columns speak of, and that nothing else is taken for one of the reading tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.example import Answer, Example, PairExample, QuestionExample, TripletExample
from tunesmith.data.load import load_splits
from tunesmith.data.rows import prepare
from tunesmith.data.split import split_examples, strata_of
from tunesmith.recipe.schema import Data

CONTEXT = "The pack of the Glide 2 lasts {n} hours, and the dock is open until ten."
QUESTIONS = [
    {"question": f"How long does pack {n} last?", "context": CONTEXT.format(n=n // 4), "answers": [f"{n // 4} hours"]}
    for n in range(80)
]
PASSAGES = [
    {"question": f"Is pack {n} strong?", "passage": CONTEXT.format(n=n), "answer": ["yes", "no"][n % 2]}
    for n in range(40)
]
TRIPLETS = [
    {"anchor": f"a bike with number {n}", "positive": f"cycle {n} of the fleet", "negative": f"a boat of {n} seats"}
    for n in range(40)
]


def write(tmp_path: Path, rows: list[dict[str, Any]]) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("rows", "data", "task"),
    [
        (QUESTIONS, {}, "answer"),
        ([{**row, "answers": row["answers"][0]} for row in QUESTIONS], {}, "answer"),
        (PASSAGES, {}, "pair"),  # yes and no stand in no passage
        (QUESTIONS, {"text_a": "question", "text_b": "context", "label": "answers"}, "pair"),
        (TRIPLETS, {}, "embed"),
        ([{key: row[key] for key in ("anchor", "positive")} for row in TRIPLETS], {}, "embed"),
        ([{"text": row["anchor"], "positive": n % 2, "negative": 1 - n % 2} for n, row in enumerate(TRIPLETS)],
         {"label": "positive"}, "classify"),
    ],
)  # fmt: skip
def test_the_task_is_read_off_the_columns(
    tmp_path: Path, rows: list[dict[str, Any]], data: dict[str, str], task: str
) -> None:
    got = prepare(Data(train=write(tmp_path, rows), **data))
    assert got.task == task
    assert (f"The task is {task}" in got.guesses[0]) == (task in ("answer", "embed"))


def test_examples_fit_the_task(tmp_path: Path) -> None:
    loaded = load_splits(Data(train=write(tmp_path, TRIPLETS)), seed=1)
    assert all(isinstance(example, TripletExample) for example in loaded.splits.train)
    pairs = [{key: row[key] for key in ("anchor", "positive")} for row in TRIPLETS]
    loaded = load_splits(Data(train=write(tmp_path, pairs)), seed=1)
    assert {type(example) for example in loaded.splits.train} == {PairExample}


def test_questions_about_a_text_stay_on_one_side(tmp_path: Path) -> None:
    # The contexts are made from one sentence: nearly equal ones would all stay together.
    data = Data(train=write(tmp_path, QUESTIONS), near_duplicates="ignore")
    loaded = load_splits(data, seed=1, folds=0)
    sides = [
        {example.context for example in part if isinstance(example, QuestionExample)}
        for part in (loaded.splits.train, loaded.splits.dev, loaded.splits.test)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert sum(map(len, sides)) == 20


def test_questions_without_answer_are_held_out_in_their_share() -> None:
    rows = [
        Example(id=str(n), source="", target=() if n % 5 == 0 else (Answer("x", n), Answer("y", 0))) for n in range(50)
    ]
    assert sorted(set(strata_of(rows).tolist())) == [0, 1]
    _, held = split_examples(rows, range(50), 0.2, seed=0)
    assert sum(rows[place].target == () for place in held) == 2

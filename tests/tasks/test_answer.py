"""Answers: stretches against all stretches, losses against the formula, "none", and contexts of many windows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Answer as Gold
from tunesmith.core.example import QuestionExample
from tunesmith.core.words import words_of
from tunesmith.engine.infer import outputs
from tunesmith.evaluation.answers import row_scores
from tunesmith.models.load import load_model, load_tokenizer
from tunesmith.tasks.answer import Answer, best_stretch
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder

RIVER = "The Glide rises in Norland. It reaches the sea at Port Glide."


def ask(*answers: Gold, context: str = RIVER, question: str = "Where does it rise?") -> QuestionExample:
    return QuestionExample(id="1", source="row 1", question=question, context=context, target=answers)


def read_of(*logits: list[tuple[float, float]]) -> Read:
    return Read(torch.tensor([pair for row in logits for pair in row]), [len(row) for row in logits])


def peaks(example: QuestionExample, first: int, last: int, none: float = -9.0) -> list[tuple[float, float]]:
    """Logits of a model that is sure of the words `first` to `last`."""
    size = len(words_of(example.context))
    found = [(none, none)] + [(0.0, 0.0)] * size
    for word, side in ((first, 0), (last, 1)):
        pair = list(found[word + 1])
        pair[side] = 9.0
        found[word + 1] = (pair[0], pair[1])
    return found


VALUES = st.lists(st.floats(-9, 9) | st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=9)


@given(st.data(), VALUES, st.integers(1, 10))
def test_the_best_stretch_is_the_best_of_all(data: st.DataObject, starts: list[float], longest: int) -> None:
    ends = data.draw(st.lists(st.floats(-9, 9), min_size=len(starts), max_size=len(starts)))
    first, last, value = best_stretch(np.array(starts), np.array(ends), longest)
    assert 0 <= last - first < longest
    assert value == starts[first] + ends[last]
    every = [starts[a] + ends[b] for a in range(len(starts)) for b in range(a, min(len(starts), a + longest))]
    assert value == max(every)


def test_fit_learns_the_usual_length_and_whether_there_is_none() -> None:
    one = ask(Gold("Norland", 19))
    assert Answer().fit([one]) == Answer(longest=1)
    assert Answer().fit([one, ask(Gold("reaches the sea", 31)), ask()]) == Answer(longest=3, none=True)
    task = Answer(longest=7, none=True, margin=0.5)
    assert Answer.load(task.state()) == task


def test_the_target_marks_first_and_last_word_of_every_right_answer() -> None:
    marks = Answer().target(ask(Gold("Norland", 19), Gold("in Norland", 16), Gold("Norland", 19)))
    assert [at for at, (start, _) in enumerate(marks) if start] == [4, 5]
    assert [at for at, (_, end) in enumerate(marks) if end] == [5]
    assert Answer().target(ask())[0] == [1.0, 1.0]
    assert not np.array(Answer().target(ask(Gold("elsewhere", None)))).any()


def minus_log(logits: list[float], right: list[int]) -> float:
    total = sum(math.exp(value) for value in logits)
    return -math.log(sum(math.exp(logits[at]) for at in right) / total)


def test_the_loss_is_minus_the_log_of_all_right_places_in_one_softmax() -> None:
    task = Answer(none=True)
    examples = [ask(Gold("Norland", 19), Gold("in Norland", 16)), ask(), ask(Gold("elsewhere", None))]
    marks = [task.target(example) for example in examples]
    sizes = [len(rows) for rows in marks]
    values = torch.randn(sum(sizes), 2, generator=torch.Generator().manual_seed(2), requires_grad=True)
    targets = torch.tensor([pair for rows in marks for pair in rows])
    found = task.losses(values, Batch({}, targets, torch.ones(3), torch.zeros(3), sizes))
    expected, at = [], 0
    for rows in marks:
        sides = []
        for side in (0, 1):
            right = [n for n, pair in enumerate(rows) if pair[side]]
            logits = values[at : at + len(rows), side].tolist()
            sides.append(minus_log(logits, right) if right else 0.0)
        expected.append(sum(sides) / 2)
        at += len(rows)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert expected[2] == 0.0
    found.sum().backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()
    assert not values.grad[sizes[0] + sizes[1] :].any(), "a question whose answer is nowhere teaches nothing"


def test_windows_of_a_context_compete_in_one_softmax(tiny: Path) -> None:
    task = Answer()
    loaded = load_model(tiny, task.head(), seed=4)
    context = " ".join([RIVER] * 21)
    example = ask(Gold("the sea", context.rindex("the sea")), Gold("Norland", 19), context=context)
    features = Encoder(loaded.tokenizer, 24, "window", 8, "question").encode([example], task.target)
    assert len(features) > 10
    batch = Collator(0, task.head().problem)(features)
    with torch.inference_mode():
        said = loaded.model(**batch.inputs)
        found = task.losses(task.read(said, batch), batch)
    words = words_of(context)
    starts, ends = ([0.0] * (len(words) + 1) for _ in range(2))
    for window, f in enumerate(features):
        for unit, first, last in f.places or ():
            starts[unit] += float(said.start_logits[window, first]) / (1 if unit else len(features))
            ends[unit] += float(said.end_logits[window, last]) / (1 if unit else len(features))
    names = [context[start:end] for start, end in words]
    last_the = len(names) - 1 - names[::-1].index("the")
    expected = minus_log(starts, [last_the + 1, 5]) + minus_log(ends, [last_the + 2, 5])
    assert found.tolist() == pytest.approx([expected / 2], abs=1e-4)


def test_an_answer_is_a_stretch_of_the_context() -> None:
    task, example = Answer(longest=3), ask()
    [found] = task.answers(read_of(peaks(example, 3, 4)), [example])
    assert (found[0].text, found[0].start, found[0].end) == ("in Norland", 16, 26)
    assert found[0].score > 0.99
    assert task.decode(np.array([found], dtype=object), [example])[0].label == "in Norland"
    [backwards] = task.answers(read_of(peaks(example, 4, 3)), [example])
    assert backwards[0].start < backwards[0].end, "no stretch ends before it begins"
    [long] = task.answers(read_of(peaks(example, 0, 9)), [example])
    assert len(words_of(long[0].text)) <= 3


def test_none_is_said_where_it_leads_by_more_than_the_margin() -> None:
    example = ask()
    read = read_of(peaks(example, 3, 4, none=9.5))
    assert Answer(longest=3).answers(read, [example])[0], "a model that never saw a question without answer says none"
    assert Answer(longest=3, none=True).answers(read, [example])[0] == ()
    assert Answer(longest=3, none=True, margin=1.5).answers(read, [example])[0]
    empty = ask(context="")
    assert Answer(none=True).answers(read_of([(0.0, 0.0)]), [empty])[0] == ()


def test_the_margin_is_the_best_of_all_margins() -> None:
    draw = np.random.default_rng(5)
    examples = [ask(Gold("Norland", 19)) if at % 3 else ask() for at in range(30)]
    rows = [peaks(e, 4 if draw.random() < 0.7 else 1, 4, none=float(draw.normal(8 if e.target else 10, 2)))
            for e in examples]  # fmt: skip
    task, read = Answer(longest=9, none=True), read_of(*rows)
    tuned, temperature = task.calibrate(read, examples)
    assert temperature == 1.0

    def f1(margin: float) -> float:
        found = Answer(longest=9, none=True, margin=margin).answers(read, examples)
        return float(row_scores(task.truth(examples), found)[1].mean())

    best = max(f1(float(margin)) for margin in np.linspace(-25, 25, 400))
    assert f1(tuned.margin) >= best
    assert best > max(f1(25.0), f1(-25.0)), "the test could not fail"


def long_context(last: str) -> QuestionExample:
    return ask(context="the film was " * 6_666 + "my " + last, question="what was it")


def test_every_word_of_a_context_of_20_000_words_can_be_the_answer(tiny: Path) -> None:
    tokenizer, limit = load_tokenizer(tiny)
    example = long_context("bike")
    words = words_of(example.context)
    assert len(words) == 20_000
    features = Encoder(tokenizer, limit, "window", 16, "question").encode([example])
    places = [(unit, f.inputs["input_ids"][first]) for f in features for unit, first, _ in f.places or ()]
    assert sum(unit == 0 for unit, _ in places) == len(features), "none is read in every window"
    read = sorted(place for place in places if place[0])
    assert [unit for unit, _ in read] == list(range(1, 20_001))
    said = tokenizer.convert_ids_to_tokens([token for _, token in read])
    assert said == [example.context[start:end] for start, end in words]
    for word in (0, 9_999, 19_998, 19_999):
        [found] = Answer().answers(read_of(peaks(example, word, word)), [example])
        assert (found[0].start, found[0].end) == words[word]


def test_the_last_word_of_a_context_of_20_000_words_is_read(tiny: Path) -> None:
    task = Answer()
    loaded = load_model(tiny, task.head(), seed=5)
    encoder = Encoder(loaded.tokenizer, loaded.limit, "window", 16, "question")
    collate: Any = Collator(0, task.head().problem)
    examples = [long_context("bike"), long_context("book")]
    one, other = outputs(loaded.model, task, encoder.encode(examples), collate, size=64).by_example()
    assert one.shape == other.shape == (20_001, 2)
    same = torch.isclose(one, other, atol=1e-6).all(1)
    assert not same[-1]
    assert same[1 : 20_001 - 64].all()

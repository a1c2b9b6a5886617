import math

import pytest

from tunesmith.evaluation import copying
from tunesmith.evaluation.copying import copied, lead, nearest


def texts(answers):
    assert all(math.isnan(written.loss) and written.tokens == 0 for written in answers)
    return [written.text for written in answers]


def test_a_copy_is_the_source():
    assert texts(copied(["a b", "", "电池"])) == ["a b", "", "电池"]


def test_the_lead_has_as_many_words_as_the_usual_target():
    targets = ["one", "one two three", "one two three four five"]
    sources = ["Dear  all, the meeting is off.", "  Hi!", "", "你好，世界很大。"]
    assert texts(lead(targets, sources)) == ["Dear  all,", "Hi!", "", "你好，"]
    assert texts(lead(["", ""], ["a b"])) == ["a"]


def test_the_nearest_prompt_gives_its_answer():
    prompts = ["How do I change the battery?", "Where is the depot in Leeds?", "电池怎么换？"]
    answers = ["Slide it out.", "At the harbour.", "把它拉出来。"]
    asked = ["the depot, where is it?", "怎么换电池", "change my batteries please", "?!"]
    assert texts(nearest(prompts, answers, asked, seed=0)) == [answers[1], answers[2], answers[0], answers[0]]
    assert texts(nearest(prompts, answers, [], seed=0)) == []
    assert texts(nearest([""], ["x"], ["y", "z"], seed=0)) == ["x", "x"]


@pytest.mark.parametrize("limit", ["MOST_PROMPTS", "MOST_CHARACTERS"])
def test_of_very_many_prompts_some_are_searched(monkeypatch, limit):
    monkeypatch.setattr(copying, limit, 30)
    prompts = [f"{n:05d}" for n in range(60)]
    found = texts(nearest(prompts, prompts, prompts, seed=3))
    kept = set(found)
    assert len(kept) <= (30 if limit == "MOST_PROMPTS" else 6)
    assert all(answer == prompt for answer, prompt in zip(found, prompts, strict=True) if prompt in kept)
    assert found == texts(nearest(prompts, prompts, prompts, seed=3))
    assert kept != set(texts(nearest(prompts, prompts, prompts, seed=4)))

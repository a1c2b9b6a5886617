import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Answer
from tunesmith.core.prediction import Mention
from tunesmith.evaluation.answers import ANSWERS, answer_tokens, row_scores
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.interval import bootstrap


def column(rows):
    return as_objects(tuple(row) for row in rows)


def right(*rows):
    return column([[Answer(text, None) for text in texts] for texts in rows])


def said(*texts):
    """What was given in each row; nothing for None."""
    return column([[] if text is None else [Mention(0, len(text), text, "", 1.0)] for text in texts])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The  Denver Broncos.", ["denver", "broncos"]),
        ("an U.S.-made car", ["usmade", "car"]),
        ("$5–10 (£)", ["510"]),
        ("theatre", ["theatre"]),
        ("北京大学，1898年", ["北", "京", "大", "学", "1898", "年"]),
        ("iPhone手机", ["iphone", "手", "机"]),
        ("カメラ", ["カ", "メ", "ラ"]),
        ("ที่นี่", ["ที่", "นี่"]),  # a sign of Thai keeps its marks
        ("A", ["a"]),  # not empty, as it would be without its only word
        ("€", ["€"]),
        ("  ", []),
    ],
)
def test_what_is_compared_of_an_answer(text, tokens):
    assert list(answer_tokens(text)) == tokens


def test_scores_done_by_hand():
    targets = right(
        ["Denver Broncos", "the Broncos"], ["308"], [], [], ["北京大学"], ["to be to go"], ["in 1898"], ["x"]
    )
    outputs = said("The Broncos!", "just 308 points", None, "Paris", "在北京", "to to to", None, "y")
    exact, f1 = row_scores(targets, outputs)
    assert exact.tolist() == [1, 0, 1, 0, 0, 0, 0, 0]
    # 1 of 3 and 1 of 1; 2 of 3 and 2 of 4; "to" is shared twice of 3 and of 4.
    assert f1 == pytest.approx([1, 2 * 1 / 4, 1, 0, 2 * 2 / 7, 2 * 2 / 7, 0, 0])
    figures = {name: metric(targets, outputs) for name, metric in ANSWERS.items()}
    assert figures["exact_match"] == 2 / 8
    assert figures["answer_f1"] == pytest.approx(f1.mean())
    assert figures["answered_accuracy"] == 6 / 8


def test_an_empty_right_answer_is_none_at_all():
    exact, f1 = row_scores(right([""], [""], ["", "yes"]), said(None, "yes", "yes"))
    assert exact.tolist() == f1.tolist() == [1, 0, 1]


def test_whether_there_is_an_answer_is_no_question_where_all_have_one():
    assert np.isnan(ANSWERS["answered_accuracy"](right(["a1"], ["b1"]), said("a1", None)))
    assert ANSWERS["answered_accuracy"](right(["a1"], []), said("c1", None)) == 1.0


def official(answers, prediction):
    """Exact match and F1 as the papers describe them, for ASCII: written anew, in strings instead of tokens."""

    def normal(text):
        kept = "".join(sign for sign in text.lower() if sign not in string.punctuation)
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())

    def f1(answer):
        gold, pred = normal(answer).split(), normal(prediction).split()
        if not gold or not pred:
            return float(gold == pred)
        same = sum((Counter(gold) & Counter(pred)).values())
        precision, recall = same / len(pred), same / len(gold)
        return 2 * precision * recall / (precision + recall) if same else 0.0

    golds = [answer for answer in answers if normal(answer)] or [""]
    return max(float(normal(gold) == normal(prediction)) for gold in golds), max(map(f1, golds))


# Answers of which SQuAD leaves nothing ("the", "$") are left out: there we differ on purpose.
phrases = st.lists(
    st.sampled_from(["The", "a", "cat", "Cat,", "U.S.", "$5", "5", "two-way", "dog", "an"]), max_size=5
).map(lambda words: " ".join([*words, "end"]))


@settings(deadline=None, max_examples=150)
@given(answers=st.lists(phrases, max_size=3), prediction=st.none() | phrases)
def test_scores_equal_an_independent_computation(answers, prediction):
    exact, f1 = row_scores(right(answers), said(prediction))
    assert (exact[0], f1[0]) == pytest.approx(official(answers, prediction or ""))


def test_every_figure_gets_an_interval_and_resamples_draw_rows():
    targets = right(*[["the cat", "dog"], [], ["北京"], ["x y"]] * 10)
    outputs = said(*["cat", "no", "北", None] * 5, *["dog", None, "北京", "x"] * 5)
    scores = bootstrap(ANSWERS, targets, outputs, resamples=200)
    assert set(scores) == set(ANSWERS)
    assert all(score.low < score.value < score.high for score in scores.values())
    chosen = np.random.default_rng(0).integers(0, 40, 40)
    counts = np.bincount(chosen, minlength=40)[:, None].astype(float)
    for metric in ANSWERS.values():
        assert metric.over(targets, outputs, counts)[0] == pytest.approx(metric(targets[chosen], outputs[chosen]))

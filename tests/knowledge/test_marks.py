"""Rules mark spans in whole words; their weights are what labelled rows leave; terms stand in the place of spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from tunesmith.core.batch import Read
from tunesmith.core.example import Example, Span, TextExample, TokenExample
from tunesmith.core.fusion import Asked
from tunesmith.core.words import words_of
from tunesmith.data.joined import join_words
from tunesmith.knowledge.lattice import Lattice, Stretches
from tunesmith.knowledge.marks import BESIDE, Marks
from tunesmith.knowledge.places import longest_first, marks_of
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Rules
from tunesmith.knowledge.swapped import swapped
from tunesmith.knowledge.terms import Terms, Tokens
from tunesmith.recipe.text import write_document
from tunesmith.tasks.tag import Tag

Array = np.ndarray[Any, Any]


def rules_of(tmp_path: Path, *rules: dict[str, Any], **lists: Any) -> Rules:
    path = tmp_path / "rules.yaml"
    path.write_text(write_document({"lists": lists, "rules": list(rules)}), encoding="utf-8")
    return read_rules(path)


def row(text: str, *marked: str, kind: str = "D", **columns: str) -> TextExample:
    """A row in which the first place of each of `marked` is a span."""
    spans = tuple(sorted(Span(text.index(part), text.index(part) + len(part), kind) for part in marked))
    return TextExample(id=text, source=f"row {text}", text=text, target=spans, columns=columns)


def marked(rules: Rules, example: Example) -> list[str]:
    assert isinstance(example, TextExample)
    return [example.text[mark.span.start : mark.span.end] for mark in marks_of(rules, example)]


def read_of(*logits: Array) -> Read:
    import torch

    return Read(torch.from_numpy(np.concatenate(logits).astype(np.float32)), [len(one) for one in logits])


def sure(words: int, tags: dict[int, int], odds: float) -> Array:
    """Logits of words of which some have a tag with such log odds, and all others O."""
    logits = np.zeros((words, 3))
    for at in range(words):
        logits[at, tags.get(at, 0)] = odds
    return logits


def test_places_are_found_where_folding_changes_how_many_signs_there_are() -> None:
    text = "Die Stra\N{LATIN SMALL LETTER SHARP S}e, the ﬁne cafe\N{COMBINING ACUTE ACCENT} and ST. it"
    tokens, origins = Tokens.placed(text)
    found = Terms(["strasse", "fine café", "st."]).places(tokens)
    assert [text[origins[start][0] : origins[end - 1][1]] for start, end in found] == [
        "Stra\N{LATIN SMALL LETTER SHARP S}e", "ﬁne cafe\N{COMBINING ACUTE ACCENT}", "ST.",
    ]  # fmt: skip


def test_marks_take_whole_words_and_of_nested_terms_the_longest(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "D", "words": ["breast cancer", "cancer", "cancer of the ear"]},
        {"label": "D", "pattern": "ear[a-z]*"}, {"label": "D", "words": ["pain"], "unless": ["no"]},
        {"label": "D", "words": ["pain"], "column": {"source": "a"}, "length": {"max": 2}},
    )  # fmt: skip
    assert marked(rules, row("Breast cancer of the ear")) == ["Breast cancer", "cancer of the ear", "ear"]
    assert marked(rules, row("she wears one")) == ["wears"], "a stretch takes every word that it touches"
    assert marked(rules, row("pain and no pain", source="a")) == []
    assert len(marks_of(rules, row("pain", source="a"))) == 2
    given, places = join_words(["BRCA1-linked", "cancer"])
    words = TokenExample(id="1", source="row 1", text=given, words=tuple(place for place in places if place))
    assert marked(rules_of(tmp_path, {"label": "D", "words": ["BRCA1"]}), words) == ["BRCA1-linked"]
    kept = longest_first(marks_of(rules, row("Breast cancer of the ear")))
    assert [(mark.first, mark.end) for mark in kept] == [(1, 5)]


def test_without_rows_that_the_model_has_not_seen_labelled_rows_decide(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "D", "words": ["gout"]}, {"label": "D", "words": ["cold"], "strength": 2})
    seen = [row(f"gout {n}", *(["gout"] if n < 6 else [])) for n in range(8)]
    seen += [row(f"cold {n} flu", *(["cold"] if n < 2 else ["flu"])) for n in range(5)]
    fitted = Marks.fit(rules, ("D",), seen, [], [])
    np.testing.assert_allclose(fitted.weights, [np.log(8 / 3), 0.0])  # 2 of 5 is wrong more often than not
    np.testing.assert_allclose(fitted.misses, [-np.log(1 - 6 / 13)])  # of 11 spans 6 are marked by a rule that is heard


def test_the_second_fit_is_the_mode_of_likelihood_times_prior(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "D", "words": ["gout", "bad cold"]}, {"label": "D", "words": ["cold"]})
    draw = np.random.default_rng(0)
    held = [
        row("gout came", "gout"),
        row("a bad cold", "cold"),
        row("bad cold and gout", "bad cold"),
        row("flu", "flu"),
    ]
    scores = []
    for one in held:
        logits = draw.normal(size=(len(words_of(one.text)), 3))
        scores.append(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    seen = [row(f"gout {n} and cold", "gout", "cold") for n in range(4)]
    fitted, claim = Marks.fit(rules, ("D",), seen, held, scores), Marks.fit(rules, ("D",), seen, [], [])
    # gout; bad cold, and cold inside it; the same and gout; nothing
    places = [[(0, 1, 0)], [(1, 3, 0), (2, 3, 0)], [(0, 2, 0), (1, 2, 0), (3, 4, 0)], []]
    by_rule, gold = np.array([0, 0, 1, 0, 1, 0]), np.array([1, 0, 1, 1, 0, 0])
    lattice = Lattice(scores, Stretches.of(places))

    def cost(point: Array) -> float:
        weights, misses = point[:2][by_rule], point[2:]
        away = point - np.concatenate([claim.weights, claim.misses])
        own = weights @ gold - misses[0] * 1  # of four spans flu alone is not marked
        return float(lattice.chances(weights, misses)[0] - own + (away**2).sum() / (2 * BESIDE))

    best = minimize(cost, np.ones(3), bounds=[(0, None)] * 3, method="L-BFGS-B", options={"ftol": 1e-14}).x
    np.testing.assert_allclose(np.concatenate([fitted.weights, fitted.misses]), best, atol=1e-3)


def test_a_mark_outweighs_a_doubtful_model_and_nothing_more(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "D", "words": ["gout"]})
    rows = [row("gout came"), row("flu came"), row("all well"), row("")]
    read = read_of(sure(2, {}, 1.0), sure(2, {0: 1}, 1.0), sure(2, {}, 4.0), np.zeros((0, 3)))
    task = Tag(labels=("D",))
    answers, asked = task.answers(read, rows), Asked(rows, read=read)
    marks = Marks(rules, ("D",), np.array([1.5]), np.array([0.4]))
    found = marks.adjust(answers, asked)
    assert [[one.text for one in some] for some in answers] == [[], ["flu"], [], []]
    assert [[one.text for one in some] for some in found] == [["gout"], ["flu"], [], []]
    odds = 1 / (np.e + 1) * np.exp(1.5)  # of B to the two others, which are e and 1
    assert found[0][0].score == pytest.approx(odds / (1 + odds))
    assert found[1][0].score < answers[1][0].score
    [said, other, *silent] = marks.evidence(answers, asked)
    assert said == ('gout marks "gout" as D: +1.50', "without rules: nothing")
    assert other == ()
    assert silent == [(), ()]
    stern = Marks(rules, ("D",), np.array([1.5]), np.array([3.0]))
    [_, dropped, *_] = stern.evidence(answers, asked)
    assert dropped[0] == 'no rule marks "flu" as D: -3.00'
    assert dropped[1].startswith('without rules: "flu" (D 0.')
    again = Marks.load(marks.state())
    np.testing.assert_array_equal(again.adjust(answers, asked), found)


def test_many_dev_rows_move_a_weight_far_and_few_hardly(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "D", "words": ["gout"]})
    held = [row("gout came", "gout")]
    scores = [np.log(np.array([[0.7, 0.2, 0.1], [0.8, 0.1, 0.1]]))]
    weights = [Marks.fit(rules, ("D",), held * 4, held * many, scores * many).weights[0] for many in (0, 1, 200)]
    assert weights[0] < weights[1] < weights[0] + 0.3
    assert weights[2] > weights[0] + 1


def test_terms_stand_in_the_place_of_spans(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "D", "words": ["Crohn's disease", "gout", "flu*", "12"]},
        {"label": "W", "words": ["wrong"]}, {"label": "D", "pattern": "x+"},
    )  # fmt: skip
    rows = [
        row("gout, and gout again", "gout"),
        row("nothing"),
        row("wrong W", "W", kind="W"),
        row("is wrong so wrong"),
    ]
    made = swapped(rules, rows, 8, 0)
    assert {one.text for one in made if isinstance(one, TextExample)} == {
        "gout, and gout again", "Crohn's disease, and gout again"
    }  # fmt: skip
    for one in made:
        assert isinstance(one, TextExample)
        assert isinstance(one.target, tuple)
        [span] = one.target
        assert isinstance(span, Span)
        assert one.text[span.start : span.end] in ("gout", "Crohn's disease")
    assert swapped(rules, rows, 8, 0) == made
    text, places = join_words(["a", "gout", ",", "too"])
    given = TokenExample(
        id="1", source="row 1", text=text, words=tuple(place for place in places if place), target=(Span(2, 6, "D"),)
    )
    other = next(one for one in swapped(rules, [given], 8, 1) if isinstance(one, TokenExample) and "Crohn" in one.text)
    assert [other.text[start:end] for start, end in other.words] == ["a", "Crohn", "'", "s", "disease", ",", "too"]

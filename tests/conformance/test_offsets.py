"""Offsets in every script, and texts of 20,000 words: what a trained model points at is exactly in the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Example, QuestionExample, TokenExample
from tunesmith.core.words import words_of
from tunesmith.models.tiny import FAMILIES, tiny_tokenizer
from tunesmith.text.windows import Encoder

Trained = Callable[..., Path]
KNOWN = [
    "the film was good",
    "(really). it's ... ...",
    "北京大学 小明 北京大学。 日本語 日本語",
    "👍🏽👍🏽 𠮷野𠮷野 ไทย ไทย",
]
CHINESE = ["小明", "北京大学", "。", "，", "日本語", "カタカナ", "𠮷野"]
EMOJI = ["👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "🏳️‍🌈", "1️⃣", "❤️"]
MARKS = ["é", "e\u0301", "ö̲", "a\u0308\u0301", "ก็", "नमस्ते", " \u0308", "İ"]
RIGHT_TO_LEFT = ["שלום", "שָׁלוֹם", "مَرْحَبًا", "می‌خواهم", "\u200f", "\u202b", "ﷺ"]
UNSEEN = ["\u200b", "\u200d", "\u2060", "\ufeff", "\x00", "\x07", "\ufffd", "\x85"]
SPACES = [" ", "  ", "\t", "\r\n", "\n", "\u00a0", "\u3000", "\u2028", "\x1c"]
PLAIN = ["film", "good", "the film was", "don't", "a_b", "(really).", "...", "[SEP]", "</s>", "<mask>", "𝔘𝔫𝔦", "½", "ﬁ"]
PARTS = [*CHINESE, *EMOJI, *MARKS, *RIGHT_TO_LEFT, *UNSEEN, *SPACES, *PLAIN]
texts = st.one_of(st.lists(st.sampled_from(PARTS), max_size=30).map("".join), st.text(max_size=20))
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tiny_tokenizer(KNOWN, request.param)


def asked(question: str, context: str) -> Example:
    return QuestionExample(id="1", source="row 1", question=question, context=context)


def tagged(text: str, words: tuple[tuple[int, int], ...] = ()) -> Example:
    return TokenExample(id="1", source="row 1", text=text, words=words)


@few
@given(text=texts, most=st.sampled_from([5, 8, 16, 64]), overlap=st.integers(0, 40))
def test_every_word_has_one_place_in_windows_that_fit(tokenizer: Any, text: str, most: int, overlap: int) -> None:
    size = len(words_of(text))
    features = Encoder(tokenizer, most, "window", overlap, "words").encode([tagged(text)])
    assert Counter(unit for f in features for unit, _, _ in f.places or ()) == Counter(range(size))
    for f in features:
        assert f.units == size
        assert f.length <= most
        assert all(0 <= first <= last < f.length for _, first, last in f.places or ())


@few
@given(question=texts, context=texts, most=st.sampled_from([9, 16, 64]), overlap=st.integers(0, 40))
def test_every_word_of_a_context_has_one_place_and_none_one_in_every_window(
    tokenizer: Any, question: str, context: str, most: int, overlap: int
) -> None:
    size = len(words_of(context))
    features = Encoder(tokenizer, most, "window", overlap, "question").encode([asked(question, context)])
    found = Counter(unit for f in features for unit, _, _ in f.places or ())
    assert found == Counter({0: len(features)} | dict.fromkeys(range(1, size + 1), 1))
    for f in features:
        assert f.length <= most
        assert tuple(f.places or ())[:1] == ((0, 0, 0),)
        assert all(0 <= first <= last < f.length for _, first, last in f.places or ())


@few
@given(text=texts, most=st.sampled_from([8, 64]))
def test_words_that_the_data_give_have_one_place_each(tokenizer: Any, text: str, most: int) -> None:
    """Words may be single characters, as in Chinese data whose tags stand under characters."""
    words = tuple((at, at + 1) for at, sign in enumerate(text) if not sign.isspace())
    features = Encoder(tokenizer, most, "window", 4, "words").encode([tagged(text, words)])
    size = len(words) or len(words_of(text))
    assert Counter(unit for f in features for unit, _, _ in f.places or ()) == Counter(range(size))


@pytest.fixture(scope="module")
def bundles(trained: Trained) -> dict[str, list[Bundle]]:
    """A model for each kind of tokenizer, trained on tags and on answers."""
    kinds = ("bert", "roberta", "xlm-roberta", "modernbert")
    return {task: [load_bundle(trained(task, family)) for family in kinds] for task in ("tag", "answer")}


@few
@given(batch=st.lists(texts, min_size=1, max_size=4))
def test_spans_are_exactly_in_the_text(bundles: dict[str, list[Bundle]], batch: list[str]) -> None:
    for bundle in bundles["tag"]:
        for text, said in zip(batch, bundle.predict(batch), strict=True):
            words, behind = words_of(text), 0
            for mention in said.spans:
                assert text[mention.start : mention.end] == mention.text
                assert mention.start in [start for start, _ in words]
                assert mention.end in [end for _, end in words]
                assert behind <= mention.start < mention.end, "in order, apart"
                behind = mention.end


@few
@given(batch=st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_answers_are_exactly_in_the_context(bundles: dict[str, list[Bundle]], batch: list[tuple[str, str]]) -> None:
    for bundle in bundles["answer"]:
        for (_, context), said in zip(batch, bundle.predict(batch), strict=True):
            assert len(said.spans) <= 1
            assert (said.label != "") == bool(said.spans)
            for mention in said.spans:
                assert context[mention.start : mention.end] == mention.text == said.label
                assert mention.text.strip() == mention.text


def test_a_mention_at_the_end_of_20_000_words_is_found(trained: Trained) -> None:
    bundle = load_bundle(trained("tag"))
    short = "the film was good"
    assert [m.text for m in bundle.predict([short])[0].spans][-1:] == ["good"], "the test could not fail"
    text = short + ", " + "was so " * 9_996 + short
    assert len(words_of(text)) == 20_001
    [said] = bundle.predict([text])
    assert all(text[m.start : m.end] == m.text for m in said.spans)
    last = said.spans[-1]
    assert last.text.endswith("good")
    assert last.end == len(text)


def test_an_answer_at_the_end_of_20_000_words_can_be_given(trained: Trained) -> None:
    bundle = load_bundle(trained("answer"))
    context = "was so " * 9_998 + "a book was superb"
    [example] = bundle.examples([("which is superb", context)])
    read = bundle.read([example])
    assert list(read.sizes) == [len(words_of(context)) + 1] == [20_001]
    read.values[-3, 0] += 99.0  # as if the model were sure of the words before the last
    read.values[-2, 1] += 99.0
    [found] = bundle.task.answers(read, [example])
    assert [m.text for m in found] == ["book was"]
    assert found[0].start == context.rindex("book was")


def test_texts_of_one_call_do_not_touch_each_other(trained: Trained) -> None:
    for task in ("tag", "answer"):
        bundle = load_bundle(trained(task))
        batch = ["", "the film was good", "👍🏽" * 40, "小明 good", " ", "so " * 200 + "bad", "\u200b"]
        inputs: list[Any] = batch if task == "tag" else [("which is good", text) for text in batch]
        together = bundle.predict(inputs)
        for one, among in zip(inputs, together, strict=True):
            [alone] = bundle.predict([one])
            assert [(m.start, m.end, m.label) for m in alone.spans] == [(m.start, m.end, m.label) for m in among.spans]
            assert [m.score for m in alone.spans] == pytest.approx([m.score for m in among.spans], abs=1e-4)

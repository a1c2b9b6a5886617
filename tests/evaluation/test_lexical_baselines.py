import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Answer, Span
from tunesmith.core.prediction import Mention
from tunesmith.evaluation import lexical
from tunesmith.evaluation.lexical import lexical_vectors
from tunesmith.evaluation.mentions import MarkedTexts, dictionary, majority_spans
from tunesmith.evaluation.overlap import best_overlap, first_sentence


def mark(text, *stretches):
    """The spans of stretches such as ("New York", "place"), each where it first stands."""
    return [Span(text.index(part), text.index(part) + len(part), label) for part, label in stretches]


def learnt(*rows):
    """Train texts and their spans from (text, (stretch, label), …)."""
    return MarkedTexts([text for text, *_ in rows], [mark(text, *stretches) for text, *stretches in rows])


def found(row):
    return [(mention.text, mention.label, round(mention.score, 3)) for mention in row]


def assert_exact(texts, rows):
    for text, row in zip(texts, rows, strict=True):
        assert all(
            isinstance(mention, Mention) and mention.text == text[mention.start : mention.end] for mention in row
        )


def test_dictionary_takes_the_longest_stretch_of_whole_words():
    train = learnt(
        ("We flew to New York.", ("New York", "place")),
        ("The New York Times says so", ("New York Times", "paper")),
        ("York is old", ("York", "place")),
    )
    tests = ["the New  York Times of New York", "Yorkshire and york", "New York\nTimes", ""]
    rows = dictionary(train, MarkedTexts(tests))
    assert_exact(tests, rows)
    assert [found(row) for row in rows] == [
        [("New  York Times", "paper", 1.0), ("New York", "place", 1.0)],
        [],
        [("New York\nTimes", "paper", 1.0)],
        [],
    ]


def test_dictionary_wants_half_of_the_occurrences():
    train = learnt(
        ("Apple sells", ("Apple", "company")),
        ("Apple pie", ("Apple", "food")),
        ("Apple Inc", ("Apple", "company")),
        ("Apple core",),
        ("may I",),
        ("may we",),
        ("in may", ("may", "month")),
    )
    (row,) = dictionary(train, MarkedTexts(["may Apple"]))
    assert found(row) == [("Apple", "company", 0.5)]  # marked in 3 of 4, a company in 2 of 4; may in 1 of 3


def test_occurrences_inside_a_longer_mention_do_not_count():
    train = learnt(
        ("York", ("York", "place")),
        ("New York", ("New York", "place")),
        ("New York!", ("New York", "place")),
    )
    assert found(dictionary(train, MarkedTexts(["York"]))[0]) == [("York", "place", 1.0)]
    train = learnt(("York", ("York", "place")), ("new York",), ("dear York",))
    assert dictionary(train, MarkedTexts(["York"])) == [()]


def test_dictionary_reads_chinese_and_leaves_out_spans_that_cut_a_word():
    train = learnt(("我在北京大学读书", ("北京大学", "school")), ("AppleTV", ("Apple", "company")))
    tests = ["他去了北京大学。", "Apple"]
    rows = dictionary(train, MarkedTexts(tests))
    assert_exact(tests, rows)
    assert [found(row) for row in rows] == [[("北京大学", "school", 1.0)], []]


def test_dictionary_takes_the_words_that_the_data_give():
    train = MarkedTexts(
        ["e-mail U.S. ok"], [[Span(0, 6, "thing"), Span(7, 11, "place")]], [((0, 6), (7, 11), (12, 14))]
    )
    given_words = dictionary(train, MarkedTexts(["U.S."], words=[((0, 4),)]))
    assert found(given_words[0]) == [("U.S.", "place", 1.0)]
    assert dictionary(train, MarkedTexts(["U.S."])) == [()]  # now in four words


def test_majority_is_nothing_unless_most_words_are_marked():
    train = learnt(("Ann lives in Rome", ("Ann", "person"), ("Rome", "place"), ("lives", "verb")), ("a b c",))
    assert majority_spans(train, MarkedTexts(["Ann lives"])) == [()]


def test_majority_of_word_classes_marks_every_word():
    train = learnt(("dogs bite men", ("dogs", "noun"), ("bite", "verb"), ("men", "noun")))
    (row,) = majority_spans(train, MarkedTexts(["cats run off"]))
    assert found(row) == [("cats", "noun", 0.667), ("run", "noun", 0.667), ("off", "noun", 0.667)]


def test_majority_of_long_mentions_is_one_span():
    train = learnt(("one two three four five six", ("one two three four five", "x")))
    rows = majority_spans(train, MarkedTexts([" seven eight ", ""]))
    assert [found(row) for row in rows] == [[("seven eight", "x", 0.667)], []]


ANSWERED, UNANSWERED = [(Answer("x", 0),)], [()]


@pytest.mark.parametrize(
    ("context", "first"),
    [
        ("It cost 3.5 million. Then it fell.", "It cost 3.5 million."),
        ('  "Stop!" he said. No.', '"Stop!"'),
        ("比赛在北京举行。冠军是丹佛。", "比赛在北京举行。"),
        ("他说：“好！”然后走了。", "他说：“好！”"),
        ("no end at all", "no end at all"),
        ("Title\nText follows.", "Title"),
        ("क्या? हाँ। नहीं।", "क्या?"),
    ],
)
def test_first_sentence(context, first):
    ((mention,),) = first_sentence(ANSWERED, [context])
    assert mention.text == first == context[mention.start : mention.end]


def test_no_answer_where_most_questions_have_none_or_there_is_no_text():
    assert first_sentence([*UNANSWERED, *UNANSWERED, *ANSWERED], ["One. Two."]) == [()]
    assert best_overlap([*UNANSWERED, *UNANSWERED, *ANSWERED], ["One?"], ["One. Two."]) == [()]
    assert first_sentence([*UNANSWERED, *ANSWERED], ["One. Two."])[0][0].text == "One."
    assert first_sentence(ANSWERED, [" "]) == best_overlap(ANSWERED, ["What?"], [" "]) == [()]


@pytest.mark.parametrize(
    ("question", "context", "answer"),
    [
        (
            "Who founded the mill?",
            "The town is old. The mill was founded by Ann Lee, a baker. It burnt down.",
            "was founded by Ann Lee",
        ),
        ("铁路由哪家公司运营？", "广茂铁路全长三百公里。铁路由三茂公司运营，后来停用。", "三茂"),
        ("Nothing in common?", "Rain fell, then snow. More.", "Rain fell"),
    ],
)
def test_the_answer_is_what_stands_beside_the_words_of_the_question(question, context, answer):
    ((mention,),) = best_overlap(ANSWERED, [question], [context])
    assert mention.text == answer == context[mention.start : mention.end]


def test_rare_words_count_more_than_frequent_ones():
    context = "The cat sat on the mat of the house. Zebras run."
    ((mention,),) = best_overlap(ANSWERED, ["Of the zebras, the what?"], [context])
    assert mention.text == "cat sat on the mat of the house"  # of, the, by one word more
    ((mention,),) = best_overlap(ANSWERED, ["The zebras do what?"], [context])
    assert mention.text == "run"
    assert mention.score == pytest.approx(1 / 4)


@settings(deadline=None, max_examples=80)
@given(
    question=st.text(max_size=20),
    context=st.text(alphabet=st.sampled_from("aB1 .,。！؟？\n’”)…é\u0301👍🏽北京ไ"), max_size=60),
)
def test_answers_are_exact_in_any_text(question, context):
    for rows in (first_sentence(ANSWERED, [context]), best_overlap(ANSWERED, [question], [context])):
        assert_exact([context], rows)
        assert all(mention.text.strip() == mention.text != "" and 0 <= mention.score <= 1 for mention in rows[0])
        assert len(rows[0]) == bool(context.strip())


TRAIN = ["a red train stops", "the blue boat sails", "my red car is fast", "the train is late", "她在读书", "他在看书"]
SIDES = [("the red train", "the red train", "她读书", "@"), ("a red train", "blue boats", "他看书", "\u2603")]


def true_cosines(sides):
    from tunesmith.evaluation.ngrams import features

    _, rows = features([(text,) for text in TRAIN], [(text,) for row in zip(*sides, strict=True) for text in row])
    dense = rows.toarray().astype(np.float64)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    dense = dense / np.where(lengths > 0, lengths, 1)
    return dense @ dense.T


def all_cosines(vectors):
    flat = vectors.reshape(-1, vectors.shape[2]).astype(np.float64)
    return flat @ flat.T


def test_cosines_of_few_texts_are_those_of_their_ngrams():
    vectors = lexical_vectors(TRAIN, SIDES)
    assert vectors.dtype == np.float32
    assert vectors.shape[:2] == (4, 2)
    assert np.abs(all_cosines(vectors) - true_cosines(SIDES)).max() < 1e-4
    lengths = np.linalg.norm(vectors, axis=2)
    assert lengths.ravel().tolist() == pytest.approx([1] * 6 + [0, 0], abs=1e-5)
    assert np.array_equal(vectors[0, 0], vectors[1, 0])  # the same text, the same vector


def test_cosines_of_many_texts_are_nearly_those_of_their_ngrams(monkeypatch):
    monkeypatch.setattr(lexical, "EXACT", 0)
    vectors = lexical_vectors(TRAIN, SIDES)
    assert vectors.shape == (4, 2, 2048)
    assert np.abs(all_cosines(vectors) - true_cosines(SIDES)).max() < 0.08
    assert np.array_equal(vectors, lexical_vectors(TRAIN, SIDES))
    monkeypatch.setattr(lexical, "CELLS", 8 * 300)
    assert lexical_vectors(TRAIN, SIDES).shape == (4, 2, 300)


def test_triplets_and_no_rows_at_all():
    vectors = lexical_vectors(TRAIN, [["red train"], ["a red train"], ["blue boat"]])
    (a, b, c) = vectors[0]
    assert a @ b > a @ c
    assert lexical_vectors(TRAIN, [[], []]).shape == (0, 2, 1)

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import DialogueExample, Message, TextExample
from tunesmith.core.prediction import Written
from tunesmith.errors import MissingExtra
from tunesmith.evaluation import runs
from tunesmith.evaluation.bleu import bleu_statistics, bleu_words
from tunesmith.evaluation.chrf import chrf_of
from tunesmith.evaluation.compare import compare
from tunesmith.evaluation.copying import copied
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.rouge import rouge_tokens
from tunesmith.evaluation.runs import shared_runs
from tunesmith.evaluation.sides import MOST, shown_text, sides
from tunesmith.evaluation.writing import WRITING, lengths, row_chrf

sacrebleu = pytest.importorskip("sacrebleu")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

ENGLISH = [
    ("A man in a red coat repairs the bicycle.", "A man with a red coat is repairing a bicycle."),
    ("Meeting moved to Friday, 3.5 hours (room 12-B)", "The meeting is on Friday: 3.5 hours, room 12-B."),
    ("It's over; nobody knows why.", "It's over; nobody knows why."),
    ("Yes", "No"),
    ("", "Something was said anyway."),
    ("Something should have been said.", ""),
    ("a b_c &quot;d&quot; e-f", "a b c \"d\" e - f"),
    ("Two lines\nof text.", "Two  lines of\ttext."),
]  # fmt: skip
CHINESE = [
    ("这辆车的电池可以行驶六十公里。", "车的电池可以行驶大约60公里。"),
    ("饭后服用，每日三次。", "每日三次，饭后服用。"),
    ("建议您尽快到医院做CT检查，不要拖延。", "您好，建议去医院检查。"),
    ("多喝水", "多喝水"),
    ("没有", ""),
]
MIXED = [
    ("Un homme répare un vélo près de la gare.", "Un homme répare le vélo à la gare."),
    ("Thanks 👩🏽‍🔧 Zoë, the brakes work again!", "Thank you 👍🏿 Zoe, the breaks work again 🚲"),
    ("電池が切れました。", "電池が壊れました。"),
    ("ที่นี่ไม่มีแบตเตอรี่", "ที่นี่มีแบตเตอรี่"),
    ("دراجتي في محطة الميناء", "الدراجة في المحطة"),
    ("🚲", "🚲"),
]
CORPORA = {"english": ENGLISH, "chinese": CHINESE, "mixed": MIXED, "all": ENGLISH + CHINESE + MIXED}


def rows(pairs, loss=1.5, tokens=3):
    return as_objects(right for right, _ in pairs), as_objects(Written(said, loss, tokens) for _, said in pairs)


def figures(pairs):
    truth, answers = rows(pairs)
    return {name: metric(truth, answers) for name, metric in WRITING.items()}


# --- peers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CORPORA)
def test_chrf_and_bleu_are_those_of_sacrebleu(name):
    pairs = CORPORA[name]
    right, said = [right for right, _ in pairs], [said for _, said in pairs]
    found = figures(pairs)
    assert found["chrf"] * 100 == pytest.approx(sacrebleu.corpus_chrf(said, [right]).score, abs=1e-9)
    tokenizer = "zh" if name == "chinese" else "13a"
    expected = sacrebleu.corpus_bleu(said, [right], tokenize=tokenizer, force=True)
    assert found["bleu"] * 100 == pytest.approx(expected.score, abs=1e-9)
    assert expected.score > 1


def test_chrf_of_each_row_is_that_of_sacrebleu():
    pairs = CORPORA["all"]
    expected = [sacrebleu.sentence_chrf(said, [right]).score / 100 for right, said in pairs]
    assert row_chrf(*rows(pairs)) == pytest.approx(expected, abs=1e-12)
    assert [chrf_of(right, said) for right, said in pairs] == pytest.approx(expected, abs=1e-12)


texts = st.text(st.sampled_from("ab .,3-é猫电 \n"), max_size=14)


@settings(deadline=None, max_examples=150)
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_any_texts_score_as_in_sacrebleu(pairs):
    right, said = [right for right, _ in pairs], [said for _, said in pairs]
    found = figures(pairs)
    assert found["chrf"] * 100 == pytest.approx(sacrebleu.corpus_chrf(said, [right]).score, abs=1e-9)
    expected = sacrebleu.corpus_bleu(said, [right], tokenize=bleu_words(right), force=True)
    assert found["bleu"] * 100 == pytest.approx(expected.score, abs=1e-9)


class Parted:
    def tokenize(self, text):
        return rouge_tokens(text)


def rouge(pairs, **options):
    names = ["rouge1", "rouge2", "rougeL"]
    scorer = rouge_scorer.RougeScorer(names, use_stemmer=False, **options)
    scores = [scorer.score(right, said) for right, said in pairs]
    return [np.mean([score[name].fmeasure for score in scores]) for name in names]


def test_rouge_is_that_of_rouge_score_on_ascii():
    found = figures(ENGLISH)
    assert [found[name] for name in ("rouge_1", "rouge_2", "rouge_l")] == pytest.approx(rouge(ENGLISH), abs=1e-12)


@pytest.mark.parametrize("name", CORPORA)
def test_rouge_of_our_words_is_that_of_rouge_score(name):
    found = figures(CORPORA[name])
    expected = rouge(CORPORA[name], tokenizer=Parted())
    assert [found[name] for name in ("rouge_1", "rouge_2", "rouge_l")] == pytest.approx(expected, abs=1e-12)
    assert min(expected) > 0


words = st.lists(st.sampled_from("abcd"), max_size=90).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(pairs=st.lists(st.tuples(words, words), min_size=1, max_size=3))
def test_rouge_of_any_words_is_that_of_rouge_score(pairs):
    found = figures(pairs)
    assert [found[name] for name in ("rouge_1", "rouge_2", "rouge_l")] == pytest.approx(rouge(pairs), abs=1e-12)


def test_rouge_sees_every_script():
    assert rouge_tokens("Café près_de 3.5 km") == ["café", "près", "de", "3", "5", "km"]
    assert rouge_tokens("电池，坏了！🚲") == ["电", "池", "坏", "了"]
    assert rouge_tokens("— 🚲 …") == []


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["The dog sleeps.", "狗"], "13a"),
        (["狗在睡觉。", "每日3次, CT"], "zh"),
        (["電池が切れました。", "犬は庭で寝ている"], "char"),
        (["ที่นี่ไม่มีแบตเตอรี่"], "char"),
        (["12 🚲 …", ""], "13a"),
        ([], "13a"),
    ],
)
def test_bleu_parts_words_as_the_script_of_the_references_asks(references, expected):
    assert bleu_words(references) == expected


# --- by hand -----------------------------------------------------------------------------------------------------


def test_perplexity_is_of_all_tokens_together():
    truth = as_objects(["x", "y"])
    answers = as_objects([Written("x", 3.0, 1), Written("y", 1.0, 9)])
    assert WRITING["perplexity"](truth, answers) == pytest.approx(math.exp(4 / 10))
    diverged = as_objects([Written("x", math.inf, 1), Written("y", 1.0, 9)])
    assert math.isfinite(WRITING["perplexity"](truth, diverged))


def test_exact_match_and_lengths_done_by_hand():
    found = figures([("The answer: 42!", "answer 42"), ("北京", "北京。"), ("yes", "no"), ("abcde", " ")])
    assert found["exact_match"] == 2 / 4
    assert found["empty_share"] == 1 / 4
    assert found["length_ratio"] == (9 + 3 + 2 + 1) / (15 + 2 + 3 + 5)


def test_runs_are_counted_in_parts_as_in_one_go(monkeypatch):
    pairs = CORPORA["all"]
    right, said = [right for right, _ in pairs], [said for _, said in pairs]
    whole = shared_runs(right, said, 6)
    monkeypatch.setattr(runs, "_CHUNK", 40)
    assert np.array_equal(shared_runs(right, said, 6), whole)
    assert shared_runs([], [], 4).shape == (0, 4, 3)
    assert not shared_runs(["", ""], ["", ""], 2).any()


# --- intervals ---------------------------------------------------------------------------------------------------


def drawn(pairs, seed):
    random = np.random.default_rng(seed)
    truth = as_objects(right for right, _ in pairs)
    answers = as_objects(
        Written(said, float(random.uniform(1, 9)), int(tokens))
        for (_, said), tokens in zip(pairs, random.integers(1, 9, len(pairs)), strict=True)
    )
    return random, truth, answers


@pytest.mark.parametrize("name", WRITING)
def test_a_resample_is_the_figure_of_the_drawn_rows(name):
    random, truth, answers = drawn(ENGLISH * 3, 4)
    for _ in range(4):
        chosen = random.integers(0, len(truth), len(truth))
        counts = np.bincount(chosen, minlength=len(truth))[:, None].astype(float)
        metric = WRITING[name]
        assert metric.over(truth, answers, counts)[0] == pytest.approx(metric(truth[chosen], answers[chosen]))


def test_every_figure_gets_an_interval():
    _, truth, answers = drawn(CORPORA["all"] * 3, 5)
    scores = bootstrap(WRITING, truth, answers, resamples=200)
    assert list(scores) == list(WRITING)
    assert all(score.low < score.value < score.high for score in scores.values())


def test_texts_that_were_not_asked_for_leave_the_perplexity_alone():
    truth = as_objects(["a", "b"])
    answers = as_objects([Written(None, 1.0, 2), Written(None, 2.0, 2)])
    assert list(bootstrap(WRITING, truth, answers, resamples=50)) == ["perplexity"]
    assert np.isnan(row_chrf(truth, answers)).all()
    assert lengths(truth, answers) == {}


def test_what_copies_has_no_perplexity_and_the_comparison_does_without():
    truth = as_objects(f"the number is {n}" for n in range(20))
    tuned = as_objects(Written(text, 2.0 + n % 3, 4) for n, text in enumerate(truth))
    base = as_objects(Written("hm", 9.0 + n % 3, 4) for n in range(20))
    copy = copied(["a question"] * 20)
    assert "perplexity" not in bootstrap(WRITING, truth, copy, resamples=50)
    found = compare("perplexity", WRITING, truth, tuned, {"untuned": base, "copy": copy}, resamples=100)
    assert list(found["against"]) == ["untuned"]
    assert found["verdict"].startswith("Better than the baseline: perplexity 2.")
    assert "for the pretrained model as it is" in found["verdict"]
    assert "lower is better" in found["verdict"]
    assert compare("perplexity", WRITING, truth, tuned, {"copy": copy}, resamples=100)["verdict"] == (
        "Nothing to compare with: perplexity is not defined for any baseline."
    )
    found = compare("chrf", WRITING, truth, tuned, {"untuned": base, "copy": copy}, resamples=100)
    assert [entry["outcome"] for entry in found["against"].values()] == ["tuned better"] * 2
    assert "points, 95 % interval" in found["verdict"]


def test_bleu_alone_needs_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    truth, answers = rows([("a rare pair of texts", "a pair of rare texts")])
    bleu_statistics.cache_clear()
    with pytest.raises(MissingExtra, match=r"(?s)K701.*BLEU needs sacrebleu.*pip install 'tunesmith\[write\]'"):
        WRITING["bleu"](truth, answers)
    assert all(metric(truth, answers) >= 0 for name, metric in WRITING.items() if name != "bleu")


# --- what a report shows -----------------------------------------------------------------------------------------


def test_lengths_count_every_text_once():
    truth = as_objects(["ab" * n for n in range(1, 101)])
    answers = as_objects([Written("x" * (3 * n), 0.0, 1) for n in range(99)] + [Written("x" * 4000, 0.0, 1)])
    found = lengths(truth, answers)
    assert found["empty"] == 1
    assert found["reference"] == {
        "p5": pytest.approx(11.9),
        "median": 101.0,
        "p95": pytest.approx(190.1),
        "longest": 200,
    }
    assert found["written"]["longest"] == 4000
    for side, texts in (("reference", truth), ("written", [answer.text for answer in answers])):
        assert sum(item[side] for item in found["bins"]) == 100
        for item in found["bins"]:
            assert item[side] == sum(item["low"] <= len(text) < (item["high"] or math.inf) for text in texts)
    assert [item["low"] for item in found["bins"]] == list(range(0, 300, 50))
    assert found["bins"][-1]["high"] is None


def test_sides_are_the_largest_differences_to_the_base_model():
    n = 40
    examples = [TextExample(id=str(at), source=f"row {at}", text=f"src {at}", target="abcdefgh") for at in range(n)]
    tuned = as_objects(Written("abcdefgh"[: at % 9], 0.0, 1) for at in range(n))
    base = as_objects(Written("abcdefgh"[: at % 7], 0.0, 1) for at in range(n))
    found = sides(examples, tuned, base, seed=1)
    gains = {
        row["id"]: row.get("chrf") - row.get("base_chrf") for key in ("gains", "losses", "drawn") for row in found[key]
    }
    truth = as_objects(["abcdefgh"] * n)
    every = row_chrf(truth, tuned) - row_chrf(truth, base)
    assert (found["nearer"], found["further"], found["equal"]) == (
        (every > 0).sum(), (every < 0).sum(), (every == 0).sum()
    )  # fmt: skip
    assert [gains[row["id"]] for row in found["gains"]] == pytest.approx(sorted(every[every > 0])[::-1][:MOST])
    assert [gains[row["id"]] for row in found["losses"]] == pytest.approx(sorted(every[every < 0])[:MOST])
    assert len(found["drawn"]) == MOST
    assert found == sides(examples, tuned, base, seed=1)
    assert found["drawn"] != sides(examples, tuned, base, seed=2)["drawn"]
    assert sides(examples, tuned, as_objects([Written(None, 0.0, 1)] * n), seed=1) == {}


def test_a_shown_row_holds_what_was_read_asked_for_and_written():
    turns = (Message("system", "Be brief."), Message("user", "Hi"))
    talk = DialogueExample(id="3", source="t.jsonl row 3", messages=turns, target="Hello!")
    row = shown_text(talk, Written("Hello?", 1.0, 2), Written(None, 1.0, 2))
    assert row == {
        "id": "3", "source": "t.jsonl row 3", "reference": "Hello!", "written": "Hello?",
        "chrf": chrf_of("Hello!", "Hello?"),
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    }  # fmt: skip
    text = TextExample(id="1", source="row 1", text="chien", target="dog")
    row = shown_text(text, Written("dog", 1.0, 2), Written("cat", 1.0, 2))
    assert (row["text"], row["reference"], row["written"], row["base"]) == ("chien", "dog", "dog", "cat")
    assert (row["chrf"], row["base_chrf"]) == (1.0, 0.0)

"""Pages of the tasks whose answer lies in the input: spans and answers in their texts, pairs with their cosines."""

from __future__ import annotations

import copy
import random
import re
from typing import Any

import pytest

from tunesmith.core.example import Answer, Span
from tunesmith.core.prediction import Mention
from tunesmith.evaluation.answers import row_scores
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.spans import error_kinds, kind_confusion, per_kind
from tunesmith.report.kinds import COLOURS
from tunesmith.report.page import render_page

Report = dict[str, Any]
Marked = tuple[str, list[tuple[str, str]], list[tuple[str, str]]]

KINDS = ["PRODUCT", "PART", "PLACE", "PERSON", "DATE", "ORDER", "PRICE", "COLOUR", "SIZE", "DEPOT", "CHANNEL", "LAW"]

TEXTS: list[Marked] = [
    ("My Glide 2 from the Harbour depot lost its front wheel on Monday.",
     [("Glide 2", "PRODUCT"), ("Harbour depot", "DEPOT"), ("front wheel", "PART"), ("Monday", "DATE")],
     [("Glide 2", "PRODUCT"), ("Harbour", "DEPOT"), ("front wheel", "PRODUCT"), ("Monday", "DATE")]),
    ("我的电动车电池在上海外滩坏了，订单号是 88213，请尽快退款。",
     [("电池", "PART"), ("上海外滩", "PLACE"), ("88213", "ORDER")], [("电动车电池", "PART"), ("上海", "PLACE")]),
    ("دراجتي في محطة الميناء بلا مصباح منذ الأحد، ورقم الطلب A-771.",
     [("محطة الميناء", "DEPOT"), ("مصباح", "PART"), ("الأحد", "DATE")],
     [("محطة الميناء", "DEPOT"), ("A-771", "ORDER"), ("الأحد", "DATE")]),
    ("האופניים שלי נגנבו ליד תחנת הרכבת ביום שלישי 🚲",
     [("תחנת הרכבת", "PLACE"), ("ביום שלישי", "DATE")], [("תחנת הרכבת", "PLACE")]),
    ("Thanks 👩🏽‍🔧 Zoë, the 👍🏿 brakes of the Glide\u0301 3 work again — 12 € is fair!",
     [("Zoë", "PERSON"), ("brakes", "PART"), ("Glide\u0301 3", "PRODUCT"), ("12 €", "PRICE")],
     [("Zoë", "PERSON"), ("Glide\u0301 3", "PRODUCT"), ("12 €", "PRICE")]),
    ("Nobody answered.", [], [("Nobody", "PERSON")]),
    ("All is well.", [], []),
    ("The red saddle bag of size L was bought by phone under the Sale of Goods Act.",
     [("red", "COLOUR"), ("saddle bag", "PART"), ("size L", "SIZE"), ("phone", "CHANNEL"),
      ("Sale of Goods Act", "LAW")],
     [("red", "COLOUR"), ("saddle bag", "PART"), ("size L", "SIZE"), ("phone", "CHANNEL"),
      ("Sale of Goods Act", "LAW")]),
    ("First line.\nSecond line: " + "the chain creaks a little and then it stops again. " * 60
     + "It was hired in Leeds. " + "Nothing else is wrong with it. " * 60,
     [("Leeds", "PLACE")], []),
]  # fmt: skip


def spans_of(text: str, named: list[tuple[str, str]], score: float | None = None) -> list[Report]:
    found = []
    for at, (part, kind) in enumerate(named):
        start = text.index(part)
        sure = {} if score is None else {"score": score - 0.11 * at}
        found.append({"start": start, "end": start + len(part), "label": kind, **sure})
    return found


def tagged(six: Report, texts: list[Marked] | None = None) -> Report:
    """A report of `tag`."""
    rows = [
        {"id": str(n), "source": f"desk.jsonl row {40 + n}", "text": text, "target_spans": spans_of(text, marked),
         "spans": spans_of(text, given, 0.97)}
        for n, (text, marked, given) in enumerate(TEXTS if texts is None else texts)
    ]  # fmt: skip
    truth, answers = (
        as_objects(tuple(Span(s["start"], s["end"], s["label"]) for s in row[key]) for row in rows)
        for key in ("target_spans", "spans")
    )
    n = {"macro_f1": "span_f1", "accuracy": "overlap_f1"}
    return six | {
        "run": "desk-entities", "task": "tag", "metric": "span_f1", "labels": KINDS, "calibration": None,
        "verdict": "Better than every baseline: span F1 0.812 against 0.655 for the dictionary of the training "
        "mentions (+15.7 points, 95 % interval +12.1 to +19.3, 412 rows).",
        "notes": [], "curve": None, "curve_text": None,
        "test": {n.get(k, k): v for k, v in six["test"].items() if k in n},
        "dev": {n.get(k, k): v for k, v in six["dev"].items() if k in n},
        "baselines": {
            name: {"title": title, "scores": {"span_f1": {"value": value, "low": value - 0.02, "high": value + 0.02}}}
            for name, title, value in (
                ("majority", "majority tag", 0.0), ("dictionary", "dictionary of the training mentions", 0.655)
            )
        },
        "comparison": {},
        "per_class": per_kind(truth, answers, KINDS), "confusion": kind_confusion(truth, answers, KINDS),
        "span_errors": error_kinds(truth, answers), "samples": rows,
        "errors": [row for row in rows if row["spans"] or row["target_spans"]],
    }  # fmt: skip


CONTEXT = (
    (
        "The Glide 2 was presented in Leeds in March 2021. It weighs 17.4 kg and carries up to 120 kg. "
        "The battery, made by a small firm in Hull, lasts for about sixty kilometres; in winter it lasts for forty. "
    )
    + "Service is offered at every depot. Parts are kept for ten years. " * 12
    + "The warranty ends after three years."
)

ASKED: list[tuple[str, str, list[str], str, float]] = [
    ("How far does the battery last?", CONTEXT, ["about sixty kilometres", "sixty kilometres"], "sixty kilometres;",
     0.83),
    ("How far does it go in winter?", CONTEXT, ["forty"], "about sixty kilometres", 0.61),
    ("When does the warranty end?", CONTEXT, ["after three years", "three years"], "March 2021", 0.34),
    ("Who founded the firm?", CONTEXT, [], "a small firm in Hull", 0.22),
    ("Where was it presented?", CONTEXT, ["Leeds"], "", 0.0),
    ("电池能用多久？", "这辆车的电池可以行驶六十公里。冬天只有四十公里。" * 30, ["六十公里"], "四十公里", 0.5),
    ("كم يدوم الضمان؟", "ينتهي الضمان بعد ثلاث سنوات. تتوفر الخدمة في كل محطة 🚲.", ["بعد ثلاث سنوات"], "ثلاث سنوات",
     0.71),
    ("What does it weigh?", CONTEXT, ["17.4 kg"], "17.4 kg", 0.97),
]  # fmt: skip


def asked_row(n: int, question: str, context: str, golds: list[str], given: str, sure: float) -> Report:
    def places(texts: list[str]) -> list[Report]:
        return [{"start": context.index(t), "end": context.index(t) + len(t), "label": ""} for t in texts]

    return {
        "id": str(n), "source": f"asked.json row {n}", "text": question, "context": context, "target": golds,
        "label": given, "score": sure, "target_spans": places(golds),
        "spans": [span | {"score": sure} for span in places([given] if given else [])],
    }  # fmt: skip


def answered(six: Report) -> Report:
    """A report of `answer`."""
    draw = random.Random(3)
    rows = [asked_row(n, *row) for n, row in enumerate(ASKED)]
    scores = [0.0 if draw.random() < 0.1 else draw.random() ** 0.6 for _ in range(400)]
    f1 = [float(draw.random() < s) or float(draw.random() < 0.5) * draw.random() for s in scores]
    names = {"macro_f1": "answer_f1", "accuracy": "exact_match"}
    return tagged(six) | {
        "run": "handbook", "task": "answer", "metric": "answer_f1", "labels": [], "per_class": None,
        "confusion": None, "span_errors": None, "errors": rows[:-1], "samples": rows,
        "verdict": "Better than every baseline: answer F1 0.714 against 0.198 for the sentence that shares most with "
        "the question (+51.6 points, 95 % interval +47.0 to +55.9, 400 rows).",
        "test": {names[k]: v for k, v in six["test"].items() if k in names}, "dev": {},
        "baselines": {"overlap": {"title": "sentence that shares most with the question",
                                  "scores": {"answer_f1": {"value": 0.198, "low": 0.17, "high": 0.22}}}},
        "answers": {"exact": [float(x == 1) for x in f1], "f1": f1, "score": scores},
    }  # fmt: skip


def matched(six: Report, scored: bool = True) -> Report:
    """A report of `embed`."""
    draw = random.Random(5)
    pairs = [
        [t, min(1.0, 0.16 * t + 0.15 + draw.gauss(0, 0.09))] for t in (draw.randint(0, 25) / 5 for _ in range(900))
    ]
    texts = [("A man plays a guitar.", "Someone is playing music."), ("一个男人在弹吉他。", "有人在演奏音乐。"),
             ("رجل يعزف على الغيتار", "شخص ما يعزف الموسيقى"), ("Two dogs 🐕🐕 run.", "A cat sleeps.")]  # fmt: skip
    rows = [
        {"id": str(n), "source": f"pairs.csv row {n}", "text": a, "text_b": b, "target": 4.2 - n, "label": 0.31 + n / 9,
         "score": 0.31 + n / 9}
        for n, (a, b) in enumerate(texts)
    ]  # fmt: skip
    if not scored:
        rows = [row | {"target": 1.0, "nearest": texts[(n + n % 2) % 4][1]} for n, row in enumerate(rows)]
    metric = "spearman" if scored else "mrr"
    return answered(six) | {
        "run": "pairs", "task": "embed", "metric": metric, "errors": rows, "samples": rows, "answers": None,
        "scatter": pairs if scored else None, "verdict": "Not distinguishable from the pretrained model as it is.",
        "test": {metric: {"value": 0.842, "low": 0.83, "high": 0.85, "n": 900},
                 "pearson" if scored else "recall_at_1": {"value": 0.81, "low": 0.8, "high": 0.83, "n": 900}},
        "baselines": {"tfidf": {"title": "cosine of TF-IDF vectors", "scores": {metric: {"value": 0.7}}},
                      "untuned": {"title": "pretrained model as it is", "scores": {metric: {"value": 0.83}}}},
    }  # fmt: skip


REPORTS = {
    "tag": tagged,
    "answer": answered,
    "scored": matched,
    "ranked": lambda six: matched(six, scored=False),
    "perfect": lambda six: tagged(six, TEXTS[6:8]) | {"errors": []},
}


def section(page: str, anchor: str) -> str:
    return re.search(rf'<section id="{anchor}".*?</section>', page, re.S)[0]  # type: ignore[index]


# --- tag ---------------------------------------------------------------------------------------------------------


def test_a_page_of_tag_shows_each_text_with_both_sides(samples, lines_of):
    page = render_page(tagged(samples["six"]))
    found = lines_of(section(page, "samples")).lines
    expected: list[tuple[str, list[tuple[str, str]]]] = []
    for text, marked_, given_ in TEXTS:
        expected += [(text, marked_)] if marked_ == given_ else [(text, marked_), (text, given_)]
    assert len(found) == len(expected)
    for (text, marks), (whole, named) in zip(found, expected, strict=True):
        if len(whole) <= 500:
            assert text == whole
            assert sorted(text[a:b] for a, b, *_ in marks) == sorted(part for part, _ in named)
            assert all(any(note.startswith(kind) for *_, note, _ in marks) for _, kind in named)
        else:
            assert len(text) < 600
            assert text in whole


def test_what_is_wrong_is_said_in_words_and_by_a_border(samples, lines_of):
    page = render_page(tagged(samples["six"]))
    first, second = lines_of(section(page, "errors")).lines[:2]
    assert [(note, look) for *_, note, look in first[1]] == [
        ("PRODUCT", "k0 right"), ("DEPOT", "k9 right"), ("PART", "k1 right"), ("DATE", "k4 right"),
    ]  # fmt: skip
    assert [(note.replace("\u202f", ""), look) for *_, note, look in second[1]] == [
        ("PRODUCT 97%", "k0 right"), ("DEPOT 86% · wrong bounds", "k9 off"), ("PRODUCT 75% · wrong kind", "k0 off"),
        ("DATE 64%", "k4 right"),
    ]  # fmt: skip
    notes = [note for _, marks in lines_of(page).lines for *_, note, _ in marks]
    assert "ORDER · missed" in notes
    assert any(note.endswith("· invented") for note in notes)


def test_a_kind_has_one_colour_on_the_whole_page(samples, lines_of):
    report = tagged(samples["six"])
    report["samples"][0]["spans"][0]["label"] = "unheard of"
    looks: dict[str, set[str]] = {}
    for _, marks in lines_of(render_page(report)).lines:
        for *_, note, look in marks:
            looks.setdefault(re.split(r" \d| · ", note)[0], set()).add(look.split()[0])
    assert len(looks) == len(KINDS) + 1
    assert all(len(colours) == 1 for colours in looks.values())
    assert len({next(iter(looks[kind])) for kind in KINDS}) == COLOURS == len(KINDS)
    style = re.search(r"<style>(.*?)</style>", render_page(report), re.S)
    assert style
    assert all(f"mark.k{at}{{--h:" in style[1] for at in range(COLOURS))


def test_overlapping_marks_of_one_side_stand_in_lines_of_their_own(samples, lines_of):
    text = "Bank of England notes"
    marked = [{"start": 0, "end": 15, "label": "ORG"}, {"start": 8, "end": 15, "label": "LOC"}]
    row = {"text": text, "target_spans": marked, "spans": [{"start": 8, "end": 21, "label": "LOC", "score": 0.6}]}
    page = render_page({"task": "tag", "samples": [row]})
    assert [(t, [t[a:b] for a, b, *_ in marks]) for t, marks in lines_of(page).lines] == [
        (text, ["Bank of England"]), (text, ["England"]), (text, ["England notes"]),
    ]  # fmt: skip
    assert re.findall(r'class="line-name">([^<]*)<', page) == ["marked", "also marked", "found"]


def test_spans_outside_the_text_are_left_out(lines_of):
    spans = [{"start": 1, "end": 99, "label": "X"}, {"start": None, "end": 2}, {"start": 2, "end": 2, "label": "X"}, {}]
    page = render_page({"task": "tag", "samples": [{"text": "short", "spans": spans, "target_spans": None}]})
    assert lines_of(page).lines == [("short", [])]


def test_kinds_of_errors_are_counted_in_words(samples):
    report = tagged(samples["six"]) | {
        "span_errors": {"right": 60, "boundary": 20, "kind": 8, "both": 2, "missed": 10, "invented": 30}
    }
    found = section(render_page(report), "spans")
    assert "Of 100 marked spans in the test rows 60 (60.0\u202f%) were found exactly" in found
    assert "of 120 spans that the model gave 30 (25.0\u202f%) were invented" in found
    assert re.findall(r'<td class="num">(\d+)</td>', found) == ["60", "20", "8", "2", "10", "30"]
    assert "width:50.0%" in found  # the 30 invented beside the 60 right ones


def test_a_page_of_tag_speaks_of_spans_and_kinds(samples):
    page = render_page(tagged(samples["six"]))
    assert "12 kinds" in page
    assert ">Spans</th>" in section(page, "classes")
    assert "PART</b> taken for <b>PRODUCT</b>, 1 of 5 spans" in section(page, "confusion")
    assert "in the column (none) the missed ones" in section(page, "confusion")
    assert section(page, "confusion").count('class="right"') == len(KINDS)  # nothing is right where no kind is
    assert "Rows with each kind of span" in section(page, "data")
    assert "No test row was predicted wrongly" in render_page(REPORTS["perfect"](samples["six"]))


def test_many_kinds_share_colours_and_are_listed_in_pairs(samples):
    kinds = [f"KIND-{n}" for n in range(30)]
    report = tagged(samples["six"]) | {"labels": kinds}
    labels = [*kinds, "(none)"]
    counts = [[0] * 31 for _ in labels]
    counts[3][30], counts[30][4], counts[5][6] = 9, 7, 2
    report["confusion"] = {"labels": labels, "counts": counts}
    found = section(render_page(report), "confusion")
    assert 'class="matrix"' not in found
    assert "KIND-<wbr>5</b> taken for <b>KIND-<wbr>6" in found
    assert "(none) taken for a kind is an invented span" in found


# --- answer ------------------------------------------------------------------------------------------------------


def cards(page: str, anchor: str) -> list[str]:
    return section(page, anchor).split("<li>")[1:]


def test_an_answer_stands_in_its_context_beside_the_right_one(samples, lines_of):
    shown = cards(render_page(answered(samples["six"])), "samples")
    assert len(shown) == len(ASKED)
    for card, (question, context, golds, given_, _) in zip(shown, ASKED, strict=True):
        assert question in card
        for text, marks in lines_of(card.split("</li>")[0]).lines:
            for a, b, note, _ in marks:
                assert text[a:b] == given_ if note.startswith("given") else text[a:b] in golds
        notes = [note.split()[0] for _, marks in lines_of(card.split("</li>")[0]).lines for *_, note, _ in marks]
        assert ("right" in notes) == bool(golds)
        assert ("given" in notes) == (bool(given_) and given_ not in golds)
        assert (f"The context ({len(context):,} characters)" in card) == (len(context) > 420)


def test_the_whole_context_can_be_read(samples, lines_of):
    card = cards(render_page(answered(samples["six"])), "errors")[1]
    inside = lines_of(re.search(r"<details>.*</details>", card, re.S)[0])  # type: ignore[index]
    assert [text for text, _ in inside.lines] == [CONTEXT]
    assert inside.gaps == 0


def test_the_f1_of_an_answer_is_that_of_the_figures(samples):
    found = cards(render_page(answered(samples["six"])), "samples")
    for card, (_, _, golds, given_, _) in zip(found, ASKED, strict=True):
        answers = as_objects([tuple(Answer(gold, None) for gold in golds)])
        said = as_objects([(Mention(0, 1, given_, "", 1.0),) if given_ else ()])
        exact, f1 = row_scores(answers, said)
        assert f"F1 <b><bdi>{100 * f1[0]:.1f}".replace(".", ".<wbr>") in card
        assert f"exact <b><bdi>{'yes' if exact[0] else 'no'}" in card
    assert "given <b><bdi>(no answer)" in found[4]
    assert "confidence" not in found[4]


def test_answers_by_confidence_are_means_of_their_bins():
    scores = {
        "exact": [1, 0, 0, 1, 1, 0],
        "f1": [1.0, 0.5, 0.0, 1.0, 1.0, 0.0],
        "score": [0.95, 0.91, 0.05, 1.0, 0.0, 0.0],
    }
    found = section(render_page({"task": "answer", "answers": scores}), "answers").replace("\u202f", "")
    table = re.search(r'aria-label="Answers by confidence".*?</table>', found, re.S)
    assert table
    assert re.findall(r'class="name">([^<]*)<', table[0]) == ["0–10%", "90–100%"]
    assert re.findall(r'<td class="num">([^<]*)<', table[0]) == ["0.0%", "0.0%", "1", "83.3%", "66.7%", "3"]
    outcomes = re.search(r'aria-label="Answers by how right they are".*?</table>', found, re.S)
    assert outcomes
    assert re.findall(r'<td class="num">([^<]*)<', outcomes[0]) == ["3", "50.0%", "1", "16.7%", "2", "33.3%"]
    assert "To 2 questions the model said that there is no answer, rightly to 1 of them; it answered 4." in found


def test_the_surer_half_is_set_beside_the_other():
    scores = [n / 40 for n in range(1, 41)]
    right = [float(n > 20) for n in range(1, 41)]
    page = render_page({"answers": {"exact": right, "f1": right, "score": scores}})
    assert "surest of has a mean F1 of 100.0\u202f%, the other half 0.0\u202f%" in page


# --- embed -------------------------------------------------------------------------------------------------------


def test_a_pair_stands_with_score_and_cosine(samples):
    page = render_page(matched(samples["six"]))
    card = cards(page, "errors")[1]
    assert "一个男人在弹吉他。" in card
    assert "有人在演奏音乐。" in card
    assert "score <b>3.<wbr>2</b>" in card
    assert "cosine <b>0.<wbr>421</b>" in card
    assert "confidence" not in section(page, "errors")
    scatter = section(page, "scatter")
    assert re.findall(r'class="title[^"]*">([^<]*)<', scatter) == ["cosine", "score"]
    assert "ideal" not in scatter
    assert scatter.count("<circle") == 900


def test_a_ranking_names_what_came_nearest_instead(samples):
    page = render_page(matched(samples["six"], scored=False))
    names = [re.findall(r'class="line-name">([^<]*)<', card) for card in cards(page, "errors")]
    assert names == [["text", "right, nearest"], ["text", "right", "nearest"]] * 2
    assert "score <b>" not in section(page, "errors")
    assert "MRR" in page


def test_cosines_along_the_scale_are_counted_by_hand():
    pairs = [[float(i // 2), i / 20 - 0.1] for i in range(20)]
    found = section(render_page({"task": "embed", "scatter": pairs}), "scatter")
    cells = re.findall(r'<td class="num">([^<]+)</td>', found)
    assert cells[:3] == ["4", "−0.025", "−0.100 to 0.050"]


# --- all ---------------------------------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'><b>"


def poisoned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: poisoned(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    return EVIL + value if isinstance(value, str) and key not in ("task", "metric") else value


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_of_the_data_becomes_markup(samples, name):
    report = REPORTS[name](samples["six"])
    page = render_page(report | {key: poisoned(report[key]) for key in ("errors", "samples", "labels", "per_class")})
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > (3 if name == "perfect" else 10)
    assert not re.search(r"(https?:)?//", re.sub(r">[^<]*<", "><", page))


@pytest.mark.parametrize("name", REPORTS)
def test_any_figure_of_a_row_may_be_missing(samples, name):
    report = REPORTS[name](samples["six"])
    for part in ("errors", "samples"):
        rows = report[part][:3]
        for n, row in enumerate(rows):
            for key in row:
                for without in ({k: v for k, v in row.items() if k != key}, row | {key: None}):
                    changed = [*rows[:n], without, *rows[n + 1 :]]
                    page = render_page({"task": report["task"], "labels": report["labels"], part: changed})
                    assert ">None<" not in page
    scores = copy.deepcopy(report.get("answers"))
    if scores:
        scores["f1"][0], scores["exact"][1], scores["score"][2] = None, float("nan"), None
        assert "nan" not in section(render_page({"answers": scores}), "answers")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("tag", {"spans", "confusion", "classes", "errors", "samples"}),
        ("answer", {"answers", "errors", "samples"}),
        ("scored", {"scatter", "errors", "samples"}),
        ("ranked", {"errors", "samples"}),
    ],
)
def test_sections_are_those_of_the_task(samples, name, expected):
    page = render_page(REPORTS[name](samples["six"]))
    there = set(re.findall(r'<section id="([^"]*)"', page))
    assert there - {"verdict", "baselines", "training", "findings", "data", "recipe", "lock"} == expected

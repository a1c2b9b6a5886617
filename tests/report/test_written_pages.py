"""Pages of the tasks that write: what was asked for, and what the tuned and the base model wrote."""

from __future__ import annotations

import re
from dataclasses import asdict
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import yaml

from tunesmith.core.example import DialogueExample, Example, Message, TextExample
from tunesmith.core.prediction import Written
from tunesmith.evaluation.compare import compare
from tunesmith.evaluation.copying import copied, lead
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.sides import shown_text, sides
from tunesmith.evaluation.writing import WRITING, lengths
from tunesmith.report import words
from tunesmith.report.card import render_card
from tunesmith.report.page import render_page

Report = dict[str, Any]

LONG = "The wheel was out of true, so the spokes were tightened one by one until it ran straight. " * 24

TRANSLATED = [
    ("A man in a red coat repairs a bicycle by the station.",
     "Un homme en manteau rouge répare un vélo près de la gare.", "Un homme en manteau rouge répare un vélo à la gare.",
     "A man in a red coat repairs a bicycle by the station."),
    ("Two dogs run across the snow 🐕🐕.", "Deux chiens courent dans la neige 🐕🐕.",
     "Deux chiens courent à travers la neige 🐕.", "Two dogs run across the snow."),
    ("The shop is closed on Mondays.", "Le magasin est fermé le lundi.", "Le magasin est fermé le lundi.", ""),
    ("A girl in a helmet waits for her turn.", "Une fille casquée attend son tour.",
     "Une femme attend.", "Une fille avec un casque attend son tour."),
    ("سيارة حمراء أمام البيت", "Une voiture rouge devant la maison", "Une voiture rouge devant la maison",
     "voiture voiture voiture " * 60),
    ("这辆车的电池可以行驶六十公里。", "La batterie de ce vélo tient soixante kilomètres.",
     "La batterie tient soixante kilomètres.", "Je ne sais pas."),
    (LONG, "La roue était voilée.", "La roue était voilée, et on a serré les rayons un à un.", LONG),
    ("No.", "Non.", "", "Non."),
]  # fmt: skip

TALKS = [
    ([("system", "You are the help desk of a bicycle hire. Be brief."), ("user", "My Glide 2 does not start.")],
     "Please charge the battery for two hours and try again.", "Please charge the battery for two hours.",
     "I'm sorry to hear that! There could be many reasons why it does not start:\n\n1. The battery\n2. The motor\n"
     "3. The key\n\nPlease consult a professional."),
    ([("user", "头痛怎么办？"), ("assistant", "持续多久了？"), ("user", "三天了，晚上更厉害。")],
     "建议您到医院神经内科就诊，必要时做CT检查。", "建议到神经内科检查，必要时做CT。", "多喝水，注意休息。"),
    ([("user", "Hi"), ("assistant", "Hello, how can I help?"), ("user", "Where is the Leeds depot?"),
      ("assistant", "At the harbour."), ("user", "And in Hull?"), ("assistant", "There is none yet."),
      ("user", "When will there be one?")],
     "In March.", "In March.", "I do not know."),
    ([("user", "Refund my ride <b>now</b>! " + LONG)], "It has been refunded.", "Your ride will be refunded.",
     "It has been refunded."),
]  # fmt: skip


def translated(six: Report) -> Report:
    """A report of `seq2seq`."""
    examples = [
        TextExample(id=str(n), source=f"pairs.csv row {n + 2}", text=text, target=right)
        for n, (text, right, *_) in enumerate(TRANSLATED * 8)
    ]
    return _report(six, "seq2seq", examples, [row[2:] for row in TRANSLATED * 8], ["copy", "lead"])


def talked(six: Report) -> Report:
    """A report of `chat`."""
    examples = [
        DialogueExample(
            id=str(n), source=f"talks.jsonl row {n + 1}", target=right,
            messages=tuple(Message(role, said) for role, said in turns),  # type: ignore[arg-type]
        )
        for n, (turns, right, *_) in enumerate(TALKS * 5)
    ]  # fmt: skip
    return _report(six, "chat", examples, [row[2:] for row in TALKS * 5], [])


def _report(six: Report, task: str, examples: list[Example], written: list[Any], copies: list[str]) -> Report:
    truth = as_objects(example.target for example in examples)
    draw = np.random.default_rng(1)
    tuned, base = (
        as_objects(Written(texts[at], float(draw.uniform(high / 2, high)) * 9, 9) for texts in written)
        for at, high in ((0, 1.6), (1, 3.4))
    )
    sources = [getattr(example, "text", "") for example in examples]
    known = {"copy": copied(sources), "lead": lead(list(truth), sources)}
    baselines = {"untuned": base, **{name: known[name] for name in copies}}
    metric = "chrf" if task == "seq2seq" else "perplexity"
    titles = {"untuned": "pretrained model as it is", "copy": "copy of the source", "lead": "first words of the source"}
    comparison = compare(metric, WRITING, truth, tuned, baselines, resamples=200)

    def scores(answers: Any) -> Report:
        return {name: asdict(score) for name, score in bootstrap(WRITING, truth, answers, resamples=200).items()}

    return six | {
        "run": f"{task}-1", "task": task, "metric": metric, "labels": [], "per_class": None, "confusion": None,
        "calibration": None, "curve": None, "curve_text": None, "notes": [], "dev": {},
        "verdict": comparison["verdict"], "comparison": comparison, "test": scores(tuned),
        "baselines": {name: {"title": titles[name], "scores": scores(found)} for name, found in baselines.items()},
        "errors": [shown_text(examples[at], tuned[at]) for at in range(8)], "samples": [],
        "sides": sides(examples, tuned, base, seed=7), "lengths": lengths(truth, tuned),
    }  # fmt: skip


REPORTS = {"seq2seq": translated, "chat": talked}


class Cards(HTMLParser):
    """Collects the cards of a section: (name, text) of each named line and side, without what is behind a summary."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[list[list[str]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "wbr"):
            return
        kind = dict(attrs).get("class") or ""
        self.open.append(f"{tag} {kind}".strip())
        if tag == "li":
            self.cards.append([])
        elif kind == "line-name" and "details" not in self.open[self.open.index("ul cards") + 1 :]:
            self.cards[-1].append(["", ""])
        elif kind.startswith("quote"):
            assert dict(attrs).get("dir") == ("auto" if kind == "quote" else None)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().split(" ")[0] == tag

    def handle_data(self, data: str) -> None:
        if "ul cards" not in self.open or not self.cards or not self.cards[-1]:
            return
        inside = self.open[self.open.index("ul cards") :]
        if "details" in inside[1:]:
            return
        if inside[-1].endswith("line-name"):
            self.cards[-1][-1][0] += data
        elif inside[-1].startswith(("p quote", "span gap")):
            self.cards[-1][-1][1] += data


def section(page: str, anchor: str) -> str:
    return re.search(rf'<section id="{anchor}".*?</section>', page, re.S)[0]  # type: ignore[index]


def cards(page: str, anchor: str) -> list[list[tuple[str, str]]]:
    parser = Cards()
    parser.feed(section(page, anchor))
    assert parser.open == []
    return [[(name, text) for name, text in card] for card in parser.cards]


def test_a_translation_stands_beside_its_reference_and_the_base_model(samples):
    page = render_page(translated(samples["six"]))
    rows = {row[0]: row for row in TRANSLATED}
    found = cards(page, "sides")
    seen = set()
    for card in found:
        assert [name for name, _ in card] == ["source", "reference", "tuned model", "base model"]
        source, *texts = [text for _, text in card]
        row = rows[LONG if source.endswith(" …") else source]
        seen.add(row[0])
        for text, whole in zip(texts, row[1:], strict=True):
            if text.endswith(" …"):
                assert len(whole) > 600
                assert whole.startswith(text.removesuffix(" …"))
            else:
                assert text == (whole or "(nothing)")
    assert {LONG, "No."} < seen


def test_gains_come_before_losses_and_the_counts_are_said(samples):
    report = translated(samples["six"])
    page = section(render_page(report), "sides")
    found = report["sides"]
    assert re.findall(r"<h3>([^<]*)</h3>", page) == ["Where it gained most", "Where it lost most", "Drawn at random"]
    gained = [float(x) for x in re.findall(r'badge good">\+([\d.]+) points', page)]
    lost = [float(x) for x in re.findall(r'badge bad">−([\d.]+) points', page)]
    gains = [100 * (row["chrf"] - row["base_chrf"]) for row in found["gains"]]
    losses = [100 * (row["base_chrf"] - row["chrf"]) for row in found["losses"]]
    assert gained[: len(gains)] == pytest.approx(gains, abs=0.051)
    assert lost[: len(losses)] == pytest.approx(losses, abs=0.051)
    said = page.replace("\u202f", "")
    assert f"is more like the reference than the base model&#x27;s {found['nearer']} times (" in said
    assert found["nearer"] + found["further"] + found["equal"] == 64


def test_a_dialogue_is_shown_in_turns(samples):
    page = render_page(talked(samples["six"]))
    found = cards(page, "sides")
    brief = next(card for card in found if card[0][0] == "system")
    assert brief[0] == ("system", "You are the help desk of a bicycle hire. Be brief.")
    assert [name for name, _ in brief] == ["system", "user", "reference", "tuned model", "base model"]
    long = next(card for card in found if any(text == "When will there be one?" for _, text in card))
    assert [text for _, text in long[:3]] == ["And in Hull?", "There is none yet.", "When will there be one?"]
    assert "<summary>4 earlier turns</summary>" in page
    three = next(card for card in found if ("assistant", "持续多久了？") in card)
    assert [name for name, _ in three[:3]] == ["user", "assistant", "user"]
    assert "Refund my ride &lt;b&gt;now&lt;/b&gt;!" in page


def test_long_texts_can_be_read_whole(samples):
    page = section(render_page(translated(samples["six"])), "sides")
    assert f"<summary>All {len(LONG):,} characters</summary>" in page
    assert LONG in page
    huge = [{"source": "row 1", "text": "word " * 9_000, "reference": "x", "written": "y", "chrf": 0.0}]
    page = render_page({"task": "seq2seq", "samples": huge})
    assert re.search(r"<summary>(9|10),\d{3} of 45,000 characters</summary>", page)
    assert len(page) < 60_000


def test_rows_stand_once_and_the_worst_say_what_they_are(samples):
    report = translated(samples["six"])
    rows = [report["errors"][0]]
    assert 'id="samples"' not in render_page(report | {"samples": rows})
    page = render_page(report | {"samples": rows, "sides": None})
    assert [name for name, _ in cards(page, "samples")[0]] == ["source", "reference", "tuned model"]
    assert "a good text in other words looks as bad" in section(page, "errors")


def test_lengths_are_drawn_and_tabled(samples):
    report = translated(samples["six"])
    found = section(render_page(report), "lengths").replace("\u202f", "")
    bins = report["lengths"]["bins"]
    columns = re.findall(r'<rect [^>]*class="column (\w+)"[^>]*><title>(\d+) (\w+) of', found)
    assert [int(n) for _, n, side in columns if side == "references"] == [item["reference"] for item in bins]
    assert [int(n) for _, n, side in columns if side == "written"] == [item["written"] for item in bins]
    assert {(colour, side) for colour, _, side in columns} == {("other", "references"), ("tuned", "written")}
    heights = [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', found)]
    counts = [int(n) for _, n, _ in columns]
    assert heights == pytest.approx([n * max(heights) / max(counts) for n in counts], abs=0.02)
    assert "8 of 64 texts are empty." in found
    ratio = report["test"]["length_ratio"]["value"]
    assert f"It writes {ratio:.2f} characters for each one of the references." in found
    median = report["lengths"]["written"]["median"]
    assert f'<td class="num">{median:.0f}</td>' in found


def test_figures_keep_their_names_and_their_unit(samples):
    page = render_page(translated(samples["six"])).replace("\u202f", "")
    for name in ("chrF on test rows", ">BLEU<", ">ROUGE-1<", ">ROUGE-L<", ">Perplexity<", ">Length ratio<"):
        assert name in page, name
    assert "chrF on the same rows, higher is better" in page
    page = render_page(talked(samples["six"]))
    assert "Perplexity on the same rows, lower is better" in page
    assert words.difference("perplexity", {"value": -3.25}) == "−3.250"


def test_what_copies_has_a_dash_for_its_perplexity(samples):
    report = translated(samples["six"])
    assert "perplexity" not in report["baselines"]["copy"]["scores"]
    table = re.search(r'aria-label="Every figure".*?</table>', render_page(report), re.S)
    assert table
    copy = next(row for row in table[0].split("<tr>") if "Copy of the source" in row)
    assert copy.count("<td") == len(WRITING)
    assert copy.count('<td class="num">–</td>') == 1


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_stands_whatever_is_missing(samples, name):
    report = REPORTS[name](samples["six"])
    for row in report["sides"]["gains"][:2]:
        for key in row:
            for without in ({k: v for k, v in row.items() if k != key}, row | {key: None}):
                found = report["sides"] | {"gains": [without]}
                page = render_page({"task": name, "sides": found, "errors": [without]})
                assert ">None<" not in page
                assert "nan" not in section(page, "sides")
    for key in report["sides"]:
        render_page({"task": name, "sides": {key: report["sides"][key]}})
    for key in report["lengths"]:
        assert ">None<" not in render_page({"lengths": {key: report["lengths"][key]}})
        assert ">None<" not in render_page({"lengths": report["lengths"] | {key: None}})
    assert "On no test row" in render_page({"sides": report["sides"] | {"losses": []}})


@pytest.mark.parametrize(("name", "kind"), [("seq2seq", "text2text-generation"), ("chat", "text-generation")])
def test_a_card_says_what_is_written_and_quotes_none_of_it(samples, name, kind):
    report = REPORTS[name](samples["six"])
    card = render_card(report)
    front = yaml.safe_load(card.split("---")[1])
    assert front["pipeline_tag"] == kind
    assert front["metrics"] == ["chrf", "bleu", "rouge", "exact_match", "perplexity"]
    assert "may be wrong and sound right" in card
    assert "| chrF |" in card
    assert not any(row["reference"] in card for row in report["sides"]["drawn"])


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=x>"


def poisoned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return EVIL + value if isinstance(value, str) else value


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_of_the_texts_becomes_markup(samples, name):
    report = REPORTS[name](samples["six"])
    page = render_page(report | {key: poisoned(report[key]) for key in ("sides", "errors", "lengths")})
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") > 50

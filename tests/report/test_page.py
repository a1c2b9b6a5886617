"""The page holds what the data say, nothing else, and nothing from outside."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tunesmith.errors import RunError
from tunesmith.report.page import render_page, write_page

NAMES = ["binary", "six", "many", "regression", "multilabel", "minimal"]
ALWAYS = ["verdict", "baselines"]
COMMON = [*ALWAYS, "training", "curve", "findings", "data", "recipe", "lock", "errors"]
EVIL = '<script>alert(\'x\')</script>"><img src="http://evil.test/a.png" onerror=x>\x00\ud800'
VOID = {"meta", "wbr"}


class Outline(HTMLParser):
    """Collects sections, headings, references and visible text, and checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sections: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "section":
            self.sections.append(found["id"] or "")
        if tag == "a":
            self.links.append(found["href"] or "")
        if "id" in found:
            self.ids.append(found["id"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def outline(report: dict[str, Any]) -> Outline:
    parser = Outline()
    parser.feed(render_page(report))
    assert parser.open == []
    return parser


@pytest.mark.parametrize(
    "name, expected",
    [
        ("binary", {*COMMON, "confusion", "reliability", "classes"} - {"curve"}),
        ("six", {*COMMON, "confusion", "reliability", "classes"}),
        ("many", {*COMMON, "confusion", "reliability", "classes"}),
        ("regression", {*COMMON, "scatter"}),
        ("multilabel", {*COMMON, "reliability", "classes"}),
        ("minimal", set(ALWAYS)),
    ],
)
def test_sections_are_those_the_run_measured(samples, name, expected):
    page = outline(samples[name])
    assert set(page.sections) == expected
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} == expected  # the list of contents and the skip link


def test_sections_stand_in_the_order_of_a_reader(samples):
    assert outline(samples["six"]).sections == [
        "verdict", "baselines", "training", "curve", "confusion", "reliability", "classes", "errors", "findings",
        "data", "recipe", "lock",
    ]  # fmt: skip


OPTIONAL = {
    "verdict": (), "notes": (), "model": (), "protocol": (), "created": (), "labels": (), "test": (), "dev": (),
    "metric": (), "task": (), "run": (), "kept_step": (), "speed": (), "comparison": (),
    "per_class": ("classes",), "confusion": ("confusion",), "calibration": ("reliability",), "errors": ("errors",),
    "data": ("findings", "data"), "recipe": (), "lock": ("lock",), "baselines": (), "history": (), "curve": (),
}  # fmt: skip


@pytest.mark.parametrize("key", OPTIONAL)
@pytest.mark.parametrize("missing", ["none", "gone"])
def test_any_part_may_be_missing(samples, key, missing):
    report = samples["six"]
    full = outline(report).sections
    if missing == "none":
        report[key] = None
    else:
        del report[key]
    page = outline(report)
    assert page.sections == [section for section in full if section not in OPTIONAL[key]]
    assert "None" not in page.text
    assert "nan" not in page.text


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the parts that the page draws, two entries of each list being enough."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in leaves(item, (*path, key))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [found for i, item in enumerate(value[:2]) for found in leaves(item, (*path, i))]
    return [path]


@pytest.mark.parametrize("name", ["six", "regression"])
def test_any_figure_may_be_none_or_nan(samples, name):
    report = {key: value for key, value in samples[name].items() if key not in ("recipe", "lock", "schema")}
    report |= {key: (report.get(key) or [])[:9] for key in ("history", "errors", "scatter")}
    report["data"]["labels"] = {"train": {"entity": 3}}
    places = leaves(report)
    assert len(places) > 120
    for i, place in enumerate(places):
        changed = copy.deepcopy(report)
        inside: Any = changed
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = float("nan") if isinstance(inside[place[-1]], float) and i % 2 else None
        page = render_page(changed)
        assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S), place
        assert ">None<" not in page, place


def test_an_empty_report_is_still_a_page():
    page = outline({})
    assert page.sections == ["verdict"]
    assert "no verdict" in page.text


def hostile(report: dict[str, Any]) -> dict[str, Any]:
    """Put markup wherever a text of the user can stand."""
    report = copy.deepcopy(report)
    for key in ("run", "verdict", "created", "task", "curve_text", "recipe_digest"):
        report[key] = EVIL
    report["notes"] = report["labels"] = [EVIL]
    report["protocol"]["text"] = report["model"]["name"] = report["model"]["head"] = EVIL
    for part in ("per_class", "errors"):
        for item in report[part] or []:
            item |= dict.fromkeys(("label", "target", "text", "text_b", "source", "id"), EVIL)
    if report["confusion"]:
        report["confusion"]["labels"] = [f"{EVIL}{i}" for i in range(len(report["confusion"]["labels"]))]
    for baseline in report["baselines"].values():
        baseline["title"] = EVIL
    for test in report["comparison"]["against"].values():
        test["outcome"] = EVIL
    for moment in report["history"]:
        moment["stage"] = EVIL
    data = report["data"]
    data["columns"], data["guesses"] = {EVIL: EVIL}, [EVIL]
    data["labels"], data["files"] = {EVIL: {EVIL: 3}}, {EVIL: {"sha256": EVIL, "rows_read": 3}}
    data["findings"] = [dict.fromkeys(("code", "severity", "message", "remedy", "source"), EVIL) | {"rows": [EVIL]}]
    report["recipe"] = report["lock"] = {EVIL: EVIL}
    return report


@pytest.mark.parametrize("name", ["six", "many"])
def test_nothing_from_the_data_becomes_markup(samples, name):
    calm, page = outline(samples[name]), outline(hostile(samples[name]))
    assert page.text.count("<script>alert('x')</script>") > 30
    assert not {"script", "img"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key.startswith("on") or key == "src"]
    assert set(page.tags) <= set(calm.tags)
    assert not re.search("[\x00-\x08\ud800-\udfff]", page.text)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_loaded_from_outside(samples, name):
    page = render_page(samples[name])
    parser = outline(samples[name])
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(parser.tags)
    assert all(link.startswith("#") for link in parser.links)
    assert not [key for key, _ in parser.attributes if key in ("src", "srcset", "data", "action", "xlink:href")]
    assert "//" not in re.sub(r">[^<]*<", "><", page)  # no address outside of visible text
    style = re.search(r"<style>(.*?)</style>", page, re.S)
    assert style
    assert not re.search(r"url\(|@import|@font-face", style[1])
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in parser.attributes


@pytest.mark.parametrize("name, plots", [("six", 6), ("many", 6), ("binary", 5), ("regression", 6), ("minimal", 0)])
def test_plots_are_xml_with_a_description(samples, name, plots):
    for report in (samples[name], hostile(samples[name]) if plots else {}):
        found = re.findall(r"<svg.*?</svg>", render_page(report), re.S)
        assert len(found) == (plots if report else 0)
        for svg in found:
            root = ElementTree.fromstring(svg)
            assert root.get("role") == "img"
            assert len(root.get("aria-label") or "") > 20
            width, height = map(float, (root.get("viewBox") or "").split()[2:])
            for dot in root.iter("circle"):
                assert 0 <= float(dot.get("cx", -1)) <= width
                assert 0 <= float(dot.get("cy", -1)) <= height


def test_few_classes_are_a_matrix(samples):
    page = render_page(samples["six"])
    matrix = re.search(r'<table class="matrix">.*?</table>', page, re.S)
    assert matrix
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", matrix[0])
    counts = [n for row in samples["six"]["confusion"]["counts"] for n in row]
    assert cells == [str(n) if n else "·" for n in counts]


def test_many_classes_are_a_list_of_pairs_and_a_table_that_opens(samples):
    report = samples["many"]
    page = render_page(report)
    counts = report["confusion"]["counts"]
    most = max(counts[i][j] for i in range(77) for j in range(77) if i != j)
    pairs = re.search(r'aria-label="Most confused pairs".*?</table>', page, re.S)
    assert 'class="matrix"' not in page
    assert pairs
    assert pairs[0].count("<tr>") == 21
    assert int(re.findall(r'<td class="num">(\d+)</td>', pairs[0])[0]) == most
    rest = re.search(r"<details><summary>All 77 classes</summary>(.*?)</details>", page, re.S)
    assert rest
    f1 = [float(x) for x in re.findall(r'meter wide-only">.*?</td><td class="num">([\d.]+)\u202f%', rest[1])]
    assert len(f1) == 77
    assert f1 == sorted(f1)


def test_the_order_of_models_follows_the_metric(samples):
    def order(report: dict[str, Any]) -> list[str]:
        svg = ElementTree.fromstring(re.findall(r"<svg[^>]*plot wide.*?</svg>", render_page(report), re.S)[0])
        return [text.text or "" for text in svg.iter("text") if "label" in (text.get("class") or "").split()][::2]

    report = samples["regression"]
    assert order(report) == ["TF-IDF with logistic regression", "Tuned model", "Majority class"]
    report["metric"] = "rmse"
    report["test"] = {"rmse": {"value": 0.5}}
    for baseline, value in zip(report["baselines"].values(), (1.4, 0.4), strict=True):
        baseline["scores"] = {"rmse": {"value": value}}
    assert order(report) == ["TF-IDF with logistic regression", "Tuned model", "Majority class"]


@pytest.mark.parametrize("name, tone", [("six", "good"), ("binary", "even"), ("regression", "bad"), ("minimal", "")])
def test_the_verdict_has_the_colour_of_its_outcome(samples, name, tone):
    assert f'class="verdict {tone}"'.replace(' "', '"') in render_page(samples[name])


def test_one_better_baseline_turns_the_verdict(samples):
    report = samples["six"]
    report["comparison"]["against"]["majority"]["outcome"] = "baseline better"
    assert 'class="verdict bad"' in render_page(report)


def test_numbers_are_written_for_readers(samples):
    text = outline(samples["six"]).text.replace("\xa0", " ").replace("\u202f", "")
    for words in ("90.6%", "88.0–92.9%", "+3.5 points", "3 min 35 s", "22.7 M", "1.31 GB", "5,452", "kept: 91.2%"):
        assert words in text, words
    assert "−0.050" in outline(samples["regression"]).text


def test_errors_of_a_regression_are_tabled_along_the_scale(samples):
    pairs = [[float(i), float(i) + (1 if i < 5 else -1)] for i in range(10)]
    page = render_page(samples["regression"] | {"scatter": [*pairs, [None, 1.0]]})
    table = re.search(r'aria-label="Errors by true value".*?</table>', page, re.S)
    assert table
    assert re.findall(r'<th scope="row" class="name">(.*?)</th>', table[0])[0] == "0 to 1"
    assert [float(x.replace("−", "-")) for x in re.findall(r'<td class="num">([^<]+)</td>', table[0])] == [
        2, 1, 1, 2, 1, 1, 2, 0, 1, 2, -1, 1, 2, -1, 1,
    ]  # fmt: skip


def test_the_page_is_written_whole(tmp_path: Path, samples):
    target = tmp_path / "run" / "report.html"
    write_page(samples["six"], target)
    assert target.read_text(encoding="utf-8") == render_page(samples["six"])
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError):
        write_page(samples["six"], tmp_path / "file" / "report.html")

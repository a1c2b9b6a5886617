"""The card says what happened, and what is not known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunesmith.report.card import render_card, write_card

NAMES = ["binary", "six", "many", "regression", "multilabel", "minimal"]
SECTIONS = ["Intended use", "Scores", "Data", "Training", "Limits", "How to load it"]


def split(card: str) -> tuple[dict[str, Any], str]:
    _, front, body = card.split("---\n", 2)
    return yaml.safe_load(front), body.replace("\u202f", "")


@pytest.mark.parametrize("name", NAMES)
def test_front_matter_and_sections(samples, name):
    front, body = split(render_card(samples[name]))
    assert front["pipeline_tag"] == "text-classification"
    assert front["tags"] == ["tunesmith", samples[name]["task"]]
    assert "language" not in front
    assert re.findall(r"^## (.*)$", body, re.M) == SECTIONS
    assert not re.search(r"None(?!\))", body)  # `top_k=None)` is code
    assert front.get("license") == (None if name == "minimal" else "apache-2.0")


def test_scores_stand_with_their_intervals_and_baselines(samples):
    front, body = split(render_card(samples["six"]))
    assert front["metrics"] == ["f1", "accuracy", "matthews_correlation", "roc_auc"]
    assert "| Macro-F1 | 90.6% | 88.0–92.9% |" in body
    assert "| TF-IDF with logistic regression | 84.2% | 81.2–86.9% |" in body


def test_what_is_unknown_is_said(samples):
    _, body = split(render_card(samples["minimal"]))
    assert "Licence of the base model: unknown" in body
    assert "whether a simpler model would do as well is unknown" in body
    assert "Whether its probabilities can be believed was not measured" in body
    assert "| Accuracy | 50.0% | unknown |" in body
    assert "bootstrap" not in body
    assert "No score is recorded." in render_card({})


def test_limits_follow_from_the_figures(samples):
    report = samples["binary"]
    report["per_class"][0] |= {"f1": 0.0, "support": 7}
    _, body = split(render_card(report))
    assert "tested on 189 rows only" in body
    assert "cannot tell it from a simpler model: Frozen model with a linear head." in body
    report["comparison"]["against"]["tfidf"]["outcome"] = "baseline better"
    assert "a simpler model is better: TF-IDF with logistic regression." in render_card(report)
    assert "no firm figure of their own: negative." in body
    assert "Never recognised in the test: negative." in body
    report["forgetting"] = {"verdict": "Half of what it knew of other texts is lost."}
    assert "- Half of what it knew of other texts is lost." in split(render_card(report))[1]


@pytest.mark.parametrize(
    ("task", "pattern", "asked"),
    [
        ("classify", "{text} It was [MASK].", 'pattern.replace("{text}", "a text")'),
        ("pair", "{text_a} [MASK] {text_b}",
         'pattern.replace("{text_a}", "the first text").replace("{text_b}", "the second")'),
    ],
)  # fmt: skip
def test_a_pattern_is_written_by_whoever_loads_the_model(samples, task, pattern, asked):
    report = samples["binary"] | {"task": task}
    words = {"negative": "bad", "positive": "great"}
    report["model"] = report["model"] | {"head": "pattern", "pattern": pattern, "words": words}
    card = render_card(report)
    assert "import tunesmith  # registers the head" in card
    assert f'pattern = "{pattern}"' in card
    assert f"predict({asked})" in card
    assert "without one, its scores are NaN" in card
    assert "- Words at the start: negative: bad, positive: great" in card


def test_scores_of_dev_or_folds_are_named_so(samples):
    report = samples["six"]
    report["protocol"] = {"name": "folds", "text": "Five folds."}
    assert "each predicted by a model that had not seen it" in render_card(report)
    report["test"] = None
    assert "these figures flatter" in render_card(report)
    assert "No test split was measured." in render_card(report)


@pytest.mark.parametrize(
    "change, words",
    [
        ({}, 'predict("a text")'),
        ({"task": "multilabel"}, ", top_k=None)"),
        ({"task": "regress"}, ', function_to_apply="none")'),
        ({"task": "pair"}, 'predict({"text": "the first text", "text_pair": "the second"})'),
    ],
)
def test_the_code_of_the_card_is_python(samples, change, words):
    card = render_card(samples["six"] | change)
    code = re.search(r"```python\n(.*?)```", card, re.S)
    assert code
    compile(code[1], "card", "exec")
    assert words in code[1]
    assert "import tunesmith" in code[1]
    own = render_card(samples["six"] | {"model": {"head": "BertForSequenceClassification"}})
    assert "import tunesmith" not in own


def test_nothing_from_the_data_becomes_markup_and_no_row_is_quoted(samples):
    report = samples["six"]
    report["labels"][0] = "a`<b>`\n# x"
    report["notes"] = ["<script>alert(1)</script> | [x](y)"]
    report["run"] = "---\nlicense: mit"
    report["data"]["findings"][2]["message"] = "<img>\n## Heading"
    front, body = split(render_card(report))
    assert front["license"] == "apache-2.0"
    assert re.findall(r"^##? (.*)$", body, re.M) == ["--- license: mit", *SECTIONS]
    assert not re.search(r"(?<!\\)<(script|img)", body)
    assert "\\| \\[x\\](y)" in body
    assert all(mistake["text"] not in body for mistake in report["errors"])


def test_the_card_is_written_whole(tmp_path: Path, samples):
    write_card(samples["six"] | {"run": "lone \ud800"}, tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("---\nlicense: apache-2.0\n")

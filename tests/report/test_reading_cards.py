"""Cards of the tasks whose answer lies in the input: the code on them runs as it stands, and agrees with tunesmith."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunesmith.core.example import Answer, Example, PairExample, QuestionExample, Span, TextExample
from tunesmith.report.card import render_card

LONG = "one two three four five six seven"
"""Answers may be as long as this one, so that the text of the card is no longer than an answer."""

WORDS = "a question text another the that holds answer"
"""What the code of the card is about: each word is a token."""

ROWS: dict[str, Example] = {
    "tag": TextExample(id="1", source="", text="a good film", target=(Span(2, 6, "MOOD"),)),
    "answer": QuestionExample(id="1", source="", question="a", context=LONG, target=(Answer(LONG, 0),)),
    "embed": PairExample(id="1", source="", text_a="a", text_b="b", target=1.0),
}


def codes(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card, re.S)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a model of a task that knows nothing, go to its run folder and return its card."""
    from tunesmith.bundle.save import Contents, save_bundle
    from tunesmith.models.load import load_model
    from tunesmith.models.tiny import save_tiny
    from tunesmith.recipe.catalogue import load_entry
    from tunesmith.recipe.schema import Text

    def make(name: str) -> str:
        task = load_entry("tasks", name)().fit([ROWS[name]])
        made = load_model(save_tiny(tmp_path / "tiny", [WORDS]), task.head(), seed=1)
        text = Text(max_tokens=16, long="window", overlap=4)
        save_bundle(tmp_path / "model", made.model, made.tokenizer, Contents(task, text, 1.0, "digest", 1))
        monkeypatch.chdir(tmp_path)
        return render_card({"task": name, "labels": list(task.labels)})

    return make


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "card", "exec"), names)
    return names


def test_the_code_of_a_tag_card_gives_spans(card, capsys):
    own, other = codes(card("tag"))
    run(own)
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert all("a text"[int(start) : int(end)] == text and kind == "MOOD" for start, end, text, kind, _ in printed)
    found = run(other)["predict"]("a text")
    assert {span["entity_group"] for span in found} <= {"MOOD"}
    assert len(printed) + len(found) > 0


def test_the_code_of_an_answer_card_gives_the_same_answer_twice(card, capsys):
    own, other = codes(card("answer"))
    found = run(own)["found"]
    capsys.readouterr()
    run(other)
    assert found.label == capsys.readouterr().out.strip()
    assert found.label in "the text that holds the answer"


def test_the_code_of_an_embed_card_gives_vectors(card):
    own, other = codes(card("embed"))
    vectors = run(own)["vectors"]
    assert vectors.shape == (2, 16)
    assert (vectors**2).sum(1) == pytest.approx([1, 1], abs=1e-5)
    compile(other, "card", "exec")
    assert 'SentenceTransformer("model")' in other


@pytest.mark.parametrize(
    "task, pipeline, library, words",
    [
        ("tag", "token-classification", "transformers", "It marks spans of 2 kinds in a text: `PART`, `PLACE`."),
        ("answer", "question-answering", "transformers", "a stretch of that text. It writes nothing"),
        ("embed", "sentence-similarity", "sentence-transformers", "It gives a text a vector"),
    ],
)
def test_a_card_says_what_the_model_does(task, pipeline, library, words):
    labels = ["PART", "PLACE"] if task == "tag" else []
    written = render_card({"task": task, "labels": labels})
    front = yaml.safe_load(written.split("---\n")[1])
    assert (front["pipeline_tag"], front["library_name"], front["tags"]) == (pipeline, library, ["tunesmith", task])
    assert words in written
    doubts = "Whether its probabilities can be believed was not measured." in written
    assert doubts == (task != "embed")


def test_a_card_names_hub_metrics_and_questions_without_an_answer():
    figures = {name: {"value": 0.5} for name in ("answer_f1", "exact_match", "answered_accuracy")}
    written = render_card({"task": "answer", "test": figures, "answers": {"f1": [1.0]}})
    assert yaml.safe_load(written.split("---\n")[1])["metrics"] == ["f1", "exact_match"]
    assert "or says that there is none" in written
    assert "Whether its probabilities" not in written
    few = render_card({"task": "tag", "labels": ["X"], "per_class": [{"label": "X", "support": 3, "f1": 0.5}]})
    assert "Fewer than 20 test spans" in few

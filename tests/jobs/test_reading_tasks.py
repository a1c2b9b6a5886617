"""The verbs on models that tag, answer and embed: every shape of input, every kind of output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.core.example import texts_of
from tunesmith.errors import InputError
from tunesmith.jobs.check import check
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.retest import retest
from tunesmith.models.tiny import save_tiny

NAMES = ["glide", "hauler", "sparrow", "plover"]
FILLERS = ["my {} broke", "where is the {} now", "a {} in the rain", "the old {} again", "{} is late", "lost {} today"]
TEXTS = [filler.format(name) for filler in FILLERS for name in NAMES]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows_of(task: str) -> list[dict[str, Any]]:
    if task == "tag":
        starts = [(text, next(text.index(name) for name in NAMES if name in text)) for text in TEXTS]
        ends = [(text, start, start + len(next(n for n in NAMES if n in text))) for text, start in starts]
        return [{"text": text, "spans": [{"start": a, "end": b, "label": "BIKE"}]} for text, a, b in ends]
    if task == "answer":
        rows = []
        for at, text in enumerate(TEXTS):
            name = next(name for name in NAMES if name in text)
            none = {"text": [], "answer_start": []}
            answers = none if at % 5 == 0 else {"text": [name], "answer_start": [text.index(name)]}
            rows.append({"question": "which bike", "context": text, "answers": answers})
        return rows
    return [
        {"text_a": a, "text_b": b, "score": (i * 7 % 11) / 2}
        for i, (a, b) in enumerate(zip(TEXTS, TEXTS[::-1], strict=True))
    ]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    place = tmp_path_factory.mktemp("reading")
    model = save_tiny(place / "tiny", [*TEXTS, "which bike"])
    return {
        task: {
            "task": task, "model": str(model), "data": {"train": write(place / f"{task}.jsonl", rows_of(task))},
            "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2}, "strategies": [],
            "batching": {"size": 4}, "stop": {"epochs": 10, "refit": False, "patience": None},
            "evaluate": {"folds": 0, "resamples": 20},
        }
        for task in ("tag", "answer", "embed")
    }  # fmt: skip


@pytest.fixture(scope="module")
def runs(recipes: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    return {task: tunesmith.train(recipe, folder=place / task).folder for task, recipe in recipes.items()}


def test_spans_are_found(runs: dict[str, Path]) -> None:
    found = list(tunesmith.predict(runs["tag"], TEXTS))
    said = [[(span["start"], span["end"], span["label"]) for span in row["spans"]] for row in found]
    gold = [[(span["start"], span["end"], span["label"]) for span in row["spans"]] for row in rows_of("tag")]
    right = sum(one == other for one, other in zip(said, gold, strict=True))
    assert right >= 20, f"{right} of 24 texts, in each of which the one name of a bike is marked"
    assert json.loads((runs["tag"] / "report.json").read_text("utf-8"))["test"]["span_f1"]["value"] > 0.7


def test_words_that_are_given_are_tagged_as_they_are(runs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "new.conll").write_text("my O\nglide B-BIKE\n\nthe O\nold O\nhauler B-BIKE\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    told = tunesmith.predict(runs["tag"], data=str(tmp_path / "new.conll"), out=out)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert told["rows"] == len(lines) == 2
    assert [line["text"] for line in lines] == ["my glide", "the old hauler"]
    for line in lines:
        for span in line["spans"] + line.get("predicted_spans", []):
            assert line["text"][span["start"] : span["end"]] == span["text"]
    bundle = load_bundle(runs["tag"])
    apart = bundle.predict([["glide-x", "now"]])[0]
    assert all(span.text in ("glide-x", "now", "glide-x now") for span in apart.spans), "a given word is not parted"


def test_tags_in_another_shape_are_evaluated(runs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "new.conll").write_text("my O\nglide B-BIKE\n\nthe O\nold O\nhauler B-BIKE\n", encoding="utf-8")
    bundle = load_bundle(runs["tag"])
    said = [bundle.predict([text])[0].spans for text in ("my glide", "the old hauler")]
    gold = [[(3, 8, "BIKE")], [(8, 14, "BIKE")]]
    hits = sum(
        (m.start, m.end, m.label) in marks for found, marks in zip(said, gold, strict=True) for m in found
    )  # fmt: skip
    expected = 2 * hits / max(1, 2 + sum(map(len, said)))
    assert tunesmith.evaluate(runs["tag"], tmp_path / "new.conll")["span_f1"]["value"] == pytest.approx(expected)


def test_answers_say_where_they_stand_or_that_there_is_none(runs: dict[str, Path], tmp_path: Path) -> None:
    bundle = load_bundle(runs["answer"])
    rows = list(tunesmith.predict(bundle, [("which bike", "my glide broke"), ("which bike", "")]))
    assert rows[1]["answer"] is None
    assert rows[1]["spans"] == []
    for row in rows:
        assert [row["context"][span["start"] : span["end"]] for span in row["spans"]] == [
            s["text"] for s in row["spans"]
        ]
    new = write(tmp_path / "new.jsonl", [{"question": "which bike", "context": text} for text in TEXTS])
    tunesmith.predict(bundle, data=new, out=tmp_path / "out.csv")
    header = (tmp_path / "out.csv").read_text("utf-8").splitlines()[0]
    assert header == "question,context,answer,score,start,end"


def test_a_right_answer_that_stands_nowhere_still_counts(runs: dict[str, Path], tmp_path: Path) -> None:
    rows = [{"question": "which bike", "context": t, "answers": ["zeppelin"]} for t in TEXTS[:10]]
    scores = tunesmith.evaluate(runs["answer"], write(tmp_path / "new.jsonl", rows))
    assert scores["exact_match"] == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 10}


def test_vectors_are_of_length_one_and_the_cosine_is_theirs(runs: dict[str, Path], tmp_path: Path) -> None:
    bundle = load_bundle(runs["embed"])
    vectors = bundle.embed(TEXTS[:2])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
    [row] = tunesmith.predict(bundle, [(TEXTS[0], TEXTS[1])])
    assert row["label"] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(TEXTS[:2]) + "\n", encoding="utf-8")
    tunesmith.predict(bundle, data=str(tmp_path / "texts.csv"), out=tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert np.asarray(table["vector"].to_pylist()) == pytest.approx(vectors, abs=1e-5)


def test_single_texts_and_pairs_are_not_asked_together(runs: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="K601 row 2"):
        list(tunesmith.predict(runs["embed"], [(TEXTS[0], TEXTS[1]), TEXTS[0]]))


def test_only_an_embedding_model_gives_vectors(runs: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="K604"):
        load_bundle(runs["tag"]).embed(["a"])


@pytest.mark.parametrize("task", ["tag", "answer", "embed"])
def test_runs_are_compared_row_by_row(
    task: str, runs: dict[str, Path], recipes: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    slow = {**recipes[task], "optimizer": {"learning_rate": 1e-7, "head_learning_rate": 1e-7}}
    other = tunesmith.train(slow, folder=tmp_path / "slow").folder
    found = tunesmith.compare([runs[task], other])
    pair = found["pairs"][str(other)]
    assert pair["paired"], pair["reason"]
    figures = [found["runs"][str(folder)]["test"][found["metric"]]["value"] for folder in (runs[task], other)]
    assert pair["difference"]["value"] == pytest.approx(figures[0] - figures[1])
    assert found["recipe_differences"] == {
        "optimizer.learning_rate": [5e-3, 1e-7], "optimizer.head_learning_rate": [1e-2, 1e-7],
    }  # fmt: skip
    if task == "tag":
        assert figures[0] > figures[1]


def test_runs_of_two_tasks_are_not_compared(runs: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="K620"):
        tunesmith.compare([runs["tag"], runs["answer"]])


@pytest.mark.parametrize("task", ["tag", "answer"])
def test_every_row_is_tested_by_a_model_that_never_saw_it(
    task: str, runs: dict[str, Path], recipes: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    folds = {**recipes[task], "evaluate": {"folds": 3, "resamples": 20}}
    report = tunesmith.train(folds, folder=tmp_path / "folds").report()
    metric = report["metric"]
    assert report["protocol"]["name"] == "folds"
    assert report["test"][metric]["n"] == len(TEXTS)
    assert {score["n"] for b in report["baselines"].values() for score in b["scores"].values()} == {len(TEXTS)}
    tested = retest(tmp_path / "folds")
    again = tested.task.metrics()[metric](tested.task.truth(tested.examples), tested.answers)
    assert again == pytest.approx(report["test"][metric]["value"])
    for example, found in zip(tested.examples, tested.answers, strict=True):
        assert all(texts_of(example)[-1][m.start : m.end] == m.text for m in found)
    if task == "tag":
        assert again > 0.7, "what was stored of each fold is what its model said of its rows"
    beside = tunesmith.compare([tmp_path / "folds", runs[task]])["pairs"][str(runs[task])]
    assert not beside["paired"]
    assert "test rows are not the same" in beside["reason"]


def test_a_learning_curve_of_spans_grows(recipes: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    curved = {**recipes["tag"], "evaluate": {"folds": 0, "resamples": 20, "curve": True, "baselines": []}}
    report = tunesmith.train(curved, folder=tmp_path / "curve").report()
    rows = [point["rows"] for point in report["curve"]]
    assert rows == [2, 4, 8, 16] == [*rows[:-1], report["data"]["train"]]
    scores = [point["score"]["value"] for point in report["curve"]]
    assert scores[-1] > scores[0], "two rows cannot teach four names"
    assert "span_f1 on dev" in report["curve_text"]


@pytest.mark.parametrize("task", ["tag", "answer", "embed"])
def test_a_run_is_reproduced_bit_for_bit(task: str, runs: dict[str, Path]) -> None:
    found = reproduce(runs[task])
    assert found["level"] == "weights", found
    assert found["same_labels"] == found["rows"] > 0


def test_a_model_that_does_not_know_the_writing_is_named(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "tiny", TEXTS)
    rows = [{"text": f"电池{n}没电了", "label": "ab"[n % 2]} for n in range(20)]
    recipe = {"task": "classify", "model": str(model), "data": {"train": write(tmp_path / "zh.jsonl", rows)}}
    report = check(tunesmith.Recipe.model_validate(recipe))
    assert [finding.severity for finding in report.findings if finding.code == "K305"] == ["warning"]
    known = {**recipe, "data": {"train": write(tmp_path / "en.jsonl", [{"text": t, "label": t[0]} for t in TEXTS])}}
    assert "K305" not in {finding.code for finding in check(tunesmith.Recipe.model_validate(known)).findings}

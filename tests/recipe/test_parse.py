from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.errors import InputError
from tunesmith.recipe.parse import dump, parse

BROKEN = """\
task: clasify
model: 5
learning_rate: 1e-4
data:
  txt: a
  on_bad_row: skp
optimizer:
  learning_rat: 3
  warmup: 1.5
strategies:
  - gentl: {share: 0.9}
  - gentle: {shar: 0.9, layers: 3}
  - 5
  - gentle
seed: 3
seed: 4
evaluate: {baselines: [tfdf]}
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(source: object) -> dict[str, tuple[str, str, str]]:
    with pytest.raises(InputError) as caught:
        parse(source)  # type: ignore[arg-type]
    found = {fault.where: (fault.code, fault.message, fault.remedy) for fault in caught.value.faults}
    assert len(found) == len(caught.value.faults), "two faults at one place"
    return found


@pytest.mark.usefixtures("gentle")
def test_all_faults_are_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "r.yaml", BROKEN)
    found = faults_of(path)
    codes = {where.removeprefix(f"{path} "): fault[0] for where, fault in found.items()}
    assert codes == {
        "line 1: task": "K203",
        "line 2: model": "K204",
        "line 3: learning_rate": "K201",
        "line 4: data.train": "K202",
        "line 5: data.txt": "K201",
        "line 6: data.on_bad_row": "K203",
        "line 8: optimizer.learning_rat": "K201",
        "line 9: optimizer.warmup": "K204",
        "line 11: strategies[0]": "K207",
        "line 12: strategies[1].gentle.shar": "K201",
        "line 12: strategies[1].gentle.layers": "K204",
        "line 13: strategies[2]": "K204",
        "line 14: strategies[3].gentle": "K210",
        "line 16: seed": "K206",
        "line 17: evaluate.baselines[0]": "K203",
    }


@pytest.mark.usefixtures("gentle")
def test_near_names_are_suggested(tmp_path: Path) -> None:
    path = write(tmp_path / "r.yaml", BROKEN)
    remedies = {where.rpartition(": ")[2]: fault[2] for where, fault in faults_of(path).items()}
    assert remedies["task"].startswith('Did you mean "classify"?')
    assert remedies["learning_rate"].startswith("Did you mean optimizer.learning_rate?")
    assert remedies["data.txt"].startswith('Did you mean "text"?')
    assert remedies["strategies[0]"].startswith('Did you mean "gentle"?')
    assert remedies["strategies[1].gentle.shar"].startswith('Did you mean "share"?')
    assert remedies["evaluate.baselines[0]"] == 'Did you mean "tfidf"?'
    assert remedies["model"] == "Write it in quotes."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("task: classify\ndata: [a\n", " line 3"),
        ("a: b: c\n", " line 1"),
        ("\tx: 1\n", " line 1"),
        ("a: &x [*x]\n", ""),
    ],
)
def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    path = write(tmp_path / "r.yaml", text)
    assert [(where, fault[0]) for where, fault in faults_of(path).items()] == [(f"{path}{line}", "K205")]


def test_scalars_follow_yaml_1_2(tmp_path: Path) -> None:
    text = (
        "data: {train: no, label: 2024-01-01, labels: {no: yes, 1: 'on'}}\nseed: 012\noptimizer: {learning_rate: 1e-4}"
    )
    recipe = parse(write(tmp_path / "r.yaml", text))
    assert recipe.data.label == "2024-01-01"
    assert recipe.data.labels == {"no": "yes", "1": "on"}
    assert recipe.seed == 12
    assert recipe.optimizer.learning_rate == 1e-4


@pytest.mark.usefixtures("gentle")
def test_dump_is_complete_and_reads_back_equal(tmp_path: Path) -> None:
    asked = {
        "data": {"train": "/there/a.csv", "labels": {"1e-4": "no", "true": "~"}, "separator": "1e3"},
        "strategies": ["gentle"],
        "optimizer": {"learning_rate": "3e-5"},
        "stop": {"patience": None},
    }
    recipe = parse(asked)
    again = parse(write(tmp_path / "r.yaml", dump(recipe)))
    assert again == recipe
    assert again.digest() == recipe.digest()
    assert dump(again) == dump(recipe)
    assert asked["strategies"] == ["gentle"], "the caller's mapping must stay as it was"


@pytest.mark.usefixtures("gentle")
def test_strategies_are_normalised(tmp_path: Path) -> None:
    path = write(tmp_path / "r.yaml", "data: a.csv\nstrategies:\n  - gentle:\n  ")
    assert parse(path).strategies == ({"gentle": {}},)
    path = write(tmp_path / "r.yaml", "data: a.csv\nstrategies: gentle\n")
    assert parse(path).strategies == ({"gentle": {}},)


def test_data_files_become_a_recipe() -> None:
    for name in ("reviews.csv", "-", "hub:stanfordnlp/imdb", "a/b.parquet", "x.json"):
        assert parse(name).data.train == name
    assert parse("a.csv", sets=["data.dev=b.csv"]).data.dev == "b.csv"


def test_a_part_may_be_the_name_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    recipe = write(tmp_path / "deep" / "r.yaml", "data: a.csv\nknowledge: rules.yaml\n")
    assert parse(recipe).knowledge.rules == "deep/rules.yaml"
    said = parse(recipe, sets=["knowledge=other.yaml", "data=b.csv"])
    assert (said.knowledge.rules, said.data.train) == ("other.yaml", "b.csv")


def test_json_is_told_from_data_by_what_it_holds(tmp_path: Path) -> None:
    recipe = write(tmp_path / "r.json", json.dumps({"data": "a.csv", "seed": 4}, indent="\t"))
    rows = write(tmp_path / "rows.json", json.dumps({"data": [{"text": "a", "label": "b"}]}))
    torn = write(tmp_path / "torn.json", '{"data": ')
    assert parse(recipe).seed == 4
    assert parse(rows).data.train == str(rows)
    assert parse(torn).data.train == str(torn)


def test_paths_start_at_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep" / "body").mkdir(parents=True)
    path = write(tmp_path / "deep" / "r.yaml", "data: {train: a.csv, dev: ../b.csv, test: /c.csv}\nmodel: body\n")
    monkeypatch.chdir(tmp_path)
    recipe = parse("deep/r.yaml")
    assert (recipe.data.train, recipe.data.dev, recipe.data.test) == ("deep/a.csv", "b.csv", "/c.csv")
    assert recipe.model == "deep/body"
    assert parse(path) == recipe, "the digest must not depend on how the recipe was named"
    assert parse("deep/r.yaml", sets=["data.dev=d.csv"]).data.dev == "d.csv", "--set starts in the current folder"
    text = dump(recipe, base=tmp_path / "deep")
    assert parse(write(tmp_path / "deep" / "again.yaml", text)) == recipe


def test_the_recipe_of_a_run_starts_where_the_run_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "runs" / "x" / "recipe.yaml", "data: {train: a.csv}\n")
    write(tmp_path / "runs" / "x" / "events.jsonl", "")
    monkeypatch.chdir(tmp_path)
    assert parse("runs/x").data.train == "a.csv"
    write(tmp_path / "runs" / "x" / "lock.json", json.dumps({"folder": str(tmp_path)}))
    assert parse("runs/x").data.train == "a.csv"
    monkeypatch.chdir(tmp_path / "runs")
    assert parse("x").data.train == str(tmp_path / "a.csv")


def test_a_recipe_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("data: ä".encode("latin-1"))
    for path in (tmp_path / "none.yaml", tmp_path / "latin.yaml", tmp_path):
        assert [fault[0] for fault in faults_of(path).values()] == ["K211"]
    assert [fault[0] for fault in faults_of(write(tmp_path / "l.yaml", "- a\n- b\n")).values()] == ["K204"]
    assert [fault[0] for fault in faults_of(write(tmp_path / "e.yaml", "")).values()] == ["K202"]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"data": {"train": "a", "text_a": "x", "text": "y"}}, "data.text"),
        ({"data": {"train": "a", "text": "x"}, "task": "pair"}, "data.text"),
        ({"data": {"train": "a", "text_a": "x", "text_b": "y"}, "task": "regress"}, "task"),
        ({"data": {"train": "a", "dev_share": 0.9, "test_share": 0.1}}, "data.dev_share"),
        ({"data": {"train": "-", "dev": "-"}}, "data.train"),
        ({"data": "a", "evaluate": {"folds": 1}}, "evaluate.folds"),
        ({"data": {"train": "a", "test": "b"}, "evaluate": {"folds": 5}}, "evaluate.folds"),
        ({"data": "a", "text": {"long": "window", "max_tokens": 32, "overlap": 32}}, "text.overlap"),
        ({"data": "a", "batching": {"size": 2, "accumulate": 4}}, "batching.accumulate"),
        ({"data": "a", "task": "regress", "class_weights": True}, "class_weights"),
        ({"data": {"train": "a", "separator": ""}}, "data.separator"),
        ({"data": "a", "task": "tag", "text": {"long": "truncate"}}, "text.long"),
        ({"data": "a", "task": "answer", "head": "pooled"}, "head"),
        ({"data": "a", "task": "embed", "strategies": ["probe_start"]}, "strategies"),
        ({"data": "a", "task": "tag", "class_weights": True}, "class_weights"),
        ({"data": "a", "task": "tag", "evaluate": {"repeats": 2}}, "evaluate.repeats"),
        ({"data": "a", "task": "embed", "batching": {"accumulate": 2}}, "batching.accumulate"),
        ({"data": "a", "task": "tag", "evaluate": {"baselines": ["tfidf"]}}, "evaluate.baselines"),
        ({"data": {"train": "a", "spans": "x"}, "task": "classify"}, "data.spans"),
        ({"data": {"train": "a", "question": "x"}, "task": "tag"}, "data.question"),
        ({"data": {"train": "a", "text": "x"}, "task": "embed"}, "data.text"),
        ({"data": "a", "task": "embed", "evaluate": {"folds": 3}}, "evaluate.folds"),
    ],
)
def test_contradictions_are_refused(asked: dict[str, object], where: str) -> None:
    assert {place: fault[0] for place, fault in faults_of(asked).items()} == {f"recipe: {where}": "K210"}

"""Names of labels as rows: when they are learnt from, what is said of it, and that a run goes on with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import Interrupted
from tunesmith.evaluation.agreement import Agreement
from tunesmith.jobs import hints
from tunesmith.jobs.train import train
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.recipe.text import write_document
from tunesmith.runs.store import Run
from tunesmith.strategies.contrastive import Contrastive

FEW = ["freeze", {"contrastive": {"steps": 6}}, "probe_start"]


def model_of(run: Run) -> bytes:
    return (run.folder / "model" / "model.safetensors").read_bytes()


def judge(monkeypatch: pytest.MonkeyPatch, useful: bool) -> None:
    """Let names be found useful, or not, whatever they say."""
    monkeypatch.setattr(hints, "agreement", lambda *given: Agreement(0.5 if useful else 0.1, 0.2))


@pytest.fixture
def few(quick: dict[str, Any]) -> dict[str, Any]:
    return {**quick, "strategies": FEW, "stop": {"epochs": 2, "refit": False}}


def test_the_report_says_whether_names_were_learnt_from(
    few: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = [{"contrastive": {"steps": 6, "names": False}}, "freeze", {"probe_start": {"names": False}}]
    without = train({**few, "strategies": off}, folder=tmp_path / "off")
    assert not [note for note in without.report()["notes"] if "names of the labels" in note]
    found = {}
    for useful, saying in ((False, "nothing was learnt from them"), (True, "the model learnt from them as well")):
        judge(monkeypatch, useful)
        run = train(few, folder=tmp_path / str(useful))
        (note,) = [note for note in run.report()["notes"] if "names of the labels" in note]
        assert saying in note
        found[useful] = model_of(run)
    assert found[False] == model_of(without)
    assert found[True] != found[False]


def test_the_model_that_ships_learns_from_names_if_the_one_that_was_measured_did(
    few: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(hints, "agreement", lambda *given: said.append(1) or Agreement(0.5, 0.2))
    monkeypatch.setattr(Contrastive, "prepare", lambda self, model, setup: (counts.append(len(setup.names)), model)[1])
    counts: list[int] = []
    train({**few, "stop": {"epochs": 1}}, folder=tmp_path / "run")
    assert (len(said), counts) == (1, [3, 3])


@pytest.mark.parametrize("codes", [("1", "2"), ("a", "b"), ("+", "-"), ("good", "-1")])
def test_codes_are_not_read(few: dict[str, Any], tmp_path: Path, codes: tuple[str, str]) -> None:
    path = tmp_path / "codes.csv"
    rows = [f"{word} thing {at},{code}" for at in range(20) for word, code in zip(("fine", "bad"), codes, strict=True)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    report = train({**few, "task": "classify", "data": {"train": str(path)}}, folder=tmp_path / "run").report()
    assert not [note for note in report["notes"] if "names of the labels" in note]


def test_a_run_that_learnt_from_names_goes_on_as_if_nothing_had_happened(
    few: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(monkeypatch, useful=True)
    expected = train(few, folder=tmp_path / "expected")

    def at_step_three(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(few, folder=tmp_path / "run", progress=at_step_three)
    assert model_of(train(few, folder=tmp_path / "run", resume=True)) == model_of(expected)


def test_names_are_not_asked_of_pairs_numbers_and_several_labels(few: dict[str, Any], tmp_path: Path) -> None:
    texts = [f"{word} thing {at}" for at in range(20) for word in ("good", "bad")]
    tables = {
        "pair": ["text_a,text_b,label", *(f"{t},{t},{t[:1]}" for t in texts)],
        "regress": ["text,label", *(f"{t},{len(t)}" for t in texts)],
        "multilabel": ["text,label", *(f"{t},a|{t[:1]}" for t in texts)],
    }
    for task, lines in tables.items():
        path = tmp_path / f"{task}.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        recipe = {**few, "task": task, "data": {"train": str(path)}, "strategies": ["probe_start"]}
        report = train(recipe, folder=tmp_path / task).report()
        assert not [note for note in report["notes"] if "names of the labels" in note]


@pytest.mark.real
def test_names_that_say_something_are_worth_rows(tmp_path: Path) -> None:
    goods = {
        "fruit": ["a ripe banana", "two pears", "sweet cherries", "a sack of plums"],
        "furniture": ["an oak table", "a folding chair", "a bookshelf", "a low sofa"],
        "weather": ["heavy rain", "a clear sky", "snow by noon", "gusts of wind"],
    }
    rows = [(text, label) for label, texts in goods.items() for text in texts * 3]
    path = tmp_path / "goods.csv"
    lines = ["text,label", *(f"{text} no {at},{label}" for at, (text, label) in enumerate(rows))]
    path.write_text("\n".join(lines), encoding="utf-8")
    recipe = {
        "data": str(path), "model": "minilm", "stop": {"steps": 1, "refit": False}, "strategies": FEW,
        "evaluate": {"forgetting": "off", "folds": 0, "baselines": []},
    }  # fmt: skip
    report = train(recipe, folder=tmp_path / "run").report()
    (note,) = [note for note in report["notes"] if "names of the labels" in note]
    assert note.startswith("The names of the labels say which rows are theirs")


# --- terms of rules --------------------------------------------------------------------------------------------------


def rules_of(folder: Path, *rules: dict[str, Any], **lists: Any) -> str:
    path = folder / "rules.yaml"
    path.write_text(write_document({"lists": lists, "rules": list(rules)}), encoding="utf-8")
    return str(path)


def test_terms_stand_for_a_label_where_a_rule_asks_for_nothing_else(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "good", "list": "warm"}, {"label": "good", "words": ["refund*", "not * bad", ":)"]},
        {"label": "bad", "words": ["dire", "fine"], "unless": ["not dire"]}, {"against": "bad", "words": ["superb"]},
        {"label": "bad", "words": ["grim"], "pattern": "so"}, {"label": "bad", "words": ["poor"], "length": {"max": 3}},
        {"label": "odd", "words": ["queer"], "column": {"from": "app"}}, warm=["great", "fine", "so good"],
    )  # fmt: skip
    assert hints.terms_of(read_rules(rules), 3) == {"bad": ["dire"], "good": IsList("great", "refund", "so good")}


class IsList:
    """Equal to a list of these, in any order."""

    def __init__(self, *items: str) -> None:
        self.items = sorted(items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and sorted(other) == self.items

    def __hash__(self) -> int:
        return hash(tuple(self.items))


def test_of_many_terms_some_are_drawn(tmp_path: Path) -> None:
    words = [f"word{letter}{other}" for letter in "abcdefgh" for other in "ijklmnop"]
    rules = read_rules(rules_of(tmp_path, {"label": "good", "words": words}))
    drawn = [hints.terms_of(rules, seed)["good"] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == len(drawn[0]) == hints.TERMS
    assert set(drawn[0]) < set(words)


def test_the_report_says_whether_terms_were_learnt_from(
    few: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [{"label": "good", "words": ["great", "fine"]}, {"label": "bad", "words": ["awful"]}]
    asked = {**few, "knowledge": {"rules": rules_of(tmp_path, *rules)}}
    judge(monkeypatch, useful=False)
    plain = train(few, folder=tmp_path / "plain")
    found = {}
    for useful, saying in ((False, "nothing was learnt from them"), (True, "learnt from some of them as well")):
        judge(monkeypatch, useful)
        run = train(asked, folder=tmp_path / str(useful))
        (note,) = [note for note in run.report()["notes"] if "terms of the rules" in note]
        assert saying in note
        found[useful] = run
    assert model_of(found[False]) == model_of(plain)
    assert model_of(found[True]) != model_of(plain)
    assert [run.report()["knowledge"]["learnt"] for run in found.values()] == [False, True]
    weights = {useful: run.report()["knowledge"]["rules"][0]["weight"] for useful, run in found.items()}
    assert weights[True] < weights[False]  # it claims less: the model has heard it
    off = [{"contrastive": {"steps": 6, "names": False}}, "freeze", {"probe_start": {"names": False}}]
    told = train({**asked, "strategies": off}, folder=tmp_path / "terms alone")
    assert model_of(told) not in (model_of(found[True]), model_of(plain))


def test_rules_that_only_vote_need_no_strategy(quick: dict[str, Any], tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "good", "words": ["great"]}, {"label": "bad", "words": ["awful"]})
    plain = train(quick, folder=tmp_path / "plain")
    voted = train({**quick, "knowledge": {"rules": rules}}, folder=tmp_path / "voted")
    assert model_of(plain) == model_of(voted)
    assert not [note for note in voted.report()["notes"] if "terms" in note]

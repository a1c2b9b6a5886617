"""An ablation trains without each source of knowledge, and says what each gave."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import tunesmith
from tunesmith.cli.words import report_lines
from tunesmith.errors import InputError, Interrupted
from tunesmith.jobs import ablate
from tunesmith.jobs.adapted import adapted_from
from tunesmith.jobs.facts import trainings
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.train import train
from tunesmith.recipe.parse import parse

TABLE = "term,definition,aliases,class\nmoving picture,a tale,film,\ntrip looked,a day,,\nsuperb,,,good\n"


@pytest.fixture(scope="module")
def recipe(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("glossary") / "terms.csv"
    path.write_text(TABLE, encoding="utf-8")
    knowledge = {"glossary": str(path), "aliases": True, "tokens": 3, "definitions": 14, "ablation": True}
    return {**quick, "stop": {"epochs": 1, "patience": None}, "knowledge": knowledge}


@pytest.fixture(scope="module")
def run(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(recipe, folder=tmp_path_factory.mktemp("runs") / "ablated").folder


def part_of(folder: Path) -> dict[str, dict[str, Any]]:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {line["source"]: line for line in report["knowledge"]["ablation"]}


def test_each_source_and_all_of_them_are_left_out(run: Path) -> None:
    found = part_of(run)
    assert list(found) == ["votes", "aliases", "definitions", "tokens", "all"]
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    whole = report["test"][report["metric"]]
    for line in found.values():
        assert line["score"]["n"] == line["difference"]["n"] == whole["n"]
        assert line["difference"]["value"] == pytest.approx(whole["value"] - line["score"]["value"])
        assert line["sentence"].rpartition(": ")[2] in (
            "helps on these rows.", "harms on these rows.", "no difference that these rows can show."
        )  # fmt: skip
    assert found["votes"]["score"]["value"] == report["knowledge"]["without"][report["metric"]]["value"]
    assert not (run / "ablation").exists()
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Without each source" in page
    assert found["tokens"]["sentence"] in page
    assert found["all"]["sentence"] in "\n".join(report_lines(report, str(run)))


def test_a_line_is_what_a_run_without_the_source_gives(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    """Another road to the same figures: a run of its own with the window of the first."""
    complete = parse(run)
    for name, settings in (("tokens", {"tokens": False}), ("all", {"glossary": None})):
        knowledge = complete.knowledge.model_copy(update={**settings, "ablation": False})
        alone = train(complete.model_copy(update={"knowledge": knowledge}), folder=tmp_path / name).report()
        assert part_of(run)[name]["score"] == alone["test"][alone["metric"]]


def test_the_run_itself_is_that_without_an_ablation(run: Path, recipe: dict[str, Any], tmp_path: Path) -> None:
    knowledge = {**recipe["knowledge"], "ablation": False}
    plain = train({**recipe, "knowledge": knowledge}, folder=tmp_path / "run").report()
    assert plain["test"] == json.loads((run / "report.json").read_text(encoding="utf-8"))["test"]
    assert "ablation" not in plain["knowledge"]


def test_it_is_not_made_again_where_a_run_is_reproduced(run: Path) -> None:
    said: list[dict[str, Any]] = []
    assert reproduce(run, progress=said.append)["level"] == "weights"
    assert not any("Training once more" in event.get("text", "") for event in said)


def test_a_stopped_ablation_goes_on_where_it_was(
    run: Path, recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = ablate.recipe_without

    def watched(complete: Any, source: ablate.Source) -> Any:
        asked.append(source.name)
        if source.name == "tokens" and len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)  # before that training has its own ears: the run hears it
            raise Interrupted(tunesmith.errors.Fault("K503", "", "stopped"))
        return plain(complete, source)

    monkeypatch.setattr(ablate, "recipe_without", watched)
    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted, match="K503"):
        train(recipe, folder=folder)
    assert asked == ["aliases", "definitions", "tokens"]
    train(recipe, folder=folder, resume=True)
    assert asked[3:] == ["tokens", "all"]  # the first two were kept
    assert part_of(folder) == part_of(run)


def test_a_training_that_is_stopped_inside_names_the_run(
    recipe: dict[str, Any], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith.jobs import tune

    plain, calls = tune.loop, []

    def watched(work: Any, state: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:  # the run's own trainings are done: it is one of the ablation
            os.kill(os.getpid(), signal.SIGINT)
        return plain(work, state)

    monkeypatch.setattr(tune, "loop", watched)
    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted) as caught:
        train(recipe, folder=folder)
    assert str(folder / "recipe.yaml") in str(caught.value)
    assert (folder / "ablation").is_dir()
    train(recipe, folder=folder, resume=True)
    assert part_of(folder) == part_of(run)


def test_in_folds_it_is_paired_by_the_same_folds(recipe: dict[str, Any], tmp_path: Path) -> None:
    knowledge = {**recipe["knowledge"], "definitions": False, "aliases": False}
    asked = {**recipe, "knowledge": knowledge, "evaluate": {**recipe["evaluate"], "folds": 3}}
    found = part_of(train(asked, folder=tmp_path / "run").folder)
    assert list(found) == ["votes", "tokens", "all"]
    assert {line["difference"]["n"] for line in found.values()} == {90}


def test_one_source_alone_is_one_line(recipe: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("term,definition\ngood,a b\n", encoding="utf-8")
    knowledge = {"glossary": str(tmp_path / "t.csv"), "definitions": 9, "ablation": True}
    assert list(part_of(train({**recipe, "knowledge": knowledge}, folder=tmp_path / "run").folder)) == ["definitions"]


def test_an_adaptation_is_a_source(recipe: dict[str, Any], with_head: Path, reviews: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(reviews.read_text(encoding="utf-8"), encoding="utf-8")
    asked = {"task": "masked", "model": str(with_head), "data": {"train": str(text)}, "stop": {"epochs": 1}}
    adapted = train({**asked, "evaluate": {"forgetting": "off", "resamples": 20}}, folder=tmp_path / "adapted").folder
    assert adapted_from(str(adapted / "model")) == str(with_head)
    assert adapted_from(str(with_head)) is None
    assert adapted_from("minilm") is None
    mine = {**recipe, "model": str(adapted / "model"), "knowledge": {"ablation": True}}
    report = train(mine, folder=tmp_path / "run").report()
    assert [line["source"] for line in report["knowledge"]["ablation"]] == ["adaptation"]
    plain = parse(tmp_path / "run").model_copy(update={"model": str(with_head)})
    plain = plain.model_copy(update={"knowledge": plain.knowledge.model_copy(update={"ablation": False})})
    alone = train(plain, folder=tmp_path / "plain").report()
    assert report["knowledge"]["ablation"][0]["score"] == alone["test"][alone["metric"]]


def test_without_any_source_nothing_is_trained(recipe: dict[str, Any], tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    run = train({**recipe, "knowledge": {"ablation": True}}, folder=tmp_path / "run", progress=said.append)
    assert "knowledge" not in run.report()
    assert any("There is no source of knowledge to leave out" in event.get("text", "") for event in said)


def test_it_is_refused_where_it_can_mean_nothing() -> None:
    for asked in ({"task": "tag", "data": {"train": "x.csv"}}, {"data": {"train": "-"}}):
        with pytest.raises(InputError, match=r"K210.*ablation"):
            parse({**asked, "knowledge": {"ablation": True}})


def test_weak_rows_are_a_source(quick: dict[str, Any], tmp_path: Path) -> None:
    weak = tmp_path / "weak.csv"
    weak.write_text("review,mood,sure\nall of it good,good,0.5\nquite awful,bad,0.25\n", encoding="utf-8")
    data = {**quick["data"], "weak": str(weak), "weight": "sure"}
    stop = {"epochs": 1, "patience": None}
    run = train({**quick, "data": data, "stop": stop, "knowledge": {"ablation": True}}, folder=tmp_path / "run")
    found = part_of(run.folder)
    assert list(found) == ["weak"]
    plain = train({**quick, "stop": stop}, folder=tmp_path / "plain").report()
    assert found["weak"]["score"]["value"] == plain["test"][plain["metric"]]["value"]


def test_the_vote_is_set_against_a_model_with_the_same_priors(quick: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {label: good, words: [superb]}\n", encoding="utf-8")
    knowledge = {"rules": str(rules), "ablation": True, "priors": {"good": 0.05, "bad": 0.05, "odd": 0.9}}
    stop = {"epochs": 1, "patience": None}
    run = train({**quick, "stop": stop, "knowledge": knowledge}, folder=tmp_path / "run")
    report = run.report()
    alone = report["knowledge"]["without"][report["metric"]]["value"]
    assert part_of(run.folder)["votes"]["score"]["value"] == alone


def test_a_training_of_an_ablation_gets_as_much_time_as_one_of_the_run(quick: dict[str, Any]) -> None:
    stop = {"seconds": 60.0, "refit": True}
    evaluate = {**quick["evaluate"], "curve": True}
    recipe = parse({**quick, "stop": stop, "evaluate": evaluate, "knowledge": {"ablation": True}})
    without = ablate.recipe_without(recipe, ablate.Source("votes", "The vote", {"vote": False}))
    assert without.stop.seconds is not None
    assert without.stop.seconds / trainings(without) == pytest.approx(60.0 / trainings(recipe))

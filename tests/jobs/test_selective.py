"""A wished error rate: the threshold in the bundle, what predictions, files, figures and the report make of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import set_threshold
from tunesmith.cli.main import app
from tunesmith.core.example import TextExample
from tunesmith.errors import InputError
from tunesmith.evaluation.selective import threshold_for
from tunesmith.jobs import summary
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.selective import check_wish, choose_threshold, selective_part
from tunesmith.jobs.train import train
from tunesmith.recipe.parse import parse
from tunesmith.tasks.classify import Classify
from tunesmith.tasks.pair import Pair
from tunesmith.tasks.regress import Regress

MakeRun = Callable[..., Path]
TASK = Classify(("bad", "good"))


def rows_of(truth: Any) -> list[TextExample]:
    return [TextExample(id=str(at), source="", text="", target=TASK.labels[label]) for at, label in enumerate(truth)]


def answers_of(seed: int, rows: int) -> tuple[list[TextExample], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows whose answers are right as often as they say."""
    random = np.random.default_rng(seed)
    sure, truth = 0.5 + 0.5 * random.beta(4, 1, rows), random.integers(0, 2, rows)
    said = np.where(random.random(rows) < sure, truth, 1 - truth)
    answers = np.where(np.eye(2)[said] > 0, sure[:, None], 1 - sure[:, None])
    return rows_of(truth), answers, (said != truth)


def recipe_of(error: float | None) -> Any:
    return parse({"task": "classify", "data": {"train": "rows.csv"}, "knowledge": {"error": error}})


def test_a_wish_is_tried_on_rows_that_did_not_choose() -> None:
    recipe = recipe_of(0.1)
    dev, said, wrong = answers_of(0, 400)
    threshold = choose_threshold(recipe, TASK, dev, said)
    assert threshold is not None
    assert threshold.value == threshold_for(said.max(1), wrong, 0.1)
    test, answers, missed = answers_of(1, 300)
    part = selective_part(recipe, TASK, summary.Tested(test, answers, {}, answers), threshold)["selective"]
    sure = answers.max(1) >= threshold.value
    wish = part["wish"]
    assert wish["coverage"]["value"] == pytest.approx(sure.mean())
    assert wish["selective_error"]["value"] == pytest.approx(missed[sure].mean())
    assert wish["selective_error"]["n"] == sure.sum()
    assert "at most 10.0\u202f% wrong is met" in wish["verdict"]
    assert part["at"][0]["error"]["value"] == pytest.approx(missed.mean())
    assert len(part["curve"]) == 200
    assert part["curve"][-1] == pytest.approx([1.0, missed.mean()])
    assert part["best"] < part["aurc"] < part["random"]
    assert choose_threshold(recipe_of(None), TASK, dev, said) is None
    assert "wish" not in selective_part(recipe, TASK, summary.Tested(test, answers, {}, answers), None)["selective"]
    wronged = selective_part(recipe, TASK, summary.Tested(test, answers[:, ::-1], {}, answers), threshold)["selective"]
    assert "is not met." in wronged["wish"]["verdict"]


def test_where_no_confidence_meets_the_wish_it_is_said_and_nothing_is_marked() -> None:
    recipe = recipe_of(0.05)
    dev, said, _ = answers_of(0, 30)
    threshold = choose_threshold(recipe, TASK, dev, said)
    assert threshold is not None
    assert threshold.value is None
    [finding] = threshold.findings
    assert (finding.code, finding.severity) == ("K824", "warning")
    assert "30 dev rows" in finding.message
    part = selective_part(recipe, TASK, summary.Tested(dev, said, {}, said), threshold)["selective"]
    assert part["wish"]["coverage"]["value"] == 1.0
    assert "every test row is answered" in part["wish"]["verdict"]


def test_rows_of_folds_choose_for_each_other() -> None:
    recipe = recipe_of(0.1)
    rows, said, wrong = answers_of(0, 400)
    threshold = choose_threshold(recipe, TASK, rows, said, crossed=True)
    assert threshold is not None
    assert threshold.value == threshold_for(said.max(1), wrong, 0.1)
    wish = selective_part(recipe, TASK, summary.Tested(rows, said, {}, said), threshold)["selective"]["wish"]
    assert wish["crossed"]
    assert wish["coverage"]["value"] != pytest.approx((said.max(1) >= threshold.value).mean()), "each fifth has its own"


def test_only_rows_with_one_label_can_be_left_out() -> None:
    with pytest.raises(InputError, match=r"K210.*knowledge\.error"):
        parse({"task": "regress", "data": {"train": "rows.csv"}, "knowledge": {"error": 0.1}})
    with pytest.raises(InputError, match="K825"):
        check_wish(recipe_of(0.1), Pair(inner=Regress()))
    check_wish(recipe_of(0.1), TASK)
    check_wish(recipe_of(None), Pair(inner=Regress()))


def test_predictions_files_and_figures_tell_the_unsure(make_run: MakeRun, holdout: Path, tmp_path: Path) -> None:
    run = make_run()
    texts = [row["review"] for row in csv.DictReader(holdout.read_text(encoding="utf-8").splitlines())]
    plain = tunesmith.load(run).predict(texts)
    assert all(one.sure for one in plain)
    assert "sure" not in next(tunesmith.predict(run, texts[:1]))
    assert "coverage" not in tunesmith.evaluate(run, holdout)
    least = float(np.median([one.score for one in plain]))
    set_threshold(run / "model", least)
    bundle = load_bundle(run)
    assert bundle.threshold == least
    found = bundle.predict(texts)
    assert [one.sure for one in found] == [one.score >= least for one in plain]
    assert {one.sure for one in found} == {True, False}
    assert [row["sure"] for row in tunesmith.predict(run, texts)] == [one.sure for one in found]
    tunesmith.predict(run, data=str(holdout), out=tmp_path / "said.csv")
    written = list(csv.DictReader((tmp_path / "said.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["sure"].casefold() for row in written] == [str(one.sure).casefold() for one in found]
    shown = CliRunner().invoke(app, ["predict", str(run), *texts])
    assert [" unsure\t" in line for line in shown.stdout.splitlines()] == [not one.sure for one in found]
    scores = tunesmith.evaluate(run, holdout)
    sure = [one.sure for one in found]
    moods = [row["mood"] for row in csv.DictReader(holdout.read_text(encoding="utf-8").splitlines())]
    wrong = [one.label != mood for one, mood in zip(found, moods, strict=True)]
    assert scores["coverage"]["value"] == pytest.approx(np.mean(sure))
    assert scores["selective_error"]["value"] == pytest.approx(np.mean([w for w, s in zip(wrong, sure) if s]))  # noqa: B905
    table = CliRunner().invoke(app, ["evaluate", str(run), "--data", str(holdout)]).stdout
    assert "Share answered" in table
    assert "Error of what is answered" in table


def test_a_bundle_of_before_has_no_threshold(make_run: MakeRun) -> None:
    run = make_run()
    path = run / "model" / "tunesmith.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain.pop("threshold") is None
    path.write_text(json.dumps(plain), encoding="utf-8")
    bundle = load_bundle(run)
    assert bundle.threshold is None
    assert bundle.predict(["the film was good"])[0].sure


@pytest.fixture(scope="module")
def run(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = {**quick, "stop": {**quick["stop"], "refit": False}, "knowledge": {"error": 0.45}}
    return train(recipe, folder=tmp_path_factory.mktemp("runs") / "wished").folder


def test_a_training_ships_what_dev_gave(run: Path) -> None:
    report, bundle = tunesmith.load(run), load_bundle(run)
    found = json.loads((run / "report.json").read_text(encoding="utf-8"))["selective"]["wish"]
    assert report.threshold == bundle.threshold == found["threshold"]
    assert bundle.threshold is not None
    assert not found["crossed"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="selective"' in page
    assert "The model is sure of" in page
    assert reproduce(run)["level"] == "weights"


def test_other_rules_choose_anew(run: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {label: good, words: [good, great]}\n", encoding="utf-8")
    new = tunesmith.fuse(run, rules, folder=tmp_path / "fused")
    wish = new.report()["selective"]["wish"]
    assert load_bundle(new.folder).threshold == wish["threshold"]
    assert wish["threshold"] != load_bundle(run).threshold
    assert wish["rows"] == new.report()["data"]["dev"]


def test_a_run_of_folds_chooses_by_all_rows(quick: dict[str, Any], tmp_path: Path) -> None:
    folds = {**quick["evaluate"], "folds": 2}
    new = train({**quick, "evaluate": folds, "knowledge": {"error": 0.01}}, folder=tmp_path / "folds")
    report = new.report()
    assert report["selective"]["wish"]["rows"] == 90
    assert report["selective"]["wish"]["crossed"]
    assert load_bundle(new.folder).threshold is None
    assert "K824" in [finding["code"] for finding in report["data"]["findings"]]

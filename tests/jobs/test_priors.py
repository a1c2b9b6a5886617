"""Shares of the classes in a run: they are in bundle, report and folds, go through other rules, and are refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.core.fusion import Asked
from tunesmith.errors import InputError
from tunesmith.jobs.retest import retest
from tunesmith.jobs.train import train
from tunesmith.knowledge.priors import Priors, expected_accuracy
from tunesmith.recipe.parse import parse

SHARES = {"good": 0.9, "bad": 0.05, "odd": 0.05}


@pytest.fixture(scope="module")
def run(quick: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = {**quick, "stop": {"epochs": 1, "patience": None}, "knowledge": {"priors": SHARES}}
    return train(recipe, folder=tmp_path_factory.mktemp("runs") / "shares").folder


def test_a_training_ships_them_and_says_what_is_to_be_expected(run: Path) -> None:
    bundle = load_bundle(run)
    [priors] = bundle.fusions
    assert isinstance(priors, Priors)
    assert dict(zip(priors.labels, priors.shares.tolist(), strict=True)) == pytest.approx(SHARES)
    assert priors.trained == pytest.approx([1 / 3] * 3, abs=0.02)
    found = retest(run)
    report = tunesmith.Run.load(run).report()
    truth = found.task.truth(found.examples)
    assert report["test"]["accuracy"]["value"] == pytest.approx((found.answers.argmax(1) == truth).mean())
    part = report["priors"]
    weights = (priors.shares / (np.bincount(truth) / len(truth)))[truth]
    plain, _ = bundle.said(found.examples)
    for name, answers in (("expected", found.answers), ("uncorrected", plain)):
        expected = np.average(answers.argmax(1) == truth, weights=weights)
        assert part[name]["value"] == pytest.approx(expected), name
    assert part["changed"] == (found.answers.argmax(1) != plain.argmax(1)).sum() > 0
    assert any("knowledge.priors" in note for note in report["notes"])
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="priors"' in page
    assert "is to be expected" in page


def test_other_rules_leave_them(run: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {label: odd, words: [odd, weird]}\n", encoding="utf-8")
    new = tunesmith.fuse(run, rules, folder=tmp_path / "fused")
    assert [one.kind for one in load_bundle(new.folder).fusions] == ["rules", "priors"]
    report = new.report()
    assert report["priors"]["shares"] == tunesmith.Run.load(run).report()["priors"]["shares"]
    before = tunesmith.Run.load(run).report()["test"]["accuracy"]
    assert report["knowledge"]["without"]["accuracy"]["value"] == pytest.approx(before["value"])
    found = retest(new.folder)
    truth = found.task.truth(found.examples)
    assert report["test"]["accuracy"]["value"] == pytest.approx((found.answers.argmax(1) == truth).mean())


def test_folds_have_them_too(quick: dict[str, Any], tmp_path: Path) -> None:
    asked = {**quick, "stop": {"epochs": 1, "patience": None}, "evaluate": {**quick["evaluate"], "folds": 2}}
    plain = train(asked, folder=tmp_path / "plain")
    new = train({**asked, "knowledge": {"priors": SHARES}}, folder=tmp_path / "shares")
    [priors] = load_bundle(new.folder).fusions
    one, other = retest(plain.folder), retest(new.folder)
    assert other.answers == pytest.approx(priors.adjust(one.answers, Asked(one.examples)), abs=1e-9)
    truth = other.task.truth(other.examples)
    assert new.report()["test"]["accuracy"]["value"] == pytest.approx((other.answers.argmax(1) == truth).mean())
    expected = expected_accuracy(priors.shares, truth, one.answers)
    assert new.report()["priors"]["uncorrected"]["value"] == pytest.approx(expected)


def test_wrong_shares_stop_before_the_training(quick: dict[str, Any], tmp_path: Path) -> None:
    for shares, code in (({"good": 0.5, "bad": 0.5}, "K822"), ({"good": 0.5, "bad": 0.5, "odd": 0.5}, "K823")):
        with pytest.raises(InputError, match=code):
            train({**quick, "knowledge": {"priors": shares}}, folder=tmp_path / code)
        with pytest.raises(InputError, match=code):
            tunesmith.check(parse({**quick, "knowledge": {"priors": shares}}))


@pytest.mark.parametrize(
    "more",
    [{"task": "regress"}, {"knowledge": {"error": 0.1}}, {"strategies": ["logit_adjusted"]}],
    ids=["regress", "error", "logit_adjusted"],
)
def test_what_contradicts_shares_is_refused(more: dict[str, Any]) -> None:
    recipe = {"task": "classify", "data": {"train": "rows.csv"}, **more}
    recipe["knowledge"] = {**recipe.get("knowledge", {}), "priors": SHARES}
    with pytest.raises(InputError, match=r"K210.*knowledge\.priors"):
        parse(recipe)


def test_class_weights_count_as_the_loss_saw_them(quick: dict[str, Any], reviews: Path, tmp_path: Path) -> None:
    head, *rows = reviews.read_text(encoding="utf-8").splitlines()
    few = [row for at, row in enumerate(rows) if not row.endswith(",odd") or at % 6 == 0]
    (tmp_path / "few.csv").write_text("\n".join([head, *few]), encoding="utf-8")
    shares = {}
    for weighs in (True, False):
        asked = {**quick, "data": {"train": str(tmp_path / "few.csv")}, "stop": {"epochs": 1, "patience": None}}
        asked |= {"class_weights": weighs, "knowledge": {"priors": SHARES}}
        new = train(asked, folder=tmp_path / f"run-{weighs}")
        [priors] = load_bundle(new.folder).fusions
        shares[weighs] = dict(zip(priors.labels, priors.trained.tolist(), strict=True))
        labels = new.report()["data"]["labels"]
        counts = Counter(labels["train"]) + Counter(labels["dev"])  # the model that ships has learnt from both
    plain = np.array([counts[name] for name in shares[False]]) / sum(counts.values())
    assert list(shares[False].values()) == pytest.approx(plain)
    lifted = np.sqrt(plain)  # n_c · (n / n_c)^½
    assert list(shares[True].values()) == pytest.approx(lifted / lifted.sum())
    assert shares[True]["odd"] > 1.3 * shares[False]["odd"]

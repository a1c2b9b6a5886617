from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.errors import InputError
from tunesmith.recipe.parse import parse


def test_values_are_typed_as_yaml_types_them() -> None:
    sets = ["optimizer.learning_rate=1e-4", "stop.patience=null", "evaluate.baselines=[tfidf, frozen]", "task=pair"]
    recipe = parse("a.csv", sets=sets)
    assert recipe.optimizer.learning_rate == 1e-4
    assert recipe.stop.patience is None
    assert recipe.evaluate.baselines == ("tfidf", "frozen")
    assert recipe.task == "pair"
    assert parse("a.csv", sets=["data.label=a=b"]).data.label == "a=b"


def test_the_last_one_wins_over_file_and_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("data: a.csv\nseed: 1\n", encoding="utf-8")
    assert parse(path, sets=["seed=2", "seed=3"]).seed == 3
    assert parse(path, sets=["data.dev=b.csv"]).data.dev == "b.csv"


@pytest.mark.usefixtures("gentle")
def test_strategies_can_be_set_whole_or_by_option() -> None:
    assert parse("a.csv", sets=["strategies=[gentle]"]).strategies == ({"gentle": {}},)
    assert parse("a.csv", sets=["strategies=gentle"]).strategies == ({"gentle": {}},)
    assert parse("a.csv", sets=["strategies.gentle.share=0.25"]).strategies == ({"gentle": {"share": 0.25}},)
    asked = {"data": "a.csv", "strategies": [{"gentle": {"layers": ["a"]}}]}
    recipe = parse(asked, sets=["strategies.gentle.share=0.25"])
    assert recipe.strategies == ({"gentle": {"layers": ["a"], "share": 0.25}},)


@pytest.mark.usefixtures("gentle")
def test_what_is_wrong_names_the_entry_and_the_near_key() -> None:
    sets = [
        "optimizer.learning_rte=1", "stop.patience=abc", "seed", "seed.deep=1", "strategies.gentle.shar=1", "lr=[",
        "strategies.gentle=3",
    ]  # fmt: skip
    with pytest.raises(InputError) as caught:
        parse("a.csv", sets=sets)
    found = {fault.where: (fault.code, fault.remedy) for fault in caught.value.faults}
    assert {where: code for where, (code, _) in found.items()} == {
        "--set optimizer.learning_rte=1": "K201",
        "--set stop.patience=abc": "K204",
        "--set": "K208",
        "--set seed.deep": "K208",
        "--set strategies.gentle.shar=1": "K201",
        "--set strategies.gentle": "K208",
        "--set lr=[ line 1": "K205",
    }
    assert found["--set optimizer.learning_rte=1"][1].startswith('Did you mean "learning_rate"?')


def test_flags_win_and_are_called_by_their_name(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("data: a.csv\ntask: pair\n", encoding="utf-8")
    recipe = parse(path, sets=["seed=2", "data.dev=x.csv"], flags={"seed": 3, "data.dev": "[odd]: name.csv"})
    assert (recipe.seed, recipe.data.dev, recipe.task) == (3, "[odd]: name.csv", "pair")
    with pytest.raises(InputError) as caught:
        parse(path, flags={"task": "clasify", "evaluate.curve": "perhaps"})
    assert [(fault.code, fault.where) for fault in caught.value.faults] == [("K203", "--task"), ("K204", "--curve")]

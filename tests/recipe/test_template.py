from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.errors import InputError
from tunesmith.recipe.catalogue import TASKS
from tunesmith.recipe.faults import key_paths, part_of
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Data, Recipe
from tunesmith.recipe.template import json_schema, template


@pytest.mark.parametrize("task", [None, *TASKS])
def test_the_template_parses_to_the_defaults(tmp_path: Path, task: str | None) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(template(task), encoding="utf-8")
    data = Data(train=parse(path).data.train)
    assert parse(path) == (Recipe(data=data, task=task) if task else Recipe(data=data))  # type: ignore[arg-type]


def test_the_template_holds_every_key_and_its_words() -> None:
    lines = [line.strip().removeprefix("# ") for line in template().splitlines()]
    paths = list(key_paths())
    assert len(paths) > 45
    for path in paths:
        assert any(line.startswith(f"{path[-1]}:") for line in lines), path
        model = Recipe
        for key in path[:-1]:
            model = part_of(model.model_fields[key].annotation)  # type: ignore[assignment]
        assert model.model_fields[path[-1]].description in lines


def test_a_task_that_is_not_there() -> None:
    with pytest.raises(InputError, match='Did you mean "classify"'):
        template("clasify")


def test_every_key_of_the_template_can_be_uncommented(tmp_path: Path) -> None:
    text = "\n".join(line.replace("# dev:", "dev: d.csv") for line in template().splitlines())
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    assert (parse(path).data.dev or "").endswith("d.csv")


def test_the_json_schema_knows_keys_and_strategies(gentle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.recipe.template.entries", lambda family: {"gentle": "toy_strategies:Gentle"})
    schema = json_schema()
    assert set(schema["properties"]) == set(Recipe.model_fields)
    short, full = schema["properties"]["strategies"]["anyOf"][0]["items"]["anyOf"]
    assert short["enum"] == ["gentle"]
    options = full["properties"]["gentle"]["anyOf"][0]
    assert options["properties"]["share"] == {
        "default": 0.5, "description": "How much.", "title": "Share", "type": "number",
    }  # fmt: skip
    assert options["additionalProperties"] is False

"""Many rows: their tokens go to files, and the run is what it would have been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.jobs import tokens
from tunesmith.jobs.train import train


def trained(recipe: dict[str, Any], folder: Path) -> tuple[bytes, dict[str, Any], list[str]]:
    said: list[str] = []
    run = train(recipe, folder=folder, progress=lambda e: said.append(e["text"]) if e["kind"] == "say" else None)
    return (folder / "model" / "model.safetensors").read_bytes(), run.report(), [t for t in said if "okens of" in t]


def test_tokens_from_files_give_the_same_model_and_report_and_are_found_again(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    recipe = {**quick, "stop": {"epochs": 2, "refit": False}, "class_weights": True}
    eager, report, _ = trained(recipe, tmp_path / "eager")
    assert not (tmp_path / "tokens").exists()
    monkeypatch.setattr(tokens, "MANY_ROWS", 1)
    first, from_files, none = trained(recipe, tmp_path / "first")
    again, _, found = trained({**recipe, "seed": 7}, tmp_path / "again")
    assert first == eager
    assert again != eager
    for key in ("test", "dev", "baselines", "recipe", "data"):
        assert from_files[key] == report[key]
    assert (len(none), len(found)) == (0, 1)
    assert len(list((tmp_path / "tokens").iterdir())) == 1
    trained({**recipe, "text": {"max_tokens": 8}}, tmp_path / "narrow")
    assert len(list((tmp_path / "tokens").iterdir())) == 2


def test_baselines_are_fitted_on_so_many_rows_and_the_report_says_so(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "stop": {"steps": 1, "refit": False}}
    recipe["evaluate"] = {**quick["evaluate"], "baseline_rows": 20, "baselines": ["majority", "tfidf"]}
    _, report, _ = trained(recipe, tmp_path / "run")
    assert any("fitted on 20 of the 61 train rows" in note for note in report["notes"])

"""Finished runs without a training: made in a moment, for what is done with runs."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

MakeRun = Callable[..., Path]


def build_run(
    recipe: Any, folder: Path, *, head_seed: int | None = None, nudge: float = 0.0, command: str = "test"
) -> Any:
    """Make a finished run whose model has a head drawn with a seed, so that the same recipe gives the same weights.

    Args:
        recipe: with a test file.
        folder: of the run.
        head_seed: the recipe's seed where not given.
        nudge: added to the head's bias of the first class.
        command: for the lock.
    """
    import torch

    from tunesmith.bundle.load import load_bundle
    from tunesmith.bundle.save import Contents, save_bundle
    from tunesmith.data.load import load_splits
    from tunesmith.data.split import fold_examples
    from tunesmith.evaluation.interval import bootstrap
    from tunesmith.models.load import load_model
    from tunesmith.recipe.catalogue import load_entry
    from tunesmith.runs.store import open_run

    with open_run(folder, recipe, resume=False, command=command) as run:
        loaded = load_splits(recipe.data, task=recipe.task, seed=recipe.seed, folds=recipe.evaluate.folds or 0)
        run.write_lock({split: facts["path"] for split, facts in loaded.files.items()}, threads=1)
        task = load_entry("tasks", loaded.task)().fit(loaded.splits.train)
        seed = recipe.seed if head_seed is None else head_seed
        made = load_model(Path(recipe.model), task.head(), seed=seed)
        with torch.no_grad():
            made.model.classifier.bias[0] += nudge  # type: ignore[union-attr,index,operator]
        text = recipe.text.model_copy(update={"max_tokens": 16, "long": "truncate", "overlap": 4})
        contents = Contents(task, text, 1.0, recipe.digest(), 1)
        save_bundle(run.folder / "model", made.model, made.tokenizer, contents)
        test = loaded.splits.train if loaded.protocol == "folds" else loaded.splits.test
        answers = load_bundle(run.folder).answers(test)
        if loaded.protocol == "folds":
            evaluate = recipe.evaluate
            folds = fold_examples(test, loaded.groups, evaluate.folds, evaluate.repeats, recipe.seed)
            for number, (_, outside) in enumerate(folds, 1):
                run.keep(f"fold-{number}", {"tuned": answers[outside].tolist()})
        scores = bootstrap(task.metrics(), task.truth(test), answers, resamples=50, seed=recipe.seed)
        run.write_report(
            {
                "task": task.name, "metric": task.metric, "verdict": "It was not trained.",
                "model": {"name": recipe.model}, "test": {name: asdict(score) for name, score in scores.items()},
                "data": {"columns": loaded.columns, "test": len(test)},
            }
        )  # fmt: skip
        run.finish()
    return run


WithSource = Callable[[Path, Callable[[str, str], str]], dict[str, str]]


@pytest.fixture(scope="session")
def with_source(reviews: Path) -> WithSource:
    """Write the reviews into a folder with a column `source`, told from text and mood; return the recipe's data."""

    def write(folder: Path, source: Callable[[str, str], str]) -> dict[str, str]:
        head, *rest = csv.reader(reviews.read_text(encoding="utf-8").splitlines())
        path = folder / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[*head, "source"], *([text, mood, source(text, mood)] for text, mood in rest)])
        return {"train": str(path), "text": "review", "label": "mood"}

    return write


@pytest.fixture(scope="session")
def holdout(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """Thirty labelled rows with columns before and behind those of the training."""
    path = tmp_path_factory.mktemp("data") / "holdout.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "review", "mood", "label"])
        writer.writerows([n, text, label, "kept"] for n, (text, label) in enumerate(rows[::3]))
    return path


@pytest.fixture
def asked(tiny: Path, reviews: Path, holdout: Path) -> dict[str, Any]:
    """A recipe whose test rows are those of `holdout`."""
    return {
        "task": "classify",
        "model": str(tiny),
        "data": {"train": str(reviews), "test": str(holdout), "text": "review", "label": "mood"},
        "evaluate": {"resamples": 50},
    }


@pytest.fixture
def make_run(asked: dict[str, Any], tmp_path: Path) -> MakeRun:
    """Make a finished run; `sets` override the recipe."""
    from tunesmith.recipe.parse import parse

    def make(name: str = "run", sets: tuple[str, ...] = (), **how: Any) -> Path:
        return Path(build_run(parse(asked, sets=sets), tmp_path / name, **how).folder)

    return make

"""What every test may use: a tiny model, rows to learn, a place for runs."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a stolen core makes two threads slower than one

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one takes longer, and is not wrong
settings.load_profile("any machine")

WORDS = {
    "good": ["good", "great", "fine", "lovely", "superb"],
    "bad": ["bad", "awful", "poor", "nasty", "dire"],
    "odd": ["odd", "weird", "strange", "curious", "queer"],
}
FILLERS = ["the film was", "a book so", "this bike is", "my day felt", "that song seems", "our trip looked"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What outlives a run is kept in a folder of the tests."""
    from tunesmith.runs import cache

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "HOME", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="session")
def rows() -> list[tuple[str, str]]:
    """Ninety rows of three classes that one word gives away."""
    return [(f"{filler} {word}", label) for label, words in WORDS.items() for word in words for filler in FILLERS]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """A folder with a tiny BERT that knows the words of `rows`."""
    from tunesmith.models.tiny import save_tiny

    return save_tiny(tmp_path_factory.mktemp("models") / "tiny", [text for text, _ in rows])


@pytest.fixture(scope="session")
def with_head(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a masked language model whose folder holds its head."""
    from tunesmith.models.fill import load_filler, save_filler
    from tunesmith.models.load import load_tokenizer

    folder = tmp_path_factory.mktemp("models") / "with-head"
    save_filler(load_filler(tiny, seed=3).model, load_tokenizer(tiny)[0], tiny, folder)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the project; a test that needs it is marked `real`."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the project")
    return folder


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Path:
    """A CSV with the ninety rows, in a mixed order."""
    mixed = list(rows)
    random.Random(7).shuffle(mixed)
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "mood"])
        writer.writerows(mixed)
    return path


@pytest.fixture(scope="session")
def quick(tiny: Path, reviews: Path) -> dict[str, Any]:
    """A recipe that trains the tiny model on the reviews in a second or two."""
    return {
        "model": str(tiny),
        "data": {"train": str(reviews)},
        "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2},
        "stop": {"epochs": 4, "patience": None},
        "evaluate": {"folds": 0, "resamples": 50, "forgetting": "off"},
        "strategies": [{"layerwise_lr": {"decay": 0.9}}],
        "checkpoint_seconds": 0,
        "precision": "fp32",  # on every machine alike
    }

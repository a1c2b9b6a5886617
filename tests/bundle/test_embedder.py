"""The bundle of vectors: what is written is what is read, pooling and all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import Contents, save_bundle
from tunesmith.errors import InputError
from tunesmith.models.load import load_model, trained_pooling
from tunesmith.recipe.schema import Text
from tunesmith.tasks.classify import Classify
from tunesmith.tasks.embed import Embed

TEXTS = ["the film was good", "a book so bad", "good", "", "this bike is " * 30]


def saved(folder: Path, tiny: Path, pooling: str = "mean", long: str = "truncate") -> Path:
    loaded = load_model(tiny, Embed().head(), seed=1)
    loaded.model.pooling = pooling  # type: ignore[assignment]
    text = Text(max_tokens=16, long=long, overlap=4)  # type: ignore[arg-type]
    save_bundle(folder, loaded.model, loaded.tokenizer, Contents(Embed(), text, 1.0, "0" * 16, 1))
    return folder


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_folder_says_how_it_pools(pooling: str, tiny: Path, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", tiny, pooling)
    assert trained_pooling(folder) == pooling
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    assert [module["type"].rpartition(".")[2] for module in modules] == ["Transformer", "Pooling", "Normalize"]
    assert all((folder / module["path"]).is_dir() for module in modules)
    assert load_bundle(folder).model.pooling == pooling


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_of_the_body_pooled_and_of_length_one(pooling: str, tiny: Path, tmp_path: Path) -> None:
    bundle = load_bundle(saved(tmp_path / "model", tiny, pooling))
    body = AutoModel.from_pretrained(tmp_path / "model").eval()
    for text, mine in zip(TEXTS, bundle.embed(TEXTS), strict=True):
        inputs = bundle.encoder.tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.inference_mode():
            states = body(**inputs).last_hidden_state[0]
        vector = states.mean(0) if pooling == "mean" else states[0]
        assert np.allclose(mine, (vector / vector.norm()).numpy(), atol=1e-5)


def test_pairs_have_the_cosine_of_their_vectors(tiny: Path, tmp_path: Path) -> None:
    bundle = load_bundle(saved(tmp_path / "model", tiny))
    first, second = bundle.embed(TEXTS[:2])
    [said] = bundle.predict([(TEXTS[0], TEXTS[1])])
    assert said.label == pytest.approx(float(first @ second), abs=1e-5)


def test_the_end_of_a_long_text_counts_where_windows_are_asked_for(tiny: Path, tmp_path: Path) -> None:
    long = "this bike is " * 30
    cut, windows = (load_bundle(saved(tmp_path / way, tiny, long=way)) for way in ("truncate", "window"))
    assert np.allclose(*cut.embed([long + "good", long + "bad"]), atol=1e-6)
    assert not np.allclose(*windows.embed([long + "good", long + "bad"]), atol=1e-6)
    assert np.linalg.norm(windows.embed([long]), axis=1) == pytest.approx(1, abs=1e-6)


def test_a_model_of_another_task_gives_no_vectors(tiny: Path, tmp_path: Path) -> None:
    task = Classify(labels=("a", "b"))
    loaded = load_model(tiny, task.head(), seed=1)
    contents = Contents(task, Text(max_tokens=16, long="truncate", overlap=4), 1.0, "0" * 16, 1)
    save_bundle(tmp_path / "model", loaded.model, loaded.tokenizer, contents)
    with pytest.raises(InputError, match="K604"):
        load_bundle(tmp_path / "model").embed(["a"])

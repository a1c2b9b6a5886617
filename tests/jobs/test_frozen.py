"""What frozen blocks give of a row is computed once, and the training ends where it does without."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tunesmith.errors import Interrupted
from tunesmith.jobs import frozen as job
from tunesmith.jobs.train import train
from tunesmith.models.kept import Kept
from tunesmith.models.tiny import save_tiny
from tunesmith.recipe.catalogue import STRATEGIES, load_entry
from tunesmith.runs import states as store

BODY = [{"freeze": {"blocks": 1}}]
HEAD = [{"freeze": {"blocks": 2}}]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    return tmp_path / "states"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows were given and how many batches computed, and how often a batch was not to be had."""
    seen: Counter[str] = Counter()
    read, computed = Kept.read, Kept._computed

    def counting(self: Kept, inputs: Any) -> Any:
        found = read(self, inputs)
        seen["none" if found is None else "given"] += 1
        return found

    def computing(self: Kept, key: bytes) -> Any:
        seen["computed"] += 1
        return computed(self, key)

    monkeypatch.setattr(Kept, "read", counting)
    monkeypatch.setattr(Kept, "_computed", computing)
    return seen


def weights(recipe: dict[str, Any], folder: Path, **how: Any) -> dict[str, torch.Tensor]:
    evaluate = {**recipe["evaluate"], "baselines": ["majority"]}
    train({**recipe, "precision": "fp32", "evaluate": evaluate, **how}, folder=folder)
    [file] = (folder / "model").rglob("*.safetensors")
    return load_file(file)


def both(recipe: dict[str, Any], folder: Path, **how: Any) -> tuple[dict[str, torch.Tensor], ...]:
    """Return the weights without and with what is kept."""
    batching = recipe.get("batching", {})
    return tuple(
        weights({**recipe, "batching": {**batching, "cache_frozen": cached}}, folder / str(cached), **how)
        for cached in (False, True)
    )


def assert_close(slow: dict[str, torch.Tensor], fast: dict[str, torch.Tensor]) -> None:
    assert slow.keys() == fast.keys()
    for name, value in slow.items():
        torch.testing.assert_close(fast[name], value, atol=2e-4, rtol=1e-3, msg=name)


MIXES: list[list[Any]] = [
    BODY, HEAD, [*BODY, "rdrop", "mixout"], [*BODY, "mixup", "l2sp"], [*BODY, "distil_from_base"], [*BODY, "replay"],
    [*BODY, "average", "layerwise_lr"], [*BODY, "multi_sample_dropout", {"trust_region": {"towards": "base"}}],
    [*BODY, {"contrastive": {"steps": 2}}], [*BODY, "probe_start"], [{"adapters": {"targets": ["1.output.dense"]}}],
    [{"unfreeze": {"by": "epoch", "every": 3}}, "mixout"],
]  # fmt: skip


@pytest.mark.parametrize("strategies", MIXES, ids=str)
def test_the_weights_are_those_without(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str], strategies: list[Any]
) -> None:
    slow, fast = both({**quick, "strategies": strategies, "stop": {"epochs": 4, "steps": 16}}, tmp_path)
    assert_close(slow, fast)
    assert asked["given"] > 8
    assert asked["computed"] > 0


@pytest.mark.parametrize("batching", [{"accumulate": 2}, {"save_memory": True}, {"tokens": 24}], ids=str)
def test_however_a_step_is_divided(quick: dict[str, Any], tmp_path: Path, asked: Counter[str], batching: Any) -> None:
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 4, "steps": 8}, "batching": batching}
    assert_close(*both(recipe, tmp_path))
    assert asked["given"] > 8


@pytest.mark.parametrize("text", [{"max_tokens": 6, "long": "window", "overlap": 2}], ids=str)
def test_windows_are_rows_of_their_own(quick: dict[str, Any], tmp_path: Path, asked: Counter[str], text: Any) -> None:
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 4, "steps": 8}, "text": text}
    assert_close(*both(recipe, tmp_path))
    assert asked["given"] > 8


@pytest.mark.parametrize("family", ["distilbert", "modernbert", "roberta", "deberta-v2"])
def test_other_architectures(
    quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path, asked: Counter[str], family: str
) -> None:
    folder = save_tiny(tmp_path / family, [text for text, _ in rows], family=family)
    # Of DeBERTa, relative positions learn with the highest block and stand in all others.
    strategies = HEAD if family == "deberta-v2" else BODY
    recipe = {**quick, "model": str(folder), "strategies": strategies, "stop": {"epochs": 4, "steps": 8}}
    assert_close(*both(recipe, tmp_path))
    assert asked["given"] > 8


def test_what_learns_beside_the_blocks_is_seen(
    quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path, asked: Counter[str]
) -> None:
    folder = save_tiny(tmp_path / "deberta", [text for text, _ in rows], family="deberta-v2")
    recipe = {**quick, "model": str(folder), "strategies": BODY, "stop": {"epochs": 4, "steps": 4}}
    slow, fast = both(recipe, tmp_path)
    assert not asked
    assert all(torch.equal(slow[name], fast[name]) for name in slow)


NEEDS_ALL = ["fgm", "pgd", "trust_region", "prompt", "ptuning", "prefix"]


@pytest.mark.parametrize("name", NEEDS_ALL)
def test_strategies_that_move_what_blocks_are_given(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str], name: str
) -> None:
    strategies = [name] if name in ("prompt", "ptuning", "prefix") else [*BODY, name]
    weights({**quick, "strategies": strategies, "stop": {"epochs": 4, "steps": 3}}, tmp_path)
    assert not asked


def test_all_strategies_that_do_are_known() -> None:
    found = {name for name in STRATEGIES if load_entry("strategies", name)().whole_depth}
    assert found == set(NEEDS_ALL)


def stop_at(number: int) -> Callable[[dict[str, Any]], None]:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "step" and event["step"] == number:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


@pytest.mark.parametrize("strategies", [BODY, [{"unfreeze": {"by": "epoch", "every": 3}}]], ids=str)
@pytest.mark.parametrize("number", [7, 11])
def test_a_resumed_training_ends_in_the_same_bits(
    quick: dict[str, Any], tmp_path: Path, cache: Path, strategies: list[Any], number: int
) -> None:
    recipe = {**quick, "strategies": strategies, "stop": {"epochs": 6, "steps": 24}}
    train(recipe, folder=tmp_path / "whole")
    shutil.rmtree(cache, ignore_errors=True)
    with pytest.raises(Interrupted):
        train(recipe, folder=tmp_path / "parts", progress=stop_at(number))
    shutil.rmtree(cache, ignore_errors=True)  # the rows are computed anew, in another order
    train(recipe, folder=tmp_path / "parts", resume=True)
    whole, parts = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_a_refit_and_another_run_start_from_what_is_there(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str]
) -> None:
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 2, "refit": False}}
    first = weights(recipe, tmp_path / "first")
    alone = asked["computed"]
    again = weights(recipe, tmp_path / "again")
    assert asked["computed"] == alone
    assert all(torch.equal(first[name], again[name]) for name in first)
    weights({**recipe, "stop": {"epochs": 2, "refit": True}, "seed": 5}, tmp_path / "refit")
    # Another seed draws other train and dev rows; those that were test rows before are the only ones that are new.
    assert alone <= asked["computed"] < 2 * alone


def test_other_weights_share_nothing(quick: dict[str, Any], tmp_path: Path, rows: Any, cache: Path) -> None:
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 2}}
    weights(recipe, tmp_path / "first")
    assert len(list(cache.iterdir())) == 1
    other = save_tiny(tmp_path / "other", [text for text, _ in rows], seed=1)
    slow, fast = both({**recipe, "model": str(other)}, tmp_path)
    assert_close(slow, fast)
    assert len(list(cache.iterdir())) == 2
    weights({**recipe, "strategies": HEAD}, tmp_path / "deeper")
    assert len(list(cache.iterdir())) == 3


def test_one_pass_over_the_rows_keeps_nothing(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str], cache: Path
) -> None:
    weights({**quick, "strategies": BODY, "stop": {"epochs": 1}}, tmp_path / "run")
    assert not asked
    assert not cache.exists()


def test_rows_that_do_not_fit_are_not_kept(
    quick: dict[str, Any], tmp_path: Path, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "DISK", 10_000)
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 2, "steps": 4}}
    weights(recipe, tmp_path / "run")
    assert not asked


def test_damaged_files_are_computed_again(
    quick: dict[str, Any], tmp_path: Path, cache: Path, asked: Counter[str]
) -> None:
    recipe = {**quick, "strategies": BODY, "stop": {"epochs": 2, "steps": 8}}
    first = weights(recipe, tmp_path / "first")
    [file] = cache.rglob(f"*{store.ENDING}")
    whole, alone = file.read_bytes(), asked["computed"]
    damaged = [whole[: len(whole) // 2], whole[:-40] + bytes(40), b"no such file", b""]
    for number, content in enumerate(damaged):
        shutil.rmtree(cache)
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        asked.clear()
        again = weights(recipe, tmp_path / str(number))
        assert 0 < asked["computed"] <= alone
        assert all(torch.equal(first[name], again[name]) for name in first)

"""Killed at any moment, a run goes on as if nothing had happened: bit for bit the same weights."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from tunesmith.jobs.train import train
from tunesmith.models.tinywriters import save_tiny_writer

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
KILLS = 20
KILLS_PER_TASK = 4
SHORT = {"stop": {"epochs": 2, "patience": None}, "evaluate": {"resamples": 20, "baselines": []}}


def weights(folder: Path) -> str:
    [file] = (folder / "model").glob("*.safetensors")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def work(recipe: dict[str, Any], folder: Path, after_seconds: float | None) -> bool:
    """Train in a child process, killed after a while; return whether it was killed."""
    child = os.fork()
    if child == 0:
        os.environ["PYTHONWARNINGS"] = "ignore"
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            train(recipe, folder=folder, resume=True)
        except BaseException:
            (folder.parent / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            os._exit(1)
        os._exit(0)
    if after_seconds is not None:
        time.sleep(after_seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, (folder.parent / "error.txt").read_text("utf-8")
    return False


def test_twenty_kills_change_no_bit_of_the_weights(quick: dict[str, Any], tmp_path: Path) -> None:
    assert kill_often(quick, tmp_path, KILLS) >= 4


@pytest.mark.parametrize("task", ["tag", "answer", "embed"])
def test_kills_change_no_bit_whatever_the_units_are(
    task: str, quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in reading_rows(task, rows)), encoding="utf-8")
    recipe = {
        **quick, "task": task, "data": {"train": str(data)}, "text": {"max_tokens": 16},
        "stop": {"epochs": 2, "patience": None}, "evaluate": {"folds": 0, "resamples": 20, "baselines": []},
    }  # fmt: skip
    assert kill_often(recipe, tmp_path, KILLS_PER_TASK) >= 1


def test_kills_change_no_bit_of_adapters_and_head(quick: dict[str, Any], tmp_path: Path) -> None:
    recipe = {**quick, "strategies": [{"lora": {}}], "evaluate": {"folds": 0, "resamples": 20, "baselines": []}}
    assert kill_often(recipe, tmp_path, KILLS_PER_TASK) >= 1


def test_kills_change_no_bit_of_a_model_that_writes(
    quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    data = tmp_path / "rows.jsonl"
    said = [{"prompt": text, "response": f"it was {label}"} for text, label in rows]
    data.write_text("".join(json.dumps(row) + "\n" for row in said), encoding="utf-8")
    recipe = {
        **quick, "task": "chat", "data": {"train": str(data)}, "strategies": [{"lora": {"dropout": 0.1}}],
        "model": str(save_tiny_writer(tmp_path / "tiny", [text for text, _ in rows], family="qwen2")),
        **SHORT,
        "text": {"max_tokens": 64}, "generate": {"max_tokens": 4},
    }  # fmt: skip
    recipe.pop("head", None)
    assert kill_often(recipe, tmp_path, KILLS_PER_TASK) >= 1


@pytest.mark.parametrize("model", ["t5", "bert+bert"])
def test_kills_change_no_bit_of_what_writes_texts_from_texts(
    model: str, quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps({"source": a, "target": f"{b} {b}"}) + "\n" for a, b in rows), encoding="utf-8")
    folder = quick["model"]
    if model == "t5":
        folder = str(save_tiny_writer(tmp_path / "t5", [text for text, _ in rows], family="t5"))
    recipe = {
        **quick, "task": "seq2seq", "model": folder, "data": {"train": str(data)}, "strategies": [],
        **SHORT,
    }  # fmt: skip
    assert kill_often(recipe, tmp_path, KILLS_PER_TASK) >= 1


def test_kills_change_no_bit_of_what_foresees_tokens(
    quick: dict[str, Any], rows: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Through all that it does: reading a corpus, training a head for a body that has none, masking, training."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(f"{text}, {at % 11}\n" for at, (text, _) in enumerate(rows)), encoding="utf-8")
    recipe = {
        "task": "masked", "model": quick["model"], "data": {"train": str(corpus)}, "text": {"max_tokens": 16},
        "masking": {"unit": "word"}, "stop": {"epochs": 3, "patience": None}, "evaluate": {"resamples": 20},
        "checkpoint_seconds": 0,
    }  # fmt: skip
    assert kill_often(recipe, tmp_path, KILLS_PER_TASK) >= 1


def reading_rows(task: str, rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Rows of several windows each for `tag` and `answer`, pairs without scores for `embed`."""
    mixed = [rows[(at * 37) % len(rows)] for at in range(len(rows))]
    made: list[dict[str, Any]] = []
    for at, (text, label) in enumerate(mixed):
        other = mixed[(at * 7 + 1) % len(mixed)][0]
        long, word = f"{text}, " + f"{other}, " * (at % 4), text.split()[-1]
        start = text.index(word)
        if task == "tag":
            made.append({"text": long, "spans": [{"start": start, "end": len(text), "label": label}]})
        elif task == "answer":
            made.append({"question": f"how is {text.split()[1]}", "context": long, "answers": [word] if at % 5 else []})
        else:
            made.append({"anchor": text, "positive": f"{word} was {at}", "negative": other})
    return made


def kill_often(recipe: dict[str, Any], tmp_path: Path, times: int) -> int:
    """Kill runs of `recipe` so many times in all, and hold each to one that nobody killed; return the runs it took."""
    reference = tmp_path / "reference"
    started = time.monotonic()
    assert not work(recipe, reference, None)
    length = time.monotonic() - started
    expected = weights(reference)

    draw = random.Random(2026)
    kills, runs = 0, 0
    while kills < times:
        folder = tmp_path / f"run-{runs}"
        while work(recipe, folder, draw.uniform(0.0, length)):
            kills += 1
            if kills % 4 == 0 or kills >= times:  # let it end now and then, however unlucky the draws
                assert not work(recipe, folder, None)
                break
        runs += 1
        assert weights(folder) == expected
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        reference_report = json.loads((reference / "report.json").read_text(encoding="utf-8"))
        assert report["test"] == reference_report["test"]
        assert [h["step"] for h in report["history"]] == [h["step"] for h in reference_report["history"]]
    return runs

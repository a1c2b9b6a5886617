"""Data for every task, made from the same ninety rows, and a run of each task on each architecture, trained once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Trained = Callable[..., Path]
USUAL = {"chat": "qwen2", "seq2seq": "t5"}
"""Tasks whose answer is written → the architecture that they are tried on where no other is asked for."""


def talk(at: int, text: str, word: str) -> dict[str, Any]:
    """A dialogue of one turn or two, some of them with a system prompt."""
    said = [{"role": "user", "content": text}, {"role": "assistant", "content": f"it was {word}"}]
    more = [{"role": "user", "content": "so what was it"}, {"role": "assistant", "content": word}]
    system = [{"role": "system", "content": "say what it was"}]
    return {"messages": [*(system if at % 4 == 0 else []), *said, *(more if at % 3 == 0 else [])]}


def table(path: Path, header: list[str], lines: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tagged(text: str, label: str) -> dict[str, Any]:
    """The first two words are a thing, the last has the row's class."""
    thing, word = " ".join(text.split()[:2]), text.split()[-1]
    spans = [(0, len(thing), "thing"), (len(text) - len(word), len(text), label)]
    return {"text": text, "spans": [{"start": a, "end": b, "label": kind} for a, b, kind in spans]}


def asked(at: int, text: str, other: str) -> dict[str, Any]:
    """Of two things, which one is so; of some rows neither is."""
    thing, word = " ".join(text.split()[:2]), text.split()[-1]
    context = f"{text}, {other}"
    if at % 6 == 0 and "superb" not in context:
        return {"question": "which is superb", "context": context, "answers": []}
    return {"question": f"which is {word}", "context": context, "answers": [thing]}


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> dict[str, Path]:
    """A file per task, its rows in a mixed order."""
    folder = tmp_path_factory.mktemp("tables")
    mixed = [rows[(i * 37) % len(rows)] for i in range(len(rows))]
    value = {"good": 2.5, "odd": 0.25, "bad": -1.75}
    others = [mixed[(i * 7 + 1) % len(mixed)] for i in range(len(mixed))]
    both = [(f"{text}, {b}", sorted({label, of_b})) for (text, label), (b, of_b) in zip(mixed, others, strict=True)]
    pairs = [(text, *mixed[(i * 11 + 1) % len(mixed)], label) for i, (text, label) in enumerate(mixed)]
    scores = [[text, value[label] + (i % 7) / 100] for i, (text, label) in enumerate(mixed)]
    alike = [[a, b, "same" if label == other else "different"] for a, b, other, label in pairs]
    near = [[a, b, round(5 - abs(value[label] - value[other]), 2)] for a, b, other, label in pairs]
    (folder / "masked.txt").write_text("".join(f"{text}\n" for text, _ in mixed), encoding="utf-8")
    return {
        "masked": folder / "masked.txt",
        "classify": table(folder / "classify.csv", ["text", "label"], [list(row) for row in mixed]),
        "regress": table(folder / "regress.csv", ["text", "score"], scores),
        "multilabel": table(
            folder / "multi.csv", ["text", "labels"], [[text, "|".join(names)] for text, names in both]
        ),
        "pair": table(folder / "pair.csv", ["text_a", "text_b", "label"], alike),
        "embed": table(folder / "embed.csv", ["text_a", "text_b", "score"], near),
        "chat": lines(folder / "chat.jsonl", [talk(i, text, label) for i, (text, label) in enumerate(mixed)]),
        "seq2seq": table(
            folder / "seq2seq.csv", ["source", "target"], [[text, f"{label} {label}"] for text, label in mixed]
        ),
        "tag": lines(folder / "tag.jsonl", [tagged(text, label) for text, label in mixed]),
        "answer": lines(
            folder / "answer.jsonl",
            [asked(i, text, b) for i, ((text, _), (b, _)) in enumerate(zip(mixed, others, strict=True))],
        ),
    }


@pytest.fixture(scope="session")
def models(tiny: Path, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> dict[str, Path]:
    """For every task a folder with a tiny model that suits it."""
    from tunesmith.models.tinywriters import save_tiny_writer
    from tunesmith.recipe.catalogue import TASKS

    place, texts = tmp_path_factory.mktemp("models"), [text for text, _ in rows]
    writers = {task: save_tiny_writer(place / task, texts, family=family) for task, family in USUAL.items()}
    return {**dict.fromkeys(TASKS, tiny), **writers}


@pytest.fixture(scope="session")
def trained(tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> Trained:
    """Train (task, family, head) once and remember the run folder; baselines are measured for one family."""
    from tunesmith.jobs.train import train
    from tunesmith.models.tiny import save_tiny
    from tunesmith.models.tinywriters import WRITERS, save_tiny_writer

    known: dict[tuple[str, str, str], Path] = {}
    place = tmp_path_factory.mktemp("trained")

    def get(task: str, family: str = "", head: str = "own") -> Path:
        usual = USUAL.get(task, "bert")
        key = (task, family or usual, "auto" if task in (*USUAL, "masked") else head)
        if key not in known:
            task, family, head = key
            save = save_tiny_writer if family in WRITERS else save_tiny
            model = save(place / "-".join(("model", *key)), [text for text, _ in rows], family=family)
            recipe: dict[str, Any] = {
                "task": task, "model": str(model), "head": head, "data": {"train": str(tables[task])},
                "optimizer": {"learning_rate": 5e-3, "head_learning_rate": 1e-2},
                "stop": {"epochs": 3, "refit": False}, "evaluate": {"folds": 0, "resamples": 20},
                "strategies": [], "precision": "fp32" if family == usual else "bf16",
            }  # fmt: skip
            if family != usual:
                recipe["evaluate"]["baselines"] = []
            elif task == "tag":
                recipe["stop"]["epochs"] = 12  # until it finds what there is to find
            if task == "seq2seq":
                recipe["stop"]["epochs"] = 12  # until it writes something
            if task in ("tag", "answer", "masked"):
                recipe["text"] = {"max_tokens": 16 if task == "masked" else 64}
            known[key] = train(recipe, folder=place / "-".join(("run", *key))).folder
        return known[key]

    return get

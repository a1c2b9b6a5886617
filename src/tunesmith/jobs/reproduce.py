"""Reproduce: train a run again, and say how much of it came out the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunesmith.bundle.knowledge import weight_files
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.fuse import parent_of
from tunesmith.jobs.retest import Retested, finished, retest
from tunesmith.recipe.parse import parse
from tunesmith.runs.files import sha256_of
from tunesmith.runs.lock import check_files, describe_lock, differences
from tunesmith.runs.store import Run

VERDICTS = {
    "weights": "Reproduced bit for bit: the weights are the same.",
    "predictions": "Reproduced in its answers: the weights differ, and every test row gets the same label.",
    "scores": "Reproduced in its scores: {differ} of {rows} test rows get another label, and every figure lies within "
    "the interval of the report.",
    None: "Not reproduced: {outside} outside the interval of the report.",
}


def reproduce(run: str | Path, *, progress: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """Train a finished run again from its recipe and lock, in a temporary folder, and compare.

    Args:
        run: the folder of a finished run.
        progress: called with the events of the training.

    Returns:
        `{level, verdict, changed, rows, same_labels, scores}`: level is the strictest of `weights`, `predictions` and
        `scores` that matched, or None; `changed` says what is different from the lock (a data file, versions, machine);
        scores is metric → `{before, low, high, after}`. Nothing is trained where a data file has changed.

    Raises:
        InputError: there is no such run, it has not ended, or its model is that of another run (K811).

    Cost: a whole training, and as much disk for as long.
    """
    before = finished(run)
    if parent := parent_of(before):
        message = f"its model is that of {parent}, and its rules were set beside it."
        raise InputError(Fault("K811", str(run), message, f"tunesmith reproduce {parent}"))
    try:
        check_files(before.lock)
    except InputError as error:
        changed = [str(fault) for fault in error.faults]
        verdict = "Not reproduced: the input is not what it was."
        return {"level": None, "verdict": verdict, "changed": changed, "rows": 0, "same_labels": None, "scores": {}}
    changed = _circumstances(before.lock)
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        after = _train_again(before, Path(folder) / "again", progress)
        found = _compared(before, after)
    return {**found, "changed": changed}


def _train_again(before: Run, folder: Path, progress: Callable[[dict[str, Any]], None] | None) -> Run:
    import torch

    from tunesmith.jobs.train import train

    # Another number of threads adds up in another order, which changes the last bits.
    threads = (before.lock.get("machine") or {}).get("threads")
    own = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or own)
        recipe = parse(before.folder)
        knowledge = recipe.knowledge.model_copy(update={"ablation": False})  # its weights are none of those kept
        return train(
            recipe.model_copy(update={"knowledge": knowledge}),
            folder=folder,
            progress=progress,
            command=f"tunesmith reproduce {before.folder}",
        )
    finally:
        torch.set_num_threads(own)


def _circumstances(lock: Mapping[str, Any]) -> list[str]:
    """Return what is different here and now from what the lock says."""
    now = describe_lock({}, command="", seed=lock["seed"], digest=lock["recipe_digest"])
    parts = ("versions", "machine", "git")
    before = {part: lock.get(part) for part in parts}
    known = {key: value for key, value in (before["machine"] or {}).items() if key != "threads"}
    # However many processes trained it, one does it again.
    alone = {"processes": 1, "divided": False}
    before["machine"], now["machine"] = {**alone, **known}, {**alone, **now["machine"]}
    return differences(before, {part: now[part] for part in parts})


def _compared(before: Run, after: Run) -> dict[str, Any]:
    old, new = retest(before.folder), retest(after.folder)
    scores = _scores(before.report()["test"], after.report()["test"])
    outside = [name for name, score in scores.items() if not score["low"] <= score["after"] <= score["high"]]
    same, rows = _same_labels(old, new), len(old.examples)
    if _weights(before) == _weights(after):
        level: str | None = "weights"
    elif same == rows:
        level = "predictions"
    else:
        level = None if outside else "scores"
    verdict = VERDICTS[level].format(differ=rows - same, rows=rows, outside=f"{', '.join(outside)} came out")
    return {"level": level, "verdict": verdict, "rows": rows, "same_labels": same, "scores": scores}


def _scores(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "before": score["value"],
            "low": score["low"],
            "high": score["high"],
            "after": after[name]["value"] if name in after else float("nan"),
        }
        for name, score in before.items()
    }


def _same_labels(old: Retested, new: Retested) -> int:
    """Return how many test rows both models give the same label (numbers: the same number to six digits)."""
    answers = [found.task.decode(found.answers, found.examples) for found in (old, new)]
    return sum(_key(one.label) == _key(other.label) for one, other in zip(*answers, strict=True))


def _key(label: object) -> object:
    return f"{label:.6g}" if isinstance(label, float) else label


def _weights(run: Run) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in weight_files(run.folder / "model")}

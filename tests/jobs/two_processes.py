"""What each of two processes does in `test_processes.py`: several trainings one after another, so that torch is loaded
once. `torchrun` starts it with the recipes' file and the folder of the runs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tunesmith.engine.device import join
from tunesmith.engine.divided import part_of
from tunesmith.engine.heap import HEAP
from tunesmith.engine.ranks import Ranks
from tunesmith.errors import TunesmithError
from tunesmith.jobs import tune
from tunesmith.jobs.train import train
from tunesmith.runs.store import Run

ENDED: list[torch.Tensor] = []
"""The weights with which each training ended."""
PARTS: list[bool] = []
"""Whether a process held less than all weights at the end of each training, and nothing that it had freed."""


def main() -> None:
    recipes = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    place = Path(sys.argv[2])
    ranks = join()
    told: dict[str, Any] = {"sums": sums(ranks)}
    for name in ("plain", "accumulated", "writing"):
        told[name] = type(train(recipes[name], folder=place / name)).__name__
        told[f"{name} alike"] = alike(ranks)
    for name in ("divided", "divided few", "divided writing"):
        told[name] = type(train(recipes[name], folder=place / name)).__name__
        told[f"{name} alike"] = alike(ranks)
        told[f"{name} in parts"] = PARTS.pop()
    told["divided from one"] = fault(lambda: train(recipes["divided"], folder=place / "divided-from-one", resume=True))
    told["divided stopped"] = fault(lambda: stopped(recipes["divided"], place / "one-from-divided", ranks))
    told["indivisible"] = fault(lambda: train(recipes["indivisible"], folder=place / "indivisible"))
    for name in ("masked", "divided masked"):
        told[name] = fault(lambda name=name: train(recipes[name], folder=place / name))  # type: ignore[misc]
    told["resumed"] = type(train(recipes["plain"], folder=place / "from-one", resume=True)).__name__
    told["stopped"] = fault(lambda: stopped(recipes["plain"], place / "from-two", ranks))
    told["budget"] = fault(lambda: train(recipes["budget"], folder=place / "budget"))
    told["not finite"] = fault(lambda: train(recipes["not finite"], folder=place / "not-finite"))
    told["too few"] = fault(lambda: train(recipes["too few"], folder=place / "too-few"))
    write(place, ranks, told)
    if ranks.is_first:  # the launcher ends those that are left; this one has still to say what it met
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    told["lost"] = fault(lambda: lost(recipes["plain"], place / "lost", ranks))
    write(place, ranks, told)


def write(place: Path, ranks: Ranks, told: dict[str, Any]) -> None:
    (place / f"told-{ranks.number}.json").write_text(json.dumps(told), encoding="utf-8")


def fault(work: Callable[[], Any]) -> str:
    """Return what the work ends with."""
    try:
        return type(work()).__name__
    except TunesmithError as error:
        return str(error)


def sums(ranks: Ranks) -> dict[str, Any]:
    """Return what the processes make of numbers that each has for itself."""
    both, one, none = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    still = torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    both.grad = torch.full((2,), 1.0 + ranks.number)
    one.grad = None if ranks.is_first else torch.full((2,), 5.0)
    ranks.add_gradients([both, one, none, still])
    return {
        "sums": ranks.sums(1.0, ranks.number),
        "any": [ranks.any(False), ranks.any(ranks.number == 1)],
        "told": ranks.told(ranks.number),
        "gathered": sorted(ranks.gathered({ranks.number: ranks.number * 10}).items()),
        "share": list(ranks.share(range(5))),
        "gradients": [None if p.grad is None else p.grad.tolist() for p in (both, one, none, still)],
    }


def alike(ranks: Ranks) -> bool:
    """Return whether the last training of all processes ended with the same bits."""
    found = list(ranks.gathered({ranks.number: ENDED[-1]}).values())
    return all(torch.equal(found[0], other) for other in found)


def stopped(recipe: dict[str, Any], folder: Path, ranks: Ranks) -> Run:
    """Train until the second process, and it alone, gets a signal."""
    return at_step(recipe, folder, 5, lambda: ranks.is_first or os.kill(os.getpid(), signal.SIGINT))


def lost(recipe: dict[str, Any], folder: Path, ranks: Ranks) -> Run:
    """Train until the second process is gone."""
    return at_step(recipe, folder, 5, lambda: ranks.is_first or os._exit(9))


def at_step(recipe: dict[str, Any], folder: Path, number: int, act: Callable[[], Any]) -> Run:
    inner = tune._Training._tell

    def tell(training: Any, step: Any) -> None:
        inner(training, step)
        if step.step == number:
            act()

    tune._Training._tell = tell
    try:
        return train(recipe, folder=folder)
    finally:
        tune._Training._tell = inner


if __name__ == "__main__":
    finish = tune._Training._finish

    def finish_and_keep(training: tune._Training) -> tune.Tuned:
        PARTS.append(HEAP.lean == 1 and any(part_of(p).numel() < p.numel() for p in training.model.parameters()))
        tuned = finish(training)
        ENDED.append(torch.cat([p.detach().flatten() for p in tuned.model.parameters()]))
        return tuned

    tune._Training._finish = finish_and_keep
    main()

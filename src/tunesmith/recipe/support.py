"""Which strategies go together, and on which tasks: the one place that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from tunesmith.core.strategy import Stage
from tunesmith.errors import Fault
from tunesmith.recipe.catalogue import STRATEGIES, entries, load_entry
from tunesmith.recipe.faults import Where

ALONE: dict[Stage, str] = {
    "adapter": "both put adapters into the model, and one kind fits",
    "loss": "both replace the loss of a row, and the second would undo the first",
}
"""Stages of which a recipe has one strategy, with the reason."""


class Conflict(NamedTuple):
    """Strategies that do not go together with others."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    reason: str


ADAPTERS = ("lora", "ia3", "adapters", "prefix", "prompt", "ptuning")
"""Strategies of the stage `adapter`, beside which the body is frozen."""
CONFLICTS: tuple[Conflict, ...] = (
    Conflict(("freeze",), ("unfreeze",), "one keeps levels shut for good, and the other opens them all"),
    Conflict(("unfreeze",), ADAPTERS, "the levels that it would open stay frozen beside an adapter"),
    Conflict(("bitfit",), ADAPTERS, "each leaves all frozen but what it trains itself"),
    Conflict(("reinit",), (*ADAPTERS, "bitfit"), "the blocks that are drawn anew would stay frozen as they were drawn"),
    Conflict(("contrastive",), ADAPTERS, "the body that it moves is not kept where an adapter is saved on its base"),
    Conflict(("prototype",), ("probe_start",), "both start the same layer, and the second would undo the first"),
    Conflict(("fgm",), ("pgd",), "pgd takes the step of fgm several times"),
    Conflict(("mixup",), ("rdrop",), "mixup mixes a row with another one in each pass, so that the two need not agree"),
    Conflict(
        ("mixup",), ("fgm", "pgd"), "mixup mixes other rows in the pass after the step than in the one it was taken in"
    ),
    Conflict(("mixup",), ("multi_sample_dropout",), "both replace the loss of a row, by that of other vectors each"),
    Conflict(("l2sp", "ewc"), ADAPTERS, "the weights that it pulls back are frozen beside an adapter"),
    Conflict(("mixout",), ADAPTERS, "the weights that it puts back are frozen beside an adapter"),
    Conflict(
        ("l2sp", "ewc", "mixout", "distil_from_base"),
        ("reinit",),
        "blocks that are drawn anew have no start to stay near to",
    ),
    Conflict(("l2sp",), ("decay",), "l2sp takes the place of weight decay, and switches it off"),
)
"""What does not go together beside strategies of one stage; each pair once, in either order."""


UNDIVIDED = {
    "average": "adds up whole weights",
    "l2sp": "holds the weights as they were",
    "ewc": "holds the weights as they were",
    "mixout": "holds the weights as they were",
    "lora.quantise": "keeps matrices of four bits with one scale for many weights",
}
"""Strategies, and options of them, for which every process must hold all weights, with what they do to them."""


def conflict_of(first: str, second: str) -> str:
    """Return why two strategies do not go together; nothing where they do."""
    stages: list[Stage] = [load_entry("strategies", name).stage for name in (first, second)]
    if stages[0] == stages[1] and stages[0] in ALONE:
        return ALONE[stages[0]]
    pair = (first, second)
    for left, right, reason in CONFLICTS:
        if any(a in left and b in right for a, b in (pair, pair[::-1])):
            return reason
    return ""


def conflicts(names: Sequence[str], where: Where) -> list[Fault]:
    """Return a fault for every two strategies that do not go together (K212); unknown names are told elsewhere."""
    known = [(at, name) for at, name in enumerate(names) if name in STRATEGIES or name in entries("strategies")]
    return [
        Fault("K212", where(("strategies", at)), f"{first} and {second} do not go together: {reason}.",
              "Leave one of them out.")
        for (_, first), (at, second) in combinations(known, 2) if first != second
        for reason in [conflict_of(first, second)] if reason
    ]  # fmt: skip


def indivisible(items: Sequence[Mapping[str, Mapping[str, Any]]], precision: str) -> Iterator[Fault]:
    """Yield a fault for all that does not go with weights that several processes hold a part of each (K546).

    Args:
        items: the complete list of a recipe's strategies.
        precision: `fp32`, `bf16` or `fp16`.
    """
    asked = [(name, options) for item in items for name, options in item.items()]
    chosen = [at for name, options in asked for at in (name, *(f"{name}.{key}" for key in options if options[key]))]
    for at in chosen:
        if at in UNDIVIDED:
            message = f"{at} {UNDIVIDED[at]}, and here each process has a part of them."
            yield Fault("K546", f"recipe: strategies.{at}", message, "Leave it out, or let each process hold all.")
    if precision == "fp16":
        message = "losses in fp16 are scaled, which is not there for divided weights."
        yield Fault(
            "K546", "recipe: precision", message, "Set `precision: bf16`, or let each process hold all weights."
        )


def unfit(names: Sequence[str], problem: str, task: str) -> Iterator[Fault]:
    """Yield a fault for every strategy that does nothing sensible with a kind of head (K213)."""
    for name in names:
        fits = load_entry("strategies", name).problems
        if fits and problem not in fits:
            message = f"{name} works with {', '.join(fits)}, and {task} here is {problem}."
            yield Fault("K213", f"recipe: strategies.{name}", message, "Leave it out.")

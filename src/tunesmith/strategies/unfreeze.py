"""Gradual unfreezing: the head learns first, and the body opens from above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveFloat, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError
from torch import nn

from tunesmith.core.strategy import Group, Progress, Setup, Stage, Strategy
from tunesmith.models.blocks import by_depth

EVERY = {"share": 0.5, "epoch": 1.0, "stall": 1.0}
"""What `every` is where nobody says it."""


class Unfreeze(Strategy):
    """Train the head alone at first, and open the body level by level from above.

    The levels are the head (open from the start, with the `start` levels below it), the blocks from above, and the
    embeddings. The i-th of the n levels that are shut at first opens

    share: when i / n · `every` of the training is done, so that all are open after `every` of it;
    epoch: after i · `every` passes over the rows, so that lower levels never open in a training that is too short;
    stall: when `every` evaluations on dev brought nothing better, counted anew with each level. Without dev (refit) it
    is as `share` has it.

    With `warmup_steps` w, the rate of a level that opened at step s is scaled by min(1, (t − s + 1) / w) at step t:
    Adam's first steps are of full size, whatever the gradient.

    Use it when rows are few and the head starts from noise. Prefer probe_start, which gives the head a fit in place of
    an epoch, where the task has a linear head; prefer neither on tens of thousands of rows.

    Blocks that are shut run without dropout. Where they stay so for more than a pass over the rows, what they give is
    kept from then on until the next one opens, on a CPU.

    Cost: negative; the backward pass ends below the lowest level that is open. Memory is that of full tuning in the
        end.

    Source: Howard and Ruder 2018, Universal Language Model Fine-tuning for Text Classification, section 3.3, where a
        level opens with each epoch. That of `share` and `stall` is ours.
    """

    stage: ClassVar[Stage] = "rates"

    by: Literal["share", "epoch", "stall"] = "share"
    """What opens the next level: a share of the training, passes over the rows, or a dev score that no longer rises."""
    start: NonNegativeInt = 0
    """Levels besides the head that are open from the start."""
    every: PositiveFloat | None = None
    """Share after which all levels are open (0.5), or epochs or evaluations before the next one opens (1)."""
    warmup_steps: NonNegativeInt = 0
    """Steps in which the rate of a level that has opened rises to its own."""

    _levels: list[list[nn.Parameter]] = PrivateAttr(default_factory=list)
    _opened: list[int] = PrivateAttr(default_factory=list)
    _stalled: int = PrivateAttr(default=0)
    _by: str = PrivateAttr(default="share")
    _every: float = PrivateAttr(default=0.5)

    @model_validator(mode="after")
    def _fits(self) -> Unfreeze:
        if self.every is not None and self.by == "share" and self.every > 1.0:
            raise PydanticCustomError("every", "every at most 1 where it is a share of the training")
        if self.every is not None and self.by == "stall" and not self.every.is_integer():
            raise PydanticCustomError("every", "every as a whole number where it counts evaluations")
        return self

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Begin anew; everything stays open until the optimiser has its parameters."""
        self._levels, self._opened, self._stalled = [], [], 0
        has_signal = self.by != "stall" or setup.score is not None
        self._by, every = (self.by, self.every) if has_signal else ("share", None)
        self._every = every or EVERY[self._by]
        return model

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Divide the groups into levels, and let the rate of each rise once it has opened."""
        divided = by_depth(groups, model)
        depths = sorted({level for level, _ in divided}, reverse=True)
        self._levels = [[p for level, group in divided if level == at for _, p in group["params"]] for at in depths]
        if self.warmup_steps == 0:
            return [group for _, group in divided]
        result: list[Group] = []
        for level, group in divided:
            result.append({**group, "factor": self._rising(depths.index(level), group.get("factor"))})
        return result

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Open what is due; shut levels take no gradient."""
        due = self._due(progress)
        while len(self._opened) < due:
            self._opened.append(progress.step)
        for at, level in enumerate(self._levels):
            for parameter in level:
                parameter.requires_grad_(at < due)

    def state(self) -> dict[str, Any]:
        """Return the step at which each level opened, from above, and what dev had said by then."""
        return {"opened": list(self._opened), "stalled": self._stalled}

    def restore(self, state: dict[str, Any]) -> None:
        """Take both back."""
        self._opened, self._stalled = list(state["opened"]), state["stalled"]

    def _due(self, progress: Progress) -> int:
        """Return how many levels are to be open, from above; never fewer than before."""
        first = min(len(self._levels), 1 + self.start)
        shut, known = len(self._levels) - first, len(self._opened)
        if self._by == "stall":
            self._stalled = min(self._stalled, progress.stalled)  # it falls to 0 with each better score
            if known and progress.stalled - self._stalled >= self._every:
                self._stalled = progress.stalled
                known += 1
            return max(first, min(known, len(self._levels)))
        done = progress.epoch / self._every if self._by == "epoch" else progress.share / self._every * shut
        return max(known, first + min(shut, int(done + 1e-9)))

    def _rising(self, at: int, own: Callable[[Progress], float] | None) -> Callable[[Progress], float]:
        """Return the factor of a level, on top of the one it has."""

        # A closure, not a method: torch copies what the groups of an optimiser hold, and would copy this strategy.
        def factor(progress: Progress) -> float:
            since = self._opened[at] if at < len(self._opened) else 0
            rise = min(1.0, (progress.step - since + 1) / self.warmup_steps) if since else 1.0
            return rise * (1.0 if own is None else own(progress))

        return factor

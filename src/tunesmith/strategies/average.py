"""Averages of weights: over the steps of a training, or over its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import torch
from pydantic import Field, PositiveInt, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from tunesmith.core.strategy import Group, Progress, Setup, Stage, Strategy

Weights: TypeAlias = dict[str, Tensor]
START = {"ema": 0.0, "swa": 0.75, "soup": 0.5}
"""Share of the training after which weights count, where nobody says it."""
OF_ONE_KIND = {"decay": "ema", "keep": "soup"}
"""Options that mean something for one kind only."""


class Average(Strategy):
    """Take the mean of the weights of many steps in place of those of one.

    With θ_1 … θ_n the weights before each step, from `start` of the training on, a_i = a_(i−1) + w_i (θ_i − a_(i−1)):

    ema: w_i = (1 − decay) / (1 − decay^i), so that θ_i counts as decay^(n−i), and the start needs no correction;
    swa: w_i = 1 / i, so that all count alike.

    soup: θ_1 … θ_n are `keep` checkpoints, evenly apart from `start` to the end. They and the kept weights, sorted by
    their dev score, come into the mean one by one; each stays in it if dev does not fall.

    In the end ema and swa are kept if dev does not say that they are worse than the kept weights. Without dev (refit)
    the mean is taken as it is, that of soup over all of its checkpoints and the last weights.

    Use it when dev scores jump from one evaluation to the next: on few rows, with high rates. Prefer ema where training
    may end early, and swa or soup with `schedule: constant`, which keeps the steps large: weights that hardly move any
    more have a mean like themselves.

    Cost: one copy of the trained weights in memory and in a checkpoint, and a pass over them per step (soup: `keep`
        copies); in the end two passes over dev, for soup up to twice `keep`, and one.

    Source: ema: Polyak and Juditsky 1992, Acceleration of Stochastic Approximation by Averaging, with weights that fall
        as in Kingma and Ba 2015, Adam, section 3. swa: Izmailov et al. 2018, Averaging Weights Leads to Wider Optima
        and Better Generalization, algorithm 1, with every step in place of every cycle. soup: Wortsman et al. 2022,
        Model Soups, recipe 1 (greedy), over checkpoints of one training in place of many trainings.
    """

    stage: ClassVar[Stage] = "average"

    kind: Literal["ema", "swa", "soup"] = "ema"
    """A mean in which old steps fade, one over the end of the training, or one of chosen checkpoints."""
    decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99
    """How fast old steps fade (ema): they are 1 / (1 − decay) or so, here a hundred."""
    start: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Share of the training after which weights count; by default 0 (ema), 0.75 (swa), 0.5 (soup)."""
    keep: PositiveInt = 5
    """Checkpoints that are kept (soup)."""

    _weights: dict[str, nn.Parameter] = PrivateAttr(default_factory=dict)
    _held: list[Weights] = PrivateAttr(default_factory=list)
    _count: int = PrivateAttr(default=0)
    _score: Callable[[nn.Module], float] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _fits(self) -> Average:
        for name, kind in OF_ONE_KIND.items():
            if name in self.model_fields_set and self.kind != kind:
                raise PydanticCustomError("kind", f"{name} with `kind: {kind}` only")
        return self

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Begin anew."""
        self._weights, self._held, self._count, self._score = {}, [], 0, setup.score
        return model

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Note what is trained; some of it may be frozen for a while."""
        self._weights = {name: parameter for group in groups for name, parameter in group["params"]}
        return groups

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Take in the weights as the step before left them."""
        start = START[self.kind] if self.start is None else self.start
        if progress.step == 0 or progress.share < start:
            return
        if self.kind == "soup":
            due = min(self.keep, 1 + int((progress.share - start) / (1.0 - start) * self.keep + 1e-9))
            if self._count < due:
                self._count = due
                self._held.append(self._copy())
            return
        self._count += 1
        if not self._held:
            self._held = [self._copy()]
        weight = 1 / self._count if self.kind == "swa" else (1 - self.decay) / (1 - self.decay**self._count)
        for name, parameter in self._weights.items():
            self._held[0][name].lerp_(parameter.detach(), weight)

    def finish(self, model: nn.Module) -> nn.Module:
        """Put the mean into the model where dev does not speak against it."""
        if not self._held:
            return model
        alone = self._copy()
        if self.kind == "soup":
            others = [one for one in self._held if any(not torch.equal(one[name], alone[name]) for name in alone)]
            self._load(self._stir(model, [alone, *others]))
            return model
        score = self._score
        before = score(model) if score else 0.0
        self._load(self._held[0])
        if score and not score(model) >= before:
            self._load(alone)
        return model

    def state(self) -> dict[str, Any]:
        """Return what is held, and how many weights it is made of."""
        held = {f"{at}.{name}": value for at, one in enumerate(self._held) for name, value in one.items()}
        return {"count": self._count, **held}

    def restore(self, state: dict[str, Any]) -> None:
        """Take it back, to where the weights are."""
        self._count, self._held = state["count"], []
        for key, value in state.items():
            at, _, name = key.partition(".")
            if name:
                while len(self._held) <= int(at):
                    self._held.append({})
                self._held[int(at)][name] = value.to(self._weights[name].device, copy=True)

    def _stir(self, model: nn.Module, kept: Sequence[Weights]) -> Weights:
        """Return the mean of those of `kept` that make it better one after another; of all where there is no dev."""
        score = self._score
        if score is None:
            return mean(kept)

        def worth(weights: Weights) -> float:
            self._load(weights)
            return score(model)

        scores = [worth(one) for one in kept]
        order = sorted(range(len(kept)), key=lambda at: -scores[at])
        chosen, best = [kept[order[0]]], scores[order[0]]
        for at in order[1:]:
            tried = worth(mean([*chosen, kept[at]]))
            if tried >= best:
                chosen, best = [*chosen, kept[at]], tried
        return mean(chosen)

    def _copy(self) -> Weights:
        return {name: parameter.detach().clone() for name, parameter in self._weights.items()}

    def _load(self, weights: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._weights.items():
                parameter.copy_(weights[name])


def mean(kept: Sequence[Weights]) -> Weights:
    """Return the mean of several sets of weights."""
    return {name: torch.stack([one[name] for one in kept]).mean(dim=0) for name in kept[0]}

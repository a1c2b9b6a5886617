"""Prefix tuning: learn keys and values that every block finds before the text."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.body import body_of
from tunesmith.models.inserted import insert
from tunesmith.models.prompt import Encoded, takes_prefix
from tunesmith.strategies.adapters import Adapters, refuse_streams
from tunesmith.strategies.ptuning import keep_made


class Prefix(Strategy):
    """Train keys and values that the text looks at in every block, and the head; the body stays as it is.

    softmax(q [K; k]ᵀ / √d) [V; v] in every block, with K and V [size, width of its keys] learnt and k, v those of the
    text. With `project` they are made of one vector a place: [K; V] of all blocks = B tanh(A p + a) + b, p [width], and
    the network is there while training only.

    Use it when one frozen model serves many tasks and `prompt` ends too low: a prefix acts in every block. Prefer
    `lora` when the architecture takes no keys and values from outside, and where the model may be merged.

    It wants fifty times the rate of full tuning, and gets it where the recipe leaves the rate open.

    Differs from the paper: the text keeps the positions that it has without the prefix, so no window becomes shorter.

    Cost: 2 · size · blocks · width weights have gradients; attention looks at `size` places more, in training and
        after. With `project` a network of hidden · 2 · blocks · width weights is trained beside them. Not together
        with batching.save_memory, which computes blocks twice and would fill the cache twice.

    Source: Li and Liang 2021, Prefix-Tuning: Optimizing Continuous Prompts for Generation, sections 4.2 and 4.3.
        Encoders, and without `project`: Liu et al. 2022, P-Tuning v2, section 3.
    """

    stage: ClassVar[Stage] = "adapter"
    problems: ClassVar[tuple[str, ...]] = Adapters.problems
    leads: ClassVar[bool] = True

    size: PositiveInt = 20
    """How many places every block has before the text."""
    project: bool = False
    """Whether a network makes the keys and values while training."""
    hidden: PositiveInt | None = None
    """Width of that network; by default that of the model."""

    @property
    def whole_depth(self) -> bool:
        """What is learnt stands in every block."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Give every block its keys and values, and freeze all but them and the head.

        Raises:
            InputError: the architecture takes none (K516), or the model is to be a start for others (K213).
        """
        refuse_streams(setup, "prefix")
        body = body_of(model)
        if not takes_prefix(body):
            message = f"{type(body).__name__} takes no keys and values from outside in all of its blocks."
            raise InputError(Fault("K516", "recipe: strategies.prefix", message, "Take prompt, adapters or lora."))
        insert(model, "prefix", setup.seed, size=self.size)
        if self.project:
            width, (_, out), device = int(body.config.hidden_size), body.prefix.weight.shape, body.prefix.weight.device
            hidden = self.hidden or width
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(setup.seed)
                network = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, out))
                start = torch.randn(self.size, width)
            body.prefix = Encoded(start.to(device), network.to(device))
        return model

    def finish(self, model: nn.Module) -> nn.Module:
        """Keep what the network makes, and not the network."""
        return keep_made(model, "prefix") if self.project else model

"""P-tuning: a prompt whose vectors a small network makes while it is learnt."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.models.body import body_of
from tunesmith.models.inserted import insert
from tunesmith.models.prompt import Encoded, Vectors
from tunesmith.strategies.adapters import Adapters, refuse_streams
from tunesmith.strategies.prompt import words_drawn


class PTuning(Strategy):
    """Train a prompt through a network that ties its vectors to each other, and the head; the body stays as it is.

    P = MLP([→h; ←h]) with h the states of an LSTM that reads the learnt vectors V [size, width] in both directions, or
    P = MLP(V) with `network: mlp`; MLP(z) = B relu(A z + a) + b. [P; E(x)] goes into the first block. The network is
    there while training only: at the end P is computed once and kept.

    Use it when `prompt` learns too slowly: vectors that are learnt together move together. Prefer `prompt` when memory
    is short, `lora` for a model of less than a billion weights.

    It wants fifty times the rate of full tuning, and gets it where the recipe leaves the rate open. Positions and the
    head are as with `prompt`.

    Cost: that of `prompt`, and in training a network of about 16 · hidden² weights (4 · hidden² with `mlp`), run once
        a step on `size` vectors.

    Source: Liu et al. 2021, GPT Understands, Too, section 3.2, equation 5.
    """

    stage: ClassVar[Stage] = "adapter"
    problems: ClassVar[tuple[str, ...]] = Adapters.problems
    leads: ClassVar[bool] = True

    size: PositiveInt = 20
    """How many vectors stand before a text."""
    network: Literal["lstm", "mlp"] = "lstm"
    """What makes the vectors."""
    hidden: PositiveInt | None = None
    """Width of the network; by default that of the word vectors."""

    @property
    def whole_depth(self) -> bool:
        """What is learnt stands below all blocks."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Put the prompt and its network before the text, and freeze all but them and the head.

        Raises:
            InputError: the model is to be a start for others (K213).
        """
        refuse_streams(setup, "ptuning")
        insert(model, "prompt", setup.seed, size=self.size)
        start = words_drawn(model, self.size, setup.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setup.seed)
            network = Network(start.shape[1], self.hidden or start.shape[1], self.network == "lstm")
        body_of(model).prompt = Encoded(start.clone(), network.to(start.device))
        return model

    def finish(self, model: nn.Module) -> nn.Module:
        """Keep what the network makes, and not the network."""
        return keep_made(model, "prompt")


class Network(nn.Module):
    """V [P, E] → P [P, E]."""

    def __init__(self, width: int, hidden: int, reads: bool) -> None:
        super().__init__()
        self.reader = nn.LSTM(width, hidden, bidirectional=True) if reads else None
        inner = 2 * hidden if reads else width
        self.first, self.second = nn.Linear(inner, hidden), nn.Linear(hidden, width)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the vectors that the body is given."""
        states = vectors if self.reader is None else self.reader(vectors)[0]
        found: Tensor = self.second(torch.relu(self.first(states)))
        return found


def keep_made(model: nn.Module, name: str) -> nn.Module:
    """Put plain vectors in the place of those that a network makes."""
    body = body_of(model)
    with torch.no_grad():
        made = getattr(body, name)().detach()
    vectors = Vectors(*made.shape)
    vectors.weight = nn.Parameter(made)
    setattr(body, name, vectors)
    return model

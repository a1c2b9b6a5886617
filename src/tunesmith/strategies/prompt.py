"""Prompt tuning: learn what to say before every text, not in words but in vectors."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.models.body import body_of
from tunesmith.models.inserted import insert
from tunesmith.strategies.adapters import Adapters, refuse_streams


class Prompt(Strategy):
    """Train some vectors that stand before the words of every text, and the head; the body stays as it is.

    [P; E(x)] goes into the first block in place of E(x), with P [size, width] learnt and E(x) [T, width] the vectors of
    the words. P starts as vectors of words drawn at random.

    Use it when one frozen model serves many tasks and each may cost a few kilobytes, and the model is large. Prefer
    `lora` for a model of less than a billion weights: there a prompt learns slowly and ends lower.

    It wants a hundred times the rate of full tuning, and gets it where the recipe leaves the rate open.

    Differs from the paper: the text keeps the positions that it has without the prompt, whose vectors all stand at that
    of the first token, so no window becomes shorter; and the head sees the text alone.

    Cost: size · width weights have gradients. Every text is `size` tokens longer in every block, in training and after;
        the backward pass goes through the whole body.

    Source: Lester, Al-Rfou and Constant 2021, The Power of Scale for Parameter-Efficient Prompt Tuning, section 2.
    """

    stage: ClassVar[Stage] = "adapter"
    problems: ClassVar[tuple[str, ...]] = Adapters.problems
    leads: ClassVar[bool] = True

    size: PositiveInt = 20
    """How many vectors stand before a text."""

    @property
    def whole_depth(self) -> bool:
        """What is learnt stands below all blocks."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Put the prompt before the text, and freeze all but it and the head.

        Raises:
            InputError: the model is to be a start for others (K213).
        """
        refuse_streams(setup, "prompt")
        insert(model, "prompt", setup.seed, size=self.size)
        with torch.no_grad():
            body_of(model).prompt.weight.copy_(words_drawn(model, self.size, setup.seed))
        return model


def words_drawn(model: nn.Module, size: int, seed: int) -> Tensor:
    """Return the vectors of `size` words drawn at random, [size, width]."""
    words: Tensor = body_of(model).get_input_embeddings().weight.detach()
    return words[torch.randint(len(words), (size,), generator=torch.Generator().manual_seed(seed))]

"""Re-initialisation: the highest blocks start anew, as before pretraining."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import NonNegativeInt
from torch import nn
from transformers import PreTrainedModel

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.blocks import stacks


class Reinit(Strategy):
    """Draw the weights of the highest blocks and of the pooler anew, as the architecture draws them before pretraining.

    Of BERT: W ~ N(0, σ²) with σ its `initializer_range`, biases 0, the scale of norms 1. Other architectures follow
    rules of their own, and those are used. In a model that writes with an encoder, the highest blocks are the
    decoder's.

    Use it when rows are few and scores differ much from seed to seed: the highest blocks have learnt to foresee hidden
    tokens, which is far from most tasks. Prefer leaving it out on models that were trained to give vectors (minilm, the
    e5 models), whose highest blocks are what one takes them for, and on models that write.

    Cost: nothing per step; more steps until it is as good.

    Source: Zhang et al. 2021, Revisiting Few-sample BERT Fine-tuning, section 5.
    """

    stage: ClassVar[Stage] = "body"

    blocks: NonNegativeInt = 1
    """How many of the highest blocks start anew."""
    pooler: bool = True
    """Whether the body's pooler does, where it has one."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Overwrite the weights with draws that follow from the seed.

        Raises:
            InputError: the model has fewer blocks (K508).
        """
        names = [f"{prefix}.{at}" for prefix, count in stacks(model) for at in range(count)]
        if self.blocks > len(names):
            message = f"{self.blocks} blocks came, and {type(model).__name__} has {len(names)}."
            raise InputError(Fault("K508", "strategies: reinit.blocks", message, "Write fewer; 1 to 3 are usual."))
        chosen = names[len(names) - self.blocks :]
        if self.pooler:
            chosen += [name for name, _ in model.named_modules() if name.endswith(".pooler")]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setup.seed)
            for name in chosen:
                _draw(model, name)
        return model


def _draw(model: nn.Module, name: str) -> None:
    """Draw the weights of one module by the rules of the model of the library that it stands in."""
    owners: list[Any] = [
        (place, part) for place, part in model.named_modules()
        if isinstance(part, PreTrainedModel) and (not place or f"{name}.".startswith(f"{place}."))
    ]  # fmt: skip
    _, owner = max(owners, key=lambda item: len(item[0]))
    module = model.get_submodule(name)
    for parameter in module.parameters():
        # The library marks what it has loaded, and draws nothing over it.
        parameter._is_hf_initialized = False  # type: ignore[attr-defined]
    module.apply(owner._init_weights)
    for parameter in module.parameters():
        parameter._is_hf_initialized = True  # type: ignore[attr-defined]

"""(IA)³: learn to stretch and to damp what a model computes, one number a dimension."""

from __future__ import annotations

from typing import ClassVar

from torch import nn
from transformers.pytorch_utils import Conv1D

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.adapter import merge, wrap, writes
from tunesmith.models.parts import layers_of, linear_layers, named, pattern


class IA3(Strategy):
    """Scale keys, values and the inside of each feed-forward by learnt vectors, and train the head.

    softmax(q (l_k ⊙ k)ᵀ / √d) (l_v ⊙ v) in attention, and W₂ (l_ff ⊙ f(W₁ x)) in feed-forward, with l_k [keys],
    l_v [values] and l_ff [inner] all one at first, so that training starts from the pretrained model. Where one matrix
    gives queries, keys and values at once, queries are scaled with them.

    Use it when very few weights may be stored for a task, or rows are so few that `lora` learns them by heart. Prefer
    `lora` when there are some hundred rows or more: scaling cannot turn a vector.

    It wants a higher rate than `lora`, and gets it where the recipe leaves the rate open.

    Cost: some thousandths or ten-thousandths of the weights have gradients, moments and a place in a checkpoint; a step
        takes about what one of `lora` takes. Nothing once it is merged.

    Source: Liu et al. 2022, Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning,
        section 3.3.
    """

    stage: ClassVar[Stage] = "adapter"

    targets: tuple[str, ...] | None = None
    """Ends of the names of layers whose outputs are scaled; by default those of keys and values."""
    feed_forward: tuple[str, ...] | None = None
    """Ends of the names of layers whose inputs are scaled; by default those that end feed-forward."""
    merge: bool | None = None
    """Whether the scales go into the weights at the end; by default they do, except in a model that writes."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Return the model wrapped by peft: scales and head learn, all else is frozen.

        Raises:
            InputError: no layers are called so, or those of the architecture are not known (K504).
            MissingExtra: peft is not installed.
        """
        linear = linear_layers(model)
        outputs = layers_of(model, "keys", "values", "all three") if self.targets is None else named(
            linear, self.targets
        )  # fmt: skip
        inputs = layers_of(model, "feed-forward") if self.feed_forward is None else named(linear, self.feed_forward)
        if not outputs and not inputs:
            names = ", ".join(sorted({name.rpartition(".")[2] for name in linear}))
            message = f"no layers of {type(model).__name__} are known to give keys and values or to end feed-forward."
            raise InputError(
                Fault("K504", "strategies: ia3.targets", message, f"Name some under `targets`; there are {names}.")
            )
        return wrap(
            model, "IA3Config", setup.seed, "ia3",
            target_modules=pattern([*outputs, *inputs]),
            feedforward_modules=pattern(inputs),
            fan_in_fan_out=isinstance(linear[[*outputs, *inputs][0]], Conv1D),
        )  # fmt: skip

    def finish(self, model: nn.Module) -> nn.Module:
        """Return the plain model, or the scales beside it."""
        merges = not writes(model) if self.merge is None else self.merge
        return merge(model) if merges else model

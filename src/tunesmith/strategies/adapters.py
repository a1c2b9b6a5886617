"""Bottleneck adapters: learn a thin detour behind attention and feed-forward."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveInt
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.bottleneck import Activation
from tunesmith.models.inserted import insert
from tunesmith.models.parts import Part, layers_of, linear_layers, named, width_out

PLACES: dict[str, tuple[Part, ...]] = {
    "both": ("attention", "feed-forward"), "attention": ("attention",), "feed_forward": ("feed-forward",),
}  # fmt: skip


class Adapters(Strategy):
    """Train a bottleneck behind the layers that end attention and feed-forward, and the head.

    y = x + U f(D x + d) + u, before y is added to what the block was given, with D [size, width] drawn at random,
    U [width, size] and both biases zero, so that training starts from the pretrained model.

    Use it when `lora` learns too little at any rank: the detour bends what it adds, and so can do what no change of a
    matrix does. Prefer `lora` when the model must be merged, or be as fast as it was: these modules stay in the path.

    Differs from the paper: the norms of the body stay as they are, and U is zero where the paper draws it small.

    Cost: with the default size some two percent of the weights have gradients, moments and a place in a checkpoint. The
        backward pass still goes through the whole body; predictions cost two thin products more a block and place.

    Source: Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP, section 2.1. `place: feed_forward`:
        Pfeiffer et al. 2021, AdapterFusion, appendix A.
    """

    stage: ClassVar[Stage] = "adapter"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "regression", "token_classification",
        "question_answering", "embedding", "causal",
    )  # fmt: skip

    size: PositiveInt | None = None
    """Of the bottleneck; by default a sixteenth of the width of the model, at least 8."""
    place: Literal["both", "attention", "feed_forward"] = "both"
    """Behind which layers of a block a bottleneck stands."""
    activation: Activation = "gelu"
    """f, between the two products."""
    targets: tuple[str, ...] | None = None
    """Ends of the names of the layers that get a bottleneck behind them; by default those that `place` means."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Put the bottlenecks into the model, and freeze all but them and the head.

        Raises:
            InputError: no layers are called so, or those of the architecture are not known (K504); the model is to be
                a start for others (K213).
        """
        refuse_streams(setup, "adapters")
        linear = linear_layers(model)
        found = layers_of(model, *PLACES[self.place]) if self.targets is None else named(linear, self.targets)
        if not found:
            names = ", ".join(sorted({name.rpartition(".")[2] for name in linear}))
            message = f"no layers of {type(model).__name__} are known to end attention or feed-forward."
            raise InputError(
                Fault("K504", "strategies: adapters.targets", message, f"Name some under `targets`; there are {names}.")
            )
        size = self.size or max(8, width_out(linear[found[0]]) // 16)
        insert(model, "bottleneck", setup.seed, layers=found, size=size, activation=self.activation)
        return model


def refuse_streams(setup: Setup, name: str) -> None:
    """Refuse what cannot become part of the weights where the model is to be a start for others.

    Raises:
        InputError: the task is running text (K213).
    """
    if setup.task.head().streams:
        message = f"{name} stays beside the weights, and a model adapted to running text has to be a plain one."
        raise InputError(Fault("K213", f"recipe: strategies.{name}", message, "Take lora."))

"""Dropout: how much of what passes through the model is left out while it learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.blocks import blocks, depth

Probability: TypeAlias = Annotated[float, Field(ge=0.0, lt=1.0)]
USUAL = 0.2
"""Of hidden states where nothing is named: twice what most encoders were pretrained with."""
QUERIES = ("query", "query_proj", "q_proj", "q_lin", "q", "c_attn", "Wqkv")
"""What architectures call the layer that makes queries: a module that has one works out attention weights."""
OF_WEIGHTS = ("dropout", "attn_dropout", "attention_dropout")
"""What they call the dropout of those weights."""


class Dropout(Strategy):
    """Set the shares that dropout leaves out in training, by place.

    y = m ⊙ x / (1 − p), each entry of m being 0 with probability p and else 1: the mean of y is x, and nothing is left
    out when the model is used. Three places have a p of their own: hidden states (after embeddings and in every block),
    the weights of attention, and what the classifier sees.

    Use it when the loss on train goes to zero while that on dev rises: more of it on few rows, less on many. Prefer 0
    for `attention` on long texts, where its random numbers cost most; the recipe's `attention_dropout` sets the same,
    and what is written here counts.

    Cost: random numbers for as many entries as pass; none where p is 0.

    Source: Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting, section 4, scaled
        while learning (section 10) in place of afterwards.
    """

    stage: ClassVar[Stage] = "body"

    hidden: Probability | None = None
    """Of hidden states; by default as the model has it, or 0.2 where none of the three is named."""
    attention: Probability | None = None
    """Of attention weights; by default as the model has it."""
    classifier: Probability | None = None
    """Of what the head sees; by default as the model has it."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Set the shares on the modules.

        Raises:
            InputError: the model has no such place (K509).
        """
        asked = {name: share for name in type(self).model_fields if (share := getattr(self, name)) is not None}
        there = list(_places(model))
        for kind, share in (asked or {"hidden": USUAL}).items():
            found = [(module, attribute) for place, module, attribute in there if place == kind]
            if not found:
                known = ", ".join(sorted({place for place, _, _ in there})) or "none"
                message = f"{type(model).__name__} has no dropout of this kind; it has: {known}."
                raise InputError(Fault("K509", f"strategies: dropout.{kind}", message, "Leave it out."))
            for module, attribute in found:
                setattr(module, attribute, share)
        return model


def _places(model: nn.Module) -> Iterator[tuple[str, Any, str]]:
    """Yield every place of dropout: what it is of, and the module and attribute that hold its share."""
    _, count = blocks(model)
    for name, module in model.named_modules():
        attends = any(hasattr(module, query) for query in QUERIES)
        prefix = f"{name}." if name else ""
        for child, inner in module.named_children():
            if isinstance(inner, nn.Dropout):
                head = depth(f"{prefix}{child}.p", model) > count
                kind = "attention" if attends and child in OF_WEIGHTS else "classifier" if head else "hidden"
                yield kind, inner, "p"
        for attribute in OF_WEIGHTS:
            # Some architectures hold the number itself, and hand it to a function.
            if isinstance(vars(module).get(attribute), int | float):
                if attends:
                    yield "attention", module, attribute
                elif attribute == "dropout":
                    yield "hidden", module, attribute

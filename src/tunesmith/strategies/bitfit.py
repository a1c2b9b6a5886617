"""BitFit: the biases learn, and nothing else."""

from __future__ import annotations

import re
from typing import ClassVar

from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.blocks import blocks, depth


class BitFit(Strategy):
    """Train the biases of the body, and the head.

    Of y = W x + b, W [out, in] is frozen and b [out] learns; so do the biases of norms. A head that is new is trained
    as a whole, and so is the pooler before it.

    Use it when rows are few, or when one base model serves many tasks and each may add only a thousandth of it. Prefer
    lora where there are thousands of rows, and for models that have no biases: Llama, T5, ModernBERT.

    It wants about ten times the learning rate of full tuning, and gets it where the recipe leaves the rate open.

    Cost: about a thousandth of the weights have gradients, moments and a place in a checkpoint. The backward pass still
        goes through the whole body, without the matrices' own gradients: at most a third of a step is saved.

    Source: Ben Zaken, Ravfogel and Goldberg 2022, BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based
        Masked Language-models, section 3. Its smaller choice, the biases of the queries and of the second layer of the
        feed-forward parts, is `names: '(query|\\d\\.output\\.dense)\\.bias$'` on BERT.
    """

    stage: ClassVar[Stage] = "rates"

    names: re.Pattern[str] | None = None
    """Regular expression; of the biases of the body, only those learn whose name it finds."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Turn the gradients of all else off.

        Raises:
            InputError: the body has no such biases (K507).
        """
        _, count = blocks(model)
        biases = 0
        for name, parameter in model.named_parameters():
            if depth(name, model) > count or ".pooler." in name:
                continue
            is_meant = name.endswith(".bias") and (self.names is None or self.names.search(name) is not None)
            biases += is_meant
            if not is_meant:
                parameter.requires_grad_(False)
        if not biases:
            asked = f"whose name {self.names.pattern} finds" if self.names else "in its body"
            remedy = "Leave bitfit.names out, or mend it." if self.names else "Take lora, or another model."
            message = f"{type(model).__name__} has no biases {asked}."
            raise InputError(Fault("K507", "strategies: bitfit", message, remedy))
        return model

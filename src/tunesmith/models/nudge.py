"""Small steps on what the word embeddings give: how a loss changes along them, and the loss after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Loss, Objective


def word_embeddings(model: Any) -> list[nn.Embedding]:
    """Return the layers that give the vectors of tokens: one, or those of encoder and decoder where they share them."""
    owner = model if hasattr(model, "get_input_embeddings") else model.body
    weight = owner.get_input_embeddings().weight
    return [layer for layer in model.modules() if isinstance(layer, nn.Embedding) and layer.weight is weight]


def usual_length(model: nn.Module) -> float:
    """Return how long the vector of a token is, the root mean square over the vocabulary."""
    lengths: Tensor = torch.linalg.vector_norm(word_embeddings(model)[0].weight.detach(), dim=1)
    return float(lengths.double().square().mean().sqrt())


class Nudge:
    """Steps that are added to the vectors of tokens, [W, T, H]: one for each look-up of a pass.

    A pass looks up once, or more often where it goes through the model again or has a decoder. A look-up without a step
    is given one of zeros, whose gradient the backward pass then leaves on it.
    """

    def __init__(self) -> None:
        self.steps: list[Tensor] = []
        self.at = 0

    def around(self, objective: Objective, model: nn.Module) -> Objective:
        """Return `objective` with the steps added to the vectors of a batch's tokens while it runs.

        What other strategies read beside the batch, such as general texts, is left as it is.
        """
        layers = word_embeddings(model)

        def nudged(batch: Batch) -> Loss:
            tokens = {value.data_ptr() for value in batch.inputs.values()}

            def look_up(layer: nn.Module, inputs: Any, output: Tensor) -> Tensor:
                return output + self._next(output) if inputs[0].data_ptr() in tokens else output

            hooks = [layer.register_forward_hook(look_up) for layer in layers]
            try:
                return objective(batch)
            finally:
                for hook in hooks:
                    hook.remove()

        return nudged

    def _next(self, vectors: Tensor) -> Tensor:
        """Return the step of this look-up."""
        if self.at == len(self.steps):
            self.steps.append(torch.zeros_like(vectors, requires_grad=True))
        self.at += 1
        return self.steps[self.at - 1]

    def move(self, to: Callable[[Tensor, Tensor], Tensor]) -> None:
        """Go from each step to another, (step, direction) → step, and begin the next pass with the first of them.

        The direction is the gradient of each row brought to length 1; that of a row without gradient is zero.
        """
        assert self.steps, "no pass has looked up the vectors of a token"
        moved = []
        for step in self.steps:
            gradient = torch.zeros_like(step) if step.grad is None else step.grad
            moved.append(to(step.detach(), gradient / _length(gradient)).requires_grad_())
        self.steps, self.at = moved, 0

    def clear(self) -> None:
        """Forget the steps."""
        self.steps, self.at = [], 0


def shortened(steps: Tensor, longest: float) -> Tensor:
    """Return `steps` [W, T, H] with those rows that are longer than `longest` brought to that length."""
    return steps * (longest / _length(steps)).clamp(max=1.0)


def _length(rows: Tensor) -> Tensor:
    """Return the Euclidean length of each row of [W, T, H], [W, 1, 1]; never quite zero."""
    found: Tensor = rows.flatten(1).norm(dim=1).clamp(min=torch.finfo(rows.dtype).tiny)
    return found.view(-1, 1, 1)

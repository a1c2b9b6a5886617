"""FGM: learn the rows once more, after the step on their word vectors that hurts most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import Field, PrivateAttr
from torch import nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.models.nudge import Nudge, usual_length


class FGM(Strategy):
    """Add the gradient of each row after a step on its word vectors in the direction in which its loss grows.

    With the word vectors v of a row [T, H], the gradient g of its loss with respect to them, and u, how long the vector
    of a word is (root mean square over the vocabulary):

        r = ε u g / ‖g‖₂        the step's gradient is that of L(v) + L(v + r)

    The paper scales the word vectors so that ε means the same in every model; here they stay as they are, and u does
    that. The step is on what the layer gives, so the layer may be frozen, and it is taken for each row.

    Use it when rows are few and a change of a word or two should not change the answer. Prefer `rdrop` where dropout is
    what makes the model waver, and none when there are tens of thousands of rows.

    Cost: a second forward and backward pass of every step. Both go down to the word embeddings, even where the lowest
        blocks are frozen.

    Source: Miyato, Dai and Goodfellow 2017, Adversarial Training Methods for Semi-Supervised Text Classification,
        section 3.
    """

    stage: ClassVar[Stage] = "pass"

    epsilon: Annotated[float, Field(gt=0.0)] = 0.1
    """Length of the step on all word vectors of a row together; 1 is as long as the vector of one word."""

    _nudge: Nudge = PrivateAttr(default_factory=Nudge)
    _length: float = PrivateAttr(default=0.0)

    @property
    def whole_depth(self) -> bool:
        """The step is taken below all blocks."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Measure the word vectors."""
        self._nudge, self._length = Nudge(), self.epsilon * usual_length(model)
        return model

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Let the word vectors be stepped on."""
        return self._nudge.around(objective, model)

    def after_backward(self, backward: Callable[[Batch], None], model: nn.Module, batch: Batch) -> None:
        """Add the gradients after the step."""
        self._nudge.move(lambda _, direction: self._length * direction)
        backward(batch)
        self._nudge.clear()

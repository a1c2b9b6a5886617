"""PGD: as FGM, with several small steps that stay within a ball."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt, PrivateAttr
from torch import nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.models.nudge import Nudge, shortened, usual_length


class PGD(Strategy):
    """Add the gradient of each row after several steps on its word vectors, each where its loss grows most.

    With the word vectors v of a row [T, H], how long the vector of a word is, u, and Π the projection on ‖r‖₂ ≤ ε u:

        r₀ = 0        r_{k+1} = Π(r_k + η u g_k / ‖g_k‖₂),  g_k the gradient of L(v + r_k) with respect to v

    The step's gradient is that of L(v) + L(v + r_K); those on the way are thrown away.

    Use it when `fgm` helps and time is left: it finds what hurts more than a straight line does. Prefer `fgm` first.

    Cost: K further forward and backward passes of every step, and a second set of gradients.

    Source: Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks, section 2.1, with steps of
        length η in place of signs, as in Miyato, Dai and Goodfellow 2017.
    """

    stage: ClassVar[Stage] = "pass"

    epsilon: Annotated[float, Field(gt=0.0)] = 0.1
    """Length of all steps together on all word vectors of a row, at most; 1 is as long as the vector of one word."""
    steps: PositiveInt = 3
    """K, how many."""
    size: Annotated[float, Field(gt=0.0)] | None = None
    """η, length of each step in the same unit; by default 2.5 ε / K, which can turn within the ball."""

    _nudge: Nudge = PrivateAttr(default_factory=Nudge)
    _unit: float = PrivateAttr(default=1.0)

    @property
    def whole_depth(self) -> bool:
        """The steps are taken below all blocks."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Measure the word vectors."""
        self._nudge, self._unit = Nudge(), usual_length(model)
        return model

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Let the word vectors be stepped on."""
        return self._nudge.around(objective, model)

    def after_backward(self, backward: Callable[[Batch], None], model: nn.Module, batch: Batch) -> None:
        """Add the gradients after the last step."""
        learnt = [p for p in model.parameters() if p.requires_grad]
        gradients = [p.grad for p in learnt]
        size, radius = (self.size or 2.5 * self.epsilon / self.steps) * self._unit, self.epsilon * self._unit
        for number in range(self.steps):
            self._nudge.move(lambda step, direction: shortened(step + size * direction, radius))
            last = number == self.steps - 1
            for parameter, gradient in zip(learnt, gradients, strict=True):
                parameter.grad = gradient if last else None
            backward(batch)
        self._nudge.clear()

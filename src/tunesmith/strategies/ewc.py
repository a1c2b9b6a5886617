"""Elastic weight consolidation: pull back hardest what mattered most to the pretrained model."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt, PrivateAttr
from torch import Tensor, nn
from torch.nn.functional import normalize

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.engine.general import PROBLEMS, Foreseeing, general_texts, in_order
from tunesmith.engine.objective import sum_of, with_penalty
from tunesmith.errors import Fault, InputError
from tunesmith.models.body import mean_states, pretrained

DEVIATION = 0.03
"""σ of a vector of length 1 whose text foresees no tokens. At 1, the loss of a task outweighs what vectors say."""


class EWC(Strategy):
    """Pull each pretrained weight back to its start as strongly as general texts say that it matters.

    Ω(w) = λ/2 · Σ_i F_i · (w_i − w⁰_i)², added to the loss once a step, with F the diagonal of the Fisher information
    at the pretrained weights w⁰:

        F_i = 1/n · Σ_x (∂ log p(x) / ∂w_i)²

    over n texts x. Where the checkpoint has its language head, log p(x) is the sum over the tokens that it foresees,
    as they stand in the text. Where it has none, p is normal around the text's vector e, the mean of its last hidden
    states brought to length 1, with the standard deviation σ = 0.03 in each direction, and log p has the gradient
    ε/σ · ∂e/∂w with signs ε drawn for each text: its square is 1/σ² · Σ_j (∂e_j/∂w_i)² on average.

    Near w⁰, Ω is about λ times the mean divergence of the tuned from the pretrained model on a text. So λ = 1 weighs a
    nat there like a nat of the task's loss.

    Use it when the model shall still do on general text what it did before, and such texts are at hand. Prefer `l2sp`
    when there are none, and `replay` when there is time for more passes: a diagonal knows nothing of weights that move
    together.

    Cost: before training a forward and a backward pass over each of the n texts, one by one; then two more copies of
        the weights that are trained, and one pass over them a step.

    Source: Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, equation 3; the Fisher
    information is the empirical one, of the tokens that are there and not of those that the model would draw.
    """

    stage: ClassVar[Stage] = "anchor"
    problems: ClassVar[tuple[str, ...]] = PROBLEMS

    weight: Annotated[float, Field(ge=0.0)] = 1.0
    """λ, how strongly weights are pulled back."""
    on: Literal["general", "task"] = "general"
    """Which texts say what matters: general ones, or those of the rows that are trained on."""
    texts: PositiveInt = 200
    """How many of them, at most."""

    _fisher: list[tuple[nn.Parameter, Tensor]] = PrivateAttr(default_factory=list)

    @property
    def whole_vocabulary(self) -> bool:
        """It measured what every row matters."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Estimate F.

        Raises:
            InputError: there are no texts (K217).
        """
        assert setup.encode is not None, "a training encodes texts"
        texts = self._texts(setup)[: self.texts]
        model = model.eval().to(setup.encode(texts[:1]).weights.device)
        foreseeing = Foreseeing.of(model, setup.folder)
        generator = torch.Generator().manual_seed(setup.seed)
        weights = [p for p in pretrained(model).values() if p.requires_grad]
        sums = [torch.zeros_like(p) for p in weights]
        for text in texts:
            likely = log_likelihood(model, setup.encode([text]), foreseeing, generator)
            for total, slope in zip(sums, torch.autograd.grad(likely, weights, allow_unused=True), strict=True):
                if slope is not None:
                    total.addcmul_(slope, slope, value=1 / len(texts))
        self._fisher = list(zip(weights, sums, strict=True))
        return model

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Add Ω(w); what is frozen by now has no part in it."""
        self._fisher = [(p, fisher) for p, fisher in self._fisher if p.requires_grad]
        start = [(p, fisher.to(p.device), p.detach().clone()) for p, fisher in self._fisher]

        def penalty() -> Tensor:
            terms = ((fisher * (p - before).square()).sum() for p, fisher, before in start)
            return self.weight / 2 * sum_of(terms, model)

        return with_penalty(objective, penalty)

    def _texts(self, setup: Setup) -> list[str]:
        if self.on == "general":
            return general_texts(setup, "ewc")
        if not setup.texts:
            message = "its rows are running text, and have no texts of their own to estimate on."
            raise InputError(Fault("K217", "strategies: ewc", message, "Set `on: general`, with data.general."))
        return in_order(setup.texts, setup.seed)


def log_likelihood(model: nn.Module, batch: Batch, foreseeing: Foreseeing | None, generator: torch.Generator) -> Tensor:
    """Return log p of one text up to a constant, or what has its gradient: a scalar."""
    if foreseeing is not None:
        return -foreseeing.losses(model, foreseeing.hide(batch, generator)).sum()
    vector = normalize(mean_states(model, batch.inputs), dim=-1)  # [1, H]
    signs = 2.0 * torch.randint(2, vector.shape, generator=generator) - 1.0
    return (signs.to(vector) * vector).sum() / DEVIATION

"""A trust region: an answer may not change much when the words are moved a little, or from where training began."""

from __future__ import annotations

import copy
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PrivateAttr
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.engine.objective import run_model
from tunesmith.models.body import body_of


class TrustRegion(Strategy):
    """Charge each row for how far its answer is from another answer to it: that of moved words, or of the start.

    ℓ_i + weight · d(f(x_i), f'_i), where f(x) are the logits of a row, and

        towards self:  f' = f(x + δ), δ [T, H] added to the word embeddings, ‖δ‖_∞ ≤ radius
        towards base:  f' = f⁰(x), the model as training began

    d is the symmetric divergence KL(p ‖ p') + KL(p' ‖ p) = Σ_k (p_k − p'_k) · (log p_k − log p'_k); of several labels
    the mean over the labels, of numbers the squared difference. δ is drawn, N(0, noise²), and then climbs `steps`
    times: δ ← clip(δ + radius · g / ‖g‖_∞, ±radius), with g the gradient of d by δ, for each window alone. Dropout
    drops the same in both passes, so that d is of the words alone.

    Use it when rows are few and scores differ much between seeds. Take `towards: base` only with `probe_start`: a head
    that starts at random has no answer to stay near to. Prefer `l2sp` when time is short.

    Cost: towards self, one more forward pass and its backward pass, and for each of `steps` another of both: a step
        takes about three times as long with 1, twice with 0. Towards base, one more forward pass and a copy of the
        model.

    Source: Jiang et al. 2020, SMART, section 3.1, with one radius for the ball and for a step of the climb, larger than
    theirs, and one draw of dropout for both passes. `steps: 0` is R3F: Aghajanyan et al. 2021, Better Fine-Tuning by
    Reducing Representational Collapse. Towards base is SMART's section 3.2 with the start in the place of the last
    iterate.
    """

    stage: ClassVar[Stage] = "pass"
    problems: ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "regression", "token_classification",
    )  # fmt: skip

    towards: Literal["self", "base"] = "self"
    """Whose answer is near: the model's own to words that are moved, or that of the model as training began."""
    weight: Annotated[float, Field(ge=0.0)] = 1.0
    """Of the distance beside the loss of the row."""
    noise: PositiveFloat = 1e-3
    """Standard deviation of what the embeddings are moved by at first; with `steps: 0` it is all they are moved by."""
    steps: NonNegativeInt = 1
    """How often it climbs to where the answer changes most; 0 leaves it as drawn."""
    radius: PositiveFloat = 1e-2
    """The most that a number of an embedding is moved by."""

    _task: Any = PrivateAttr()
    _base: Any = PrivateAttr(None)

    @property
    def whole_depth(self) -> bool:
        """The model's own answer is asked to words that are moved."""
        return self.towards == "self"

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Keep a copy of the model where its answers are looked at."""
        self._task = setup.task
        self._base = copy.deepcopy(model).eval().requires_grad_(False) if self.towards == "base" else None
        return model

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Add the distance to the loss of each row."""
        problem = self._task.head().problem

        def wrapped(batch: Batch) -> Loss:
            seed = int(torch.randint(2**62, (1,)))
            torch.manual_seed(seed)
            loss = objective(batch)
            if self._base is None:
                other = self.moved(model, batch, loss.outputs.detach(), problem, seed)
            else:
                with torch.no_grad():
                    other = run_model(self._base.to(batch.weights.device), batch, self._task)
            loss.values = loss.values + self.weight * distance(loss.outputs, other, problem)
            return loss

        return wrapped

    def moved(self, model: nn.Module, batch: Batch, outputs: Tensor, problem: str, seed: int) -> Tensor:
        """Return what the model says when the embeddings are moved to where that is far from `outputs`.

        Each pass begins from `seed`, as the one that gave `outputs` did, and so drops the same.
        """
        embeddings = body_of(model).get_input_embeddings()
        shape = (*batch.inputs["input_ids"].shape, embeddings.embedding_dim)  # [W, T, H]
        delta = (self.noise * torch.randn(shape, device=outputs.device)).clamp(-self.radius, self.radius)

        def run() -> Tensor:
            hook = embeddings.register_forward_hook(lambda _, __, output: output + delta.to(output.dtype))
            torch.manual_seed(seed)
            try:
                return run_model(model, batch, self._task)
            finally:
                hook.remove()

        for _ in range(self.steps):
            delta.requires_grad_()
            [slope] = torch.autograd.grad(distance(outputs, run(), problem).sum(), delta)
            largest = slope.abs().amax((1, 2), keepdim=True).clamp(min=torch.finfo(slope.dtype).tiny)
            delta = (delta.detach() + self.radius * slope / largest).clamp(-self.radius, self.radius)
        return run()


def distance(outputs: Tensor, others: Tensor, problem: str) -> Tensor:
    """Return d of each unit, [U], from logits or numbers [U, C]."""
    gap = outputs - others
    if problem == "regression":
        return gap.square().sum(-1)
    if problem == "multi_label_classification":  # of a label, log p − log(1 − p) is its logit
        return ((outputs.sigmoid() - others.sigmoid()) * gap).mean(-1)
    chances = outputs.softmax(-1) - others.softmax(-1)
    return (chances * (outputs.log_softmax(-1) - others.log_softmax(-1))).sum(-1)

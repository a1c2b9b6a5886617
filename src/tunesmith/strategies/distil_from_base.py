"""Distillation from the base model: on general texts, keep doing what the pretrained model did."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, kl_div

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.strategy import Progress, Setup, Stage, Strategy
from tunesmith.engine.general import PROBLEMS, Foreseeing, Turns, general_texts, language_model
from tunesmith.engine.objective import with_penalty
from tunesmith.errors import Fault, InputError
from tunesmith.models.body import mean_states

AT_ONCE = 16
"""Texts that the base model reads together, before training."""


class DistilFromBase(Strategy):
    """Read general texts beside the rows of each step, and keep near to what the base model makes of them.

    Ω = weight · 1/n · Σ_x d(x), over the n general texts of a step, in turn. With e and e⁰ [H] the mean of the last
    hidden states of the tuned and of the base model, and p and p⁰ [P, V] what they say of P tokens of the text:

        direction  d = 1 − cos(e, e⁰)
        vectors    d = ‖e − e⁰‖² / H
        tokens     d = 1/P · Σ_t KL(p⁰_t ‖ p_t)

    The tuned model reads them without dropout, so that Ω is 0 at the start.

    Use it when vectors of the model serve elsewhere too, or when it shall do on general text what it did, however its
    weights move. Prefer `l2sp` when there are no general texts or no time, and `replay` when the model shall get no
    worse at foreseeing tokens, which is less than to stay the same.

    Cost: a forward and a backward pass over n texts a step; with `share` 0.25 about a quarter of the time on top where
        texts are alike in length. `direction` and `vectors` ask the base model once, before training; `tokens` keeps it
        in memory and asks it at each step.

    Source: Hinton, Vinyals and Dean 2015, Distilling the Knowledge in a Neural Network, section 2; to keep an old task
    by its answers to other data: Li and Hoiem 2016, Learning without Forgetting, section 3.
    """

    stage: ClassVar[Stage] = "anchor"
    problems: ClassVar[tuple[str, ...]] = PROBLEMS

    match: Literal["direction", "vectors", "tokens"] = "direction"
    """What is kept: where the vector of a text points, the vector itself, or what is said of tokens."""
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """General texts of a step, as a share of its rows."""
    weight: Annotated[float, Field(ge=0.0)] = 1.0
    """Of Ω beside the task's loss."""

    _turns: Turns = PrivateAttr()
    _encode: Any = PrivateAttr()
    _base: Any = PrivateAttr()
    _foreseeing: Any = PrivateAttr(None)

    @property
    def whole_vocabulary(self) -> bool:
        """What is said of a token is said of all of the vocabulary."""
        return self.match == "tokens"

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Ask the base model for its vectors, or keep it by.

        Raises:
            InputError: there are no general texts (K217), or no head that says anything of tokens (K218).
        """
        assert setup.encode is not None, "a training encodes texts"
        texts = general_texts(setup, "distil_from_base")
        self._turns, self._encode = Turns.of(texts, self.share, setup.rows), setup.encode
        if self.match == "tokens":
            self._foreseeing, self._base = Foreseeing.of(model, setup.folder), language_model(setup.folder)
            if self._base is None:
                message = "the checkpoint has no head that foresees tokens."
                where = "strategies: distil_from_base.match"
                raise InputError(Fault("K218", where, message, "Set `match: direction`."))
            return model
        model = model.eval().to(setup.encode(texts[:1]).weights.device)
        parts = [setup.encode(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
        with torch.no_grad():
            self._base = torch.cat([mean_states(model, part.inputs) for part in parts])  # [texts, H]
        return model

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Begin a step."""
        self._turns.at(progress.step)

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Add Ω, once a step."""

        def penalty() -> Tensor | None:
            places = self._turns.take()
            if not places:
                return None
            batch = self._encode([self._turns.texts[at] for at in places])
            was_training = model.training
            model.eval()
            found = self.distance(model, batch, places)
            model.train(was_training)
            return self.weight * found

        return with_penalty(objective, penalty)

    def distance(self, model: nn.Module, batch: Batch, places: list[int]) -> Tensor:
        """Return the mean of d over a batch of general texts, given their places in order."""
        before: Tensor
        if self.match == "tokens":
            asked = self._foreseeing.hide(batch)
            base = self._base.to(asked.due.device)
            with torch.no_grad():
                before = base(**asked.inputs).logits[asked.rows, asked.columns].log_softmax(-1)  # [P, V]
            now = self._foreseeing.logits(model, asked).log_softmax(-1)
            each: Tensor = kl_div(now, before, log_target=True, reduction="none").sum(-1)  # [P]
            count = torch.bincount(asked.rows, minlength=len(places)).clamp(min=1)
            return (each / count[asked.rows]).sum() / len(places)
        vectors = mean_states(model, batch.inputs)
        before = self._base[places].to(vectors)
        if self.match == "direction":
            return (1.0 - cosine_similarity(vectors, before)).mean()
        return (vectors - before).square().mean()

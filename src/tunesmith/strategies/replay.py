"""Replay: go on with what the model was pretrained to do, beside the task."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from tunesmith.core.batch import Objective
from tunesmith.core.strategy import Progress, Setup, Stage, Strategy
from tunesmith.engine.general import PROBLEMS, Foreseeing, Turns, general_texts
from tunesmith.engine.objective import with_penalty
from tunesmith.strategies.distil_from_base import DistilFromBase


class Replay(Strategy):
    """Read general texts beside the rows of each step, and learn to foresee their tokens as while pretraining.

    L = L_task + weight · 1/P · Σ_t −log p(token_t), over the P tokens that are foreseen in the step's general texts,
    which come in turn. An encoder foresees 15 % of the tokens, hidden anew each time, a decoder each token from those
    before it; both through the checkpoint's own head, whose weights are fixed, on the body that is being tuned. Where
    the checkpoint has no such head, as sentence encoders have none, the term is that of `distil_from_base`.

    Use it when the model shall go on to serve as a language model, or its general skill shall be tended while it learns
    a narrow task. Prefer `l2sp` when there are no general texts or no time, and `distil_from_base` when the model shall
    stay the same on general text, and need not be good at it.

    Cost: a forward and a backward pass over the general texts of a step; with `share` 0.25 about a quarter of the time
        on top where texts are alike in length, and that of the head, of the places where a token is foreseen alone.

    Source: Robins 1995, Catastrophic Forgetting, Rehearsal and Pseudorehearsal (rehearsal); the pretraining
    loss beside that of the task: Radford et al. 2018, Improving Language Understanding by Generative Pre-Training,
    section 3.2, equation 5, there on the texts of the task.
    """

    stage: ClassVar[Stage] = "anchor"
    problems: ClassVar[tuple[str, ...]] = PROBLEMS

    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """General texts of a step, as a share of its rows."""
    weight: Annotated[float, Field(ge=0.0)] = 0.5
    """Of their loss beside that of the task."""

    _turns: Turns = PrivateAttr()
    _encode: Any = PrivateAttr()
    _foreseeing: Foreseeing | None = PrivateAttr(None)
    _instead: DistilFromBase | None = PrivateAttr(None)

    @property
    def whole_vocabulary(self) -> bool:
        """Tokens are replaced by any other, to be foreseen."""
        return True

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Fetch the checkpoint's head.

        Raises:
            InputError: there are no general texts (K217).
        """
        texts = general_texts(setup, "replay")
        self._turns, self._encode = Turns.of(texts, self.share, setup.rows), setup.encode
        self._foreseeing = Foreseeing.of(model, setup.folder)
        self._instead = None if self._foreseeing else DistilFromBase(share=self.share, weight=self.weight)
        return self._instead.prepare(model, setup) if self._instead else model

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Begin a step."""
        self._turns.at(progress.step)
        if self._instead:
            self._instead.on_progress(progress, model)

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Add the loss of the general texts, once a step."""
        foreseeing = self._foreseeing
        if foreseeing is None:
            assert self._instead is not None, "prepared"
            return self._instead.wrap(objective, model)

        def penalty() -> Tensor | None:
            places = self._turns.take()
            if not places:
                return None
            asked = foreseeing.hide(self._encode([self._turns.texts[at] for at in places]))
            losses = foreseeing.losses(model, asked)
            return self.weight * losses.sum() / max(1, len(losses))

        return with_penalty(objective, penalty)

"""Contrastive warm-up: bring texts of one class together before there is a head."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import normalize

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.core.task import Array
from tunesmith.engine.units import by_unit
from tunesmith.models.heads import final_linear
from tunesmith.models.sliced import sliced


class Contrastive(Strategy):
    """Tune the body on pairs of train rows first: near if they are of one class, far if not.

    Few rows make many pairs. Each step draws `batch` of them, half of one class and half of two, and takes the vectors
    x that the last linear layer will see, brought to length 1:

        supervised  ℓ = mean over the rows i that have others of their class in the batch, P(i), of
                    −1/|P(i)| · Σ_{p ∈ P(i)} log (exp(x_i · x_p / τ) / Σ_{k ≠ i} exp(x_i · x_k / τ))
        cosine      ℓ = mean over the pairs of (x_a · x_b − [same class])²

    Names of labels and terms of rules are rows of their classes, too, where they say which rows are theirs (see
    `probe_start`). A row that is alone in its class is paired with itself: dropout makes two vectors of it. Then the
    training begins as always, with a body whose classes stand apart; `prototype` or `probe_start` start its head where
    they stand.

    Use it when a class has a handful of rows (8 to some 60) and the body gives vectors of texts, as those of
    sentence-transformers do. Prefer none when there are hundreds a class: the training itself then has enough to learn
    from.

    Cost: `steps` forward and backward passes over 2 · `batch` rows before the training, with moments for all weights.
        It is no part of a checkpoint: a training that is resumed does it again, with the same outcome.

    Source: Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts (SetFit), section 3, with pairs drawn as
        they are needed, and cosine as its loss. supervised: Khosla et al. 2020, Supervised Contrastive Learning,
        equation 2, which looks at all pairs of a batch.
    """

    stage: ClassVar[Stage] = "body"
    reads_terms: ClassVar[bool] = True
    problems: ClassVar[tuple[str, ...]] = ("single_label_classification",)

    loss: Literal["cosine", "supervised"] = "supervised"
    """What brings rows together."""
    steps: PositiveInt = 50
    """How often pairs are drawn and learnt."""
    batch: Annotated[int, Field(ge=2)] = 8
    """Pairs a step."""
    rate: Annotated[float, Field(gt=0.0)] = 5e-5
    """Learning rate of the first step; it falls to 0 along a line."""
    temperature: Annotated[float, Field(gt=0.0)] = 0.1
    """τ of `supervised`."""
    names: bool = True
    """Take the names of the labels as rows where these say which rows are theirs."""

    @property
    def reads_names(self) -> bool:
        """As `names` has it."""
        return self.names

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Tune the body."""
        assert setup.pick is not None, "rows are needed to make pairs of"
        targets, draws = setup.targets, np.random.default_rng(setup.seed)
        places, known = setup.hints(names=self.names)
        at = np.append(np.arange(len(targets)), len(targets) + np.array(places, dtype=int))  # where `pick` has them
        targets = np.append(targets, np.array(known, dtype=int))
        seen: list[Tensor] = []
        hook = final_linear(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        cut = sliced(model, setup.tokens())
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], weight_decay=0.01)
        device = setup.pick([0]).weights.device
        model.to(device).train()
        # Dropout draws from torch's own numbers, which are given back as they were.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(setup.seed)
            for step in range(self.steps):
                rows = pairs(targets, self.batch, draws)
                batch = setup.pick(at[rows.ravel()].tolist())
                model(**batch.inputs)
                vectors = normalize(by_unit(seen.pop(), batch), dim=-1)  # [2 · batch, H]
                classes = torch.from_numpy(targets[rows.ravel()]).to(device)
                self.losses(vectors, classes).backward()  # type: ignore[no-untyped-call]
                for group in optimizer.param_groups:
                    group["lr"] = self.rate * (1.0 - step / self.steps)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        hook.remove()
        cut.restore()
        return model.eval()

    def losses(self, vectors: Tensor, classes: Tensor) -> Tensor:
        """Return ℓ from vectors [2 · batch, H] of length 1, those of a pair side by side, and classes [2 · batch]."""
        if self.loss == "cosine":
            near = (vectors[::2] * vectors[1::2]).sum(-1)
            return ((near - (classes[::2] == classes[1::2]).to(near)) ** 2).mean()
        itself = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
        near = (vectors @ vectors.T / self.temperature).masked_fill(itself, float("-inf"))
        right = (classes[:, None] == classes) & ~itself
        log_p = near.log_softmax(-1).masked_fill(~right, 0.0)
        some = right.any(-1)
        return -(log_p.sum(-1)[some] / right.sum(-1)[some]).mean()


def pairs(targets: Array, count: int, draws: Any) -> Array:
    """Draw pairs of rows, [count, 2]: the first half of one class, the others of two.

    Both halves begin with a row drawn from all; its partner is drawn from the other rows of its class, or from the rows
    of other classes. Where there is none, a row is its own partner.

    Args:
        targets: class indices [N].
        count: of pairs.
        draws: a NumPy generator.
    """
    first = draws.integers(len(targets), size=count)
    partners = []
    for number, row in enumerate(first):
        fits = targets == targets[row] if number < count / 2 else targets != targets[row]
        fits[row] = False
        partners.append(draws.choice(np.flatnonzero(fits)) if fits.any() else row)
    return np.stack([first, np.asarray(partners)], 1)

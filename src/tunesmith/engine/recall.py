"""How sure a model was of the label of each train row, when it last learnt it."""

from __future__ import annotations

import torch
from torch import Tensor

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.engine.ranks import Ranks

UNSURE, SURE = 0.5, 0.9
"""A row is known from the one on, and is not known below the other."""


class Recall:
    """The probability of the label of each train row in the last pass over it, and in the pass before dev loss turned.

    Rows that were wrong as long as dev loss fell, and are known by the end, were learnt when nothing was learnt that
    holds for other rows. Their labels are worth a look: wrong ones are among them, as are rows like no other.

    It costs nothing, for it looks at the passes that the training makes, with their dropout.

    Args:
        rows: how many train rows there are.

    Source: what is learnt late, and forgotten, as a sign of what is memorised: Toneva et al. 2019, An Empirical Study
        of Example Forgetting; Arpit et al. 2017, A Closer Look at Memorization in Deep Networks.
    """

    def __init__(self, rows: int) -> None:
        self.now = torch.zeros(rows)
        self.before = torch.zeros(rows)
        self.step = 0
        """Steps done, as the training counts them."""
        self._seen = torch.full((rows,), -1)

    def wrap(self, objective: Objective) -> Objective:
        """Return `objective`, listened to."""

        def listened(batch: Batch) -> Loss:
            loss = objective(batch)
            if batch.rows and batch.targets is not None:
                probs = loss.outputs.detach().float().softmax(-1)
                known = probs.gather(1, batch.targets[:, None])[:, 0]
                self.now[list(batch.rows)] = known.cpu()
                self._seen[list(batch.rows)] = self.step
            return loss

        return listened

    def merge(self, ranks: Ranks) -> None:
        """Take in what other processes saw since the last time; of a row that several saw, what was seen last."""
        mine = torch.nonzero(self._seen >= 0)[:, 0]
        latest = self._seen.clone()
        for rows, steps, known in ranks.gathered({ranks.number: (mine, self._seen[mine], self.now[mine])}).values():
            later = steps >= latest[rows]
            self.now[rows[later]] = known[later]
            latest[rows[later]] = steps[later]
        self._seen.fill_(-1)

    def mark(self) -> None:
        """Remember how it is now: dev loss is lower than ever."""
        self.before = self.now.clone()

    def by_heart(self) -> list[int]:
        """Return the rows that were not known at the mark and are known now."""
        return torch.nonzero((self.before < UNSURE) & (self.now >= SURE))[:, 0].tolist()

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint must hold."""
        return {"now": self.now, "before": self.before}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state`."""
        self.now, self.before = state["now"].clone(), state["before"].clone()

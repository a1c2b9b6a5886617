"""From examples to tensors: features, batches, losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Features:
    """One encoded example, or one window of a long one.

    Args:
        inputs: token ids by input name (`input_ids`, `token_type_ids`, …), all of the same length, without padding.
        target: the target as the loss wants it: a class index, a number, or a 0/1 list.
        weight: the example's share in the loss, divided among its windows when the loss is taken.
        owner: the position of the example in the sequence that was encoded.
    """

    inputs: Mapping[str, Sequence[int]]
    target: Any = None
    weight: float = 1.0
    owner: int = 0

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.inputs["input_ids"])


@dataclass(slots=True)
class Batch:
    """Tensors for one step: W windows of N units (examples).

    Args:
        inputs: name → [W, T].
        targets: [N] class indices or numbers, or [N, C] for several labels; None when there are none.
        weights: [N].
        owner: [W], the unit of each window, 0 ≤ owner < N.
    """

    inputs: dict[str, Tensor]
    targets: Tensor | None
    weights: Tensor
    owner: Tensor

    @property
    def tokens(self) -> int:
        """Tokens that carry meaning (padding not counted)."""
        return int(self.inputs["attention_mask"].sum())

    def to(self, device: Any) -> Batch:
        """Return the batch with every tensor on `device`."""
        return Batch(
            {name: value.to(device) for name, value in self.inputs.items()},
            None if self.targets is None else self.targets.to(device),
            self.weights.to(device),
            self.owner.to(device),
        )


@dataclass(slots=True)
class Loss:
    """What an objective returns.

    Args:
        values: [N], one per unit, never reduced inside a task; the loop divides by the weight of the whole window.
        outputs: what the model returned, for strategies that look at it.
        penalty: a scalar that does not depend on the rows (L2-SP, EWC), added once a step; None where there is none.
    """

    values: Tensor
    outputs: Any = None
    penalty: Tensor | None = None


Objective: TypeAlias = Callable[[Batch], Loss]

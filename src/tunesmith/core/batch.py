"""From examples to tensors: features, batches, losses.

A unit is what the model says one thing of: a row (`classify`), a word of a text (`tag`, `answer`), one of the texts of
a row (`embed`), a token that is to be written (`chat`, `seq2seq`). An example has one unit or several; a long example
is read in several windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

IDS = ("input_ids", "decoder_input_ids")
MASKS = ("attention_mask", "decoder_attention_mask")
Place: TypeAlias = tuple[int, int, int]
"""A unit of the example, and the first and last token of a window that it stands on."""


@dataclass(frozen=True, slots=True)
class Features:
    """One encoded example, or one window of a long one.

    Args:
        inputs: token ids by input name (`input_ids`, `token_type_ids`, …) without padding, all of the same length;
            those for a decoder (`decoder_input_ids`, …) have a length of their own.
        target: the target as the loss wants it: a class index, a number, a 0/1 list, or an entry per unit.
        weight: the example's share in the loss, divided among its windows when the loss is taken.
        owner: the position of the example in the sequence that was encoded.
        unit: the unit that this window is about, where a window as a whole is about one.
        units: how many units the example has.
        places: where the units stand that are read off this window; None where the window as a whole is one unit's.
    """

    inputs: Mapping[str, Sequence[int]]
    target: Any = None
    weight: float = 1.0
    owner: int = 0
    unit: int = 0
    units: int = 1
    places: Sequence[Place] | None = None

    @property
    def length(self) -> int:
        """The number of tokens, on both sides where a decoder reads too."""
        return sum(len(self.inputs.get(name, ())) for name in IDS)


@dataclass(slots=True)
class Batch:
    """Tensors for one step: W windows of E examples with U units in all.

    Args:
        inputs: name → [W, T].
        targets: [E] or [U] class indices or numbers, [E, C] for several labels, [U, 2] for answers; None for none.
        weights: [N], one for each value of the task's loss.
        owner: [W], the unit of each window, 0 ≤ owner < U; of its first unit where `places` says more.
        sizes: the number of units of each of the E examples.
        places: [P, 4]: window, first token, last token and unit, for every place where a unit is read; None where
            each window is one unit's as a whole.
        filled: tokens that carry meaning, where `inputs` has no attention mask to say so.
        rows: the positions of the examples in the sequence that was encoded, where each is read as a whole.
    """

    inputs: dict[str, Tensor]
    targets: Tensor | None
    weights: Tensor
    owner: Tensor
    sizes: list[int]
    places: Tensor | None = None
    filled: int | None = None
    rows: Sequence[int] = ()

    @property
    def units(self) -> int:
        """U, the number of units."""
        return sum(self.sizes)

    @property
    def tokens(self) -> int:
        """Tokens that carry meaning (padding not counted), on both sides where a decoder reads too."""
        if self.filled is not None:
            return self.filled
        return sum(int(value.sum()) for name, value in self.inputs.items() if name in MASKS)

    @property
    def places_taken(self) -> int:
        """Tokens with padding counted in."""
        return sum(value.numel() for name, value in self.inputs.items() if name in IDS)

    def to(self, device: Any) -> Batch:
        """Return the batch with every tensor on `device`."""
        return Batch(
            {name: value.to(device) for name, value in self.inputs.items()},
            None if self.targets is None else self.targets.to(device),
            self.weights.to(device),
            self.owner.to(device),
            self.sizes,
            None if self.places is None else self.places.to(device),
            self.filled,
            self.rows,
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What a model said of examples.

    Args:
        values: [U, …], float32 on the CPU: one row per unit, in the order of the examples.
        sizes: the number of units of each example.
        texts: what the model wrote for each example; None where it was not asked to write.
    """

    values: Tensor
    sizes: Sequence[int]
    texts: Sequence[str] | None = None

    def by_example(self) -> Sequence[Tensor]:
        """Return the rows of each example."""
        import torch

        return list(torch.split(self.values, list(self.sizes)))


@dataclass(slots=True)
class Loss:
    """What an objective returns.

    Args:
        values: [N], never reduced inside a task; the loop divides by the weight of the whole window. N is the number
            of examples, or of words where each word has a target.
        outputs: what the model returned, for strategies that look at it.
        of: (outputs, batch) → values, as this loss takes them: for strategies that look at other outputs of the same
            rows, or at other targets. A strategy that replaces the loss of a row replaces both.
        penalty: a scalar that does not depend on the rows (L2-SP, EWC), added once a step; None where there is none.
    """

    values: Tensor
    outputs: Any = None
    penalty: Tensor | None = None
    of: Callable[[Tensor, Batch], Tensor] | None = None


Objective: TypeAlias = Callable[[Batch], Loss]

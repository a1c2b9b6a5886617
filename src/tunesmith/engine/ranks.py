"""The processes of one training: which of them this is, and what they tell each other.

Every process runs the same job on the same rows, and asks `Ranks` where its share is its own: which parts of a step it
takes, which batches it looks at. What depends on a clock or on a signal is decided by the first and told to the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from tunesmith.errors import Fault, InputError, RunError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
SAID_BY = (
    ("RANK", "WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
)  # fmt: skip
"""Variables in which launchers say the number of a process, and how many there are."""
BUCKET = 1 << 23
"""Numbers that are summed over the processes at once: 32 MiB in float32, copied out of the gradients."""


def place() -> tuple[int, int]:
    """Return the number of this process and how many there are, as torchrun, accelerate or MPI say it; else 0, 1."""
    for number, count in SAID_BY:
        if number in os.environ and count in os.environ:
            return int(os.environ[number]), int(os.environ[count])
    return 0, 1


def launched() -> bool:
    """Return whether a launcher started this process as one of several."""
    return place()[1] > 1


def follows() -> bool:
    """Return whether this process is not the first of its training, the one that writes and prints."""
    return place()[0] > 0


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place of this process among those of a training; alone by default.

    What is called `together` below waits until all processes have come to the same line. All of it raises `RunError`
    (K541) where one of them has ended.

    Args:
        number: of this process, from 0.
        count: of all.
        device: that tensors are on while they are summed.
        divides: whether each holds a part of the weights while it trains (`engine/divided.py`). Every pass through the
            model is then made by all of them together.
    """

    number: int = 0
    count: int = 1
    device: str = "cpu"
    divides: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.number == 0

    def share(self, parts: Iterable[T]) -> Iterator[T]:
        """Yield every so many-th part, those of this process.

        Where weights are divided, all get equally many: those who would have one less get the last part as well.
        """
        if not self.divides:
            return islice(parts, self.number, None, self.count)
        known = list(parts)
        return islice([*known, *known[-1:] * self.missing(len(known))], self.number, None, self.count)

    def missing(self, parts: int) -> int:
        """Return how many parts more there would have to be for all to get equally many."""
        return -parts % self.count

    def most(self, value: int) -> int:
        """Return the largest of the values that the processes have, together."""
        found: list[int] = list(self.gathered({self.number: value}).values())
        return max(found)

    def sums(self, *values: float) -> list[float]:
        """Return the sum of each value over the processes, together."""
        if self.count == 1:
            return list(values)
        import torch

        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        self._add(total)
        return [float(value) for value in total.tolist()]

    def any(self, wished: bool) -> bool:
        """Return whether one of the processes says so, together."""
        return self.sums(float(wished))[0] > 0.0

    def told(self, value: T) -> T:
        """Return what the first process says, together."""
        if self.count == 1:
            return value
        from torch.distributed import broadcast_object_list

        said = [value if self.is_first else None]
        with _together():
            broadcast_object_list(said, src=0)
        return said[0]  # type: ignore[return-value]

    def gathered(self, found: Mapping[int, Any]) -> dict[int, Any]:
        """Return what all processes found, together."""
        if self.count == 1:
            return dict(found)
        from torch.distributed import all_gather_object

        parts: list[Any] = [None] * self.count
        with _together():
            all_gather_object(parts, dict(found))
        return {key: value for part in parts for key, value in part.items()}

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.sums(0.0)

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Put the sum of each gradient over the processes in its place, together.

        A parameter without a gradient in any process stays without one, so that the optimiser passes it by, as it
        does in one process.

        Those of divided weights have been summed in the backward pass.

        Cost: every gradient goes over the wire once a step, `BUCKET` numbers at a time.
        """
        if self.count == 1 or self.divides:
            return
        import torch

        learnt = [p for p in parameters if p.requires_grad]
        known = torch.tensor([p.grad is not None for p in learnt], dtype=torch.float32, device=self.device)
        self._add(known)
        moved = [p for p, times in zip(learnt, known.tolist(), strict=True) if times]
        for bucket in _buckets(moved):
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket]
            total = torch.cat([gradient.flatten() for gradient in gradients])
            self._add(total)
            parts = torch.split(total, [p.numel() for p in bucket])
            for parameter, part in zip(bucket, parts, strict=True):
                parameter.grad = part.view_as(parameter)

    def make_alike(self, model: nn.Module) -> None:
        """Give the weights of the first process to all, together: what prepared them may have rounded differently."""
        if self.count == 1:
            return
        from torch.distributed import broadcast

        with _together():
            for tensor in (*model.parameters(), *model.buffers()):
                broadcast(tensor.data, src=0)

    def _add(self, total: Tensor) -> None:
        from torch.distributed import all_reduce

        with _together():
            all_reduce(total)


ALONE = Ranks()


def part_ways() -> None:
    """End what joins this process to the others, once all of its work is done."""
    if launched():
        from torch.distributed import destroy_process_group, is_initialized

        if is_initialized():
            destroy_process_group()


def check_enough_rows(processes: int, size: int) -> None:
    """Check that every process gets rows of a step.

    Raises:
        InputError: there are more processes than rows (K542).
    """
    if processes > size:
        message = f"{processes} processes share the {size} rows of a step, so that some of them would have none."
        cure = f"Take at most {size} processes, or raise batching.size."
        raise InputError(Fault("K542", "batching.size", message, cure))


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Yield parameters side by side, of one number format and of at most `BUCKET` numbers where there are several."""
    bucket: list[nn.Parameter] = []
    size = 0
    for parameter in parameters:
        if bucket and (parameter.dtype != bucket[0].dtype or size + parameter.numel() > BUCKET):
            yield bucket
            bucket, size = [], 0
        bucket.append(parameter)
        size += parameter.numel()
    if bucket:
        yield bucket


@contextmanager
def _together() -> Iterator[None]:
    """Say so where another process is gone."""
    try:
        yield
    except RuntimeError as error:
        message = "another process of this training has ended, so this one cannot go on."
        remedy = "What stopped that one is told beside this. --resume goes on from the last checkpoint."
        raise RunError(Fault("K541", "", message, remedy)) from error

"""A model of which several processes hold a part each: divided for the steps of a training, and made whole again.

Each process keeps a slice of every parameter, of its gradient and of its moments, and the whole of a block only while
that block is at work: what a training needs beside its activations falls from 16 bytes for each weight to 16 divided by
the number of processes. The price is that every pass through the model is a meeting of all of them.

Source: Rajbhandari et al. 2020, ZeRO, stage 3; Zhao et al. 2023, PyTorch FSDP. `fully_shard` of PyTorch does the work.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.engine.ranks import Ranks
from tunesmith.models.blocks import block_modules


def divide(model: nn.Module, ranks: Ranks) -> nn.Module:
    """Leave each process its part of the weights of `model`, in place; return what `joined` fills again.

    All processes have the same weights before. Gradients are summed over the processes in each backward pass.

    Returns:
        The model as it was, without its weights.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    empty: dict[int, Any] = {id(p): nn.Parameter(p.to("meta"), p.requires_grad) for p in model.parameters()}
    shape = copy.deepcopy(model, empty)
    mesh = init_device_mesh(torch.device(ranks.device).type, (ranks.count,))
    for block in block_modules(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)  # the sum, not the mean
            module.set_force_sum_reduction_for_comms(True)
    return shape


def joined(model: nn.Module, shape: nn.Module) -> nn.Module:
    """Return `shape` with all the weights of the divided `model`, together."""
    parts = dict(model.named_modules(remove_duplicate=False))
    filled: dict[int, nn.Parameter] = {}  # what several modules share, they share again
    for name, module in list(shape.named_modules(remove_duplicate=False)):
        for key, empty in list(module.named_parameters(recurse=False)):
            if id(empty) not in filled:
                part = getattr(parts[name], key)
                filled[id(empty)] = nn.Parameter(whole(part.detach()), empty.requires_grad)
            setattr(module, key, filled[id(empty)])
    return shape


@contextmanager
def at_hand(model: nn.Module) -> Iterator[None]:
    """Have at hand what stands outside the blocks, for parts of a divided model that are asked past the whole."""
    divided: Any = model if hasattr(model, "unshard") else None
    if divided is None:
        yield
        return
    divided.unshard()
    try:
        yield
    finally:
        divided.reshard()


def part_of(tensor: Any) -> Tensor:
    """Return the part of a divided tensor that this process holds; of any other all of it."""
    part: Tensor = tensor.to_local() if _is_divided(tensor) else tensor
    return part


def whole(tensor: Any) -> Tensor:
    """Return all of a divided tensor, together; any other as it is."""
    found: Tensor = tensor.full_tensor() if _is_divided(tensor) else tensor
    return found


def joined_part(part: Tensor, like: Any) -> Tensor:
    """Return the whole of which each process holds `part`, divided as `like` is, together."""
    if not _is_divided(like):
        return part
    from torch.distributed.tensor import DTensor

    here = part.to(like.device)
    made = DTensor.from_local(
        here, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
    )
    return made.full_tensor()


def divided_as(like: Any, value: Tensor) -> Tensor:
    """Return a whole `value`, which all processes have, divided as `like` is."""
    if not _is_divided(like):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def _is_divided(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")  # a DTensor, whose module takes a second to load

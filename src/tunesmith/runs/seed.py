"""Everything random, seeded together, kept and put back bit for bit."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, numpy and torch inside the block; what was drawn before continues after it.

    Example:
        >>> with seeded(13):
        ...     first = random.random()
        >>> with seeded(13):
        ...     first == random.random()
        True
    """
    before = rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # numpy takes 32 bits, torch 63
    torch.manual_seed(seed % 2**63)
    try:
        yield
    finally:
        restore_rng(*before)


def rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the state of all global generators as tensors (names begin with `rng.`) and JSON data."""
    version, words, gauss = random.getstate()
    legacy: Any = np.random.get_state()
    tensors = {
        "rng.python": torch.tensor(words, dtype=torch.int64),
        "rng.numpy": torch.tensor(legacy[1].astype(np.int64)),
        "rng.torch": torch.get_rng_state(),
    }
    if _cuda_in_use():
        for device, state in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"rng.cuda.{device}"] = state
    rest = {"python": [version, gauss], "numpy": [str(legacy[0]), *map(int, legacy[2:4]), float(legacy[4])]}
    return tensors, {"rng": rest}


def restore_rng(tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Put back what `rng_state` returned; entries of other names are left alone."""
    version, gauss = state["rng"]["python"]
    random.setstate((version, tuple(tensors["rng.python"].tolist()), gauss))
    kind, position, has_gauss, cached = state["rng"]["numpy"]
    np.random.set_state((kind, tensors["rng.numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["rng.torch"].cpu())
    if torch.cuda.is_available():
        for device in range(torch.cuda.device_count()):
            kept = tensors.get(f"rng.cuda.{device}")
            if kept is not None:  # the run may go on with fewer devices than it had, or with more
                torch.cuda.set_rng_state(kept.cpu(), device)


def _cuda_in_use() -> bool:
    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]

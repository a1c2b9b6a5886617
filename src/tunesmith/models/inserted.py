"""Modules of our own in a model that stays as it is: bottlenecks, prompts and prefixes, and the files that hold them.

Each is a child of the module that it changes, and a hook applies it, so the weights of the model keep their names. It
stands between weights, not beside them: such a model cannot be merged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.models.bottleneck import put_bottlenecks
from tunesmith.models.parts import heads
from tunesmith.models.prompt import put_prefix, put_prompt

SETTINGS, WEIGHTS = "inserted.json", "inserted.safetensors"
KINDS: Mapping[str, Callable[..., None]] = {
    "bottleneck": put_bottlenecks, "prompt": put_prompt, "prefix": put_prefix,
}  # fmt: skip
"""Name of the child → what puts it into a model."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What stands in a model.

    Args:
        kind: a key of `KINDS`.
        options: that it was put in with.
        heads: the modules that are trained as a whole.
    """

    kind: str
    options: dict[str, Any]
    heads: tuple[str, ...]


def insert(model: Any, kind: str, seed: int, **options: Any) -> None:
    """Freeze `model`, its new heads left out, and put modules of a kind into it, drawn from `seed` alone."""
    model.requires_grad_(False)
    model.inserted = Inserted(kind, options, tuple(heads(model)))
    for head in model.inserted.heads:
        model.get_submodule(head).requires_grad_(True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        KINDS[kind](model, **options)


def inserted(model: Any) -> Inserted | None:
    """Return what stands in `model`; None where nothing does."""
    return getattr(model, "inserted", None)


def own_weights(model: Any) -> dict[str, nn.Parameter]:
    """Return the parameters that the base lacks: those of what was put in, and of the heads."""
    found = inserted(model)
    assert found is not None, "nothing stands in the model"
    starts = tuple(f"{head}." for head in found.heads)
    return {n: p for n, p in model.named_parameters() if f".{found.kind}." in f".{n}" or n.startswith(starts)}


def save_inserted(model: Any, folder: Path, base: str) -> None:
    """Write what stands in `model` and its heads into `folder`, and the name of the base."""
    from safetensors.torch import save_file

    found = inserted(model)
    assert found is not None, "nothing stands in the model"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: p.detach().cpu().clone().contiguous() for name, p in sorted(own_weights(model).items())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    settings = {"base_model_name_or_path": base, **asdict(found)}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1, ensure_ascii=False), encoding="utf-8")


def load_inserted(model: Any, folder: Path) -> bool:
    """Put what `folder` holds into `model`, in place; return whether it fits."""
    from safetensors.torch import load_file

    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    tensors = load_file(folder / WEIGHTS)
    try:
        insert(model, settings["kind"], 0, **settings["options"])
    except (AttributeError, KeyError):  # the base has no such layers
        return False
    own = own_weights(model)
    if {name: p.shape for name, p in own.items()} != {name: value.shape for name, value in tensors.items()}:
        return False
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])
    return True

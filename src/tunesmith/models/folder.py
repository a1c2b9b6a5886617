"""What a model folder must hold before it is loaded."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

from tunesmith.errors import Fault, InputError

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_POINTER = b"version https://git-lfs"

CONVERT = (
    'python -c "import torch; from safetensors.torch import save_file; '
    "s = torch.load('{folder}/pytorch_model.bin', map_location='cpu', weights_only=True); "
    "save_file({{k: v.clone().contiguous() for k, v in s.items()}}, '{folder}/model.safetensors', "
    "metadata={{'format': 'pt'}})\""
)
"""Reads the values and nothing else of a pickle: `weights_only` refuses code."""


def check_folder(folder: Path) -> Path:
    """Return `folder` if a model with safetensors weights lies in it.

    Raises:
        InputError: It is no model folder, its weights are pickles, or they were not fetched.
    """
    if not folder.is_dir():
        raise _no(folder, "is a file; a model is a folder with config.json and weights.", f"Give {folder.parent}.")
    if not (folder / "config.json").is_file():
        inner = folder / "model"
        cure = f"Did you mean {inner}?" if (inner / "config.json").is_file() else "Give the folder that has them."
        raise _no(folder, "holds no model: there is no config.json in it.", cure)
    weights = _weights(folder)
    absent = [file.name for file in weights if not file.is_file()]
    if absent:
        raise _no(folder, f"lacks part of its weights: {', '.join(absent)}.", "Copy or download the folder again.")
    for file in weights:
        with file.open("rb") as opened:
            if opened.read(len(_POINTER)) == _POINTER:
                raise _no(folder, f"{file.name} is a Git LFS pointer, not the weights.", f"git -C {folder} lfs pull")
    if weights:
        return folder
    pickles = sorted(file.name for pattern in _PICKLES for file in folder.glob(pattern))
    if pickles:
        raise pickles_only(str(folder), pickles, CONVERT.format(folder=folder))
    raise _no(folder, "has no weights: there is no model.safetensors in it.", "Copy or download the folder again.")


def parameters_of(folder: Path) -> int:
    """Return how many weights lie in a model folder, read off the heads of its files."""
    count = 0
    for file in _weights(folder):
        with file.open("rb") as opened:
            head = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
        count += sum(prod(entry["shape"]) for name, entry in head.items() if name != "__metadata__")
    return count


def is_model(folder: Path) -> bool:
    """Return whether `check_folder` would take `folder`."""
    try:
        check_folder(folder)
    except InputError:
        return False
    return True


def pickles_only(where: str, names: list[str], remedy: str) -> InputError:
    """Return the error for weights that exist as pickles only."""
    shown = ", ".join(names[:3])
    message = f"has its weights as a pickle only ({shown}); a pickle can run any code, so none is read."
    return InputError(
        Fault("K312", where, message, f"If you trust where it came from, convert it once:\n     {remedy}")
    )


def _weights(folder: Path) -> list[Path]:
    """Return the files that make up the weights, whether they are there or not; none where they are not safetensors."""
    whole, shards = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file() or not shards.is_file():
        return [whole] if whole.is_file() else []
    try:
        names = json.loads(shards.read_text(encoding="utf-8"))["weight_map"].values()
    except (ValueError, KeyError, AttributeError) as error:
        raise _no(folder, f"{shards.name} is damaged ({error}).", "Copy or download the folder again.") from error
    return [folder / name for name in sorted(set(names))]


def _no(folder: Path, message: str, remedy: str) -> InputError:
    return InputError(Fault("K311", str(folder), message, remedy))

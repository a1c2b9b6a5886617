"""The knowledge of a bundle on disk: `knowledge.json`, and a file of the arrays in it where there are some."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.core.fusion import Fusion
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.catalogue import load_entry
from tunesmith.runs.files import replace_file

FILE = "knowledge.json"
FORMAT = 1
ARRAYS = "knowledge-*.safetensors"


def save_fusions(folder: Path, fusions: Sequence[Fusion]) -> None:
    """Write the knowledge of the bundle in a folder, whole or not at all; what was there is replaced.

    The arrays stand in a file that is named by what it holds, and `knowledge.json` names it: a kill between the two
    leaves the knowledge as it was before.

    Raises:
        RunError: the disk is full or refuses.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray[Any, Any]] = {}
    plain: list[dict[str, Any]] = []
    for number, fusion in enumerate(fusions):
        state = fusion.state()
        arrays |= {f"{number}.{key}": value for key, value in state.items() if isinstance(value, np.ndarray)}
        rest = {key: value for key, value in state.items() if not isinstance(value, np.ndarray)}
        plain.append({"kind": fusion.kind, "state": rest})
    name = None
    if arrays:
        data = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
        name = ARRAYS.replace("*", hashlib.sha256(data).hexdigest()[:16])
        replace_file(folder / name, data)
    text = json.dumps({"format": FORMAT, "arrays": name, "fusions": plain}, ensure_ascii=False)
    replace_file(folder / FILE, text.encode())
    for path in folder.glob(ARRAYS):
        if path.name != name:
            path.unlink()


def load_fusions(folder: Path) -> tuple[Fusion, ...]:
    """Return the knowledge of the bundle in a folder; none where it has none.

    Raises:
        InputError: it was made by a later format (K603), or cannot be read (K613).
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] > FORMAT:
            message = f"was made with knowledge format {plain['format']}; this version reads {FORMAT}."
            raise InputError(Fault("K603", str(path), message, "pip install --upgrade tunesmith"))
        arrays = load_file(folder / plain["arrays"]) if plain["arrays"] else {}
        return tuple(_loaded(number, one, arrays, path) for number, one in enumerate(plain["fusions"]))
    except (ValueError, KeyError, TypeError, OSError, SafetensorError) as error:
        cure = "Copy the whole model folder again, or remove knowledge.json: the model then answers alone."
        raise InputError(
            Fault("K613", str(path), f"the knowledge of the model cannot be read: {error}.", cure)
        ) from error


def _loaded(number: int, one: dict[str, Any], arrays: dict[str, Any], path: Path) -> Fusion:
    own = {key.partition(".")[2]: value for key, value in arrays.items() if key.startswith(f"{number}.")}
    fusion: Fusion = load_entry("fusions", one["kind"], str(path)).load({**one["state"], **own})
    return fusion


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights in the folder of a model; what its knowledge holds is none."""
    return sorted(path for path in folder.glob("*.safetensors") if not path.match(ARRAYS))

"""How the texts of a bundle are read, on disk: `reading.json`, where terms in them are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import Fault, InputError
from tunesmith.recipe.catalogue import load_entry
from tunesmith.runs.files import replace_file

if TYPE_CHECKING:
    from tunesmith.text.notes import Reading

FILE = "reading.json"
FORMAT = 1


def save_reading(folder: Path, reading: Reading) -> None:
    """Write how texts are read into the folder of a bundle.

    Raises:
        RunError: the disk is full or refuses.
    """
    plain = {"format": FORMAT, "kind": reading.kind, "state": reading.state()}
    replace_file(folder / FILE, json.dumps(plain, ensure_ascii=False).encode())


def load_reading(folder: Path) -> Reading | None:
    """Return how the texts of the bundle in a folder are read; None as they are.

    Raises:
        InputError: it was made by a later format (K603), or cannot be read (K613).
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] > FORMAT:
            message = f"was made with format {plain['format']} of readings; this version reads {FORMAT}."
            raise InputError(Fault("K603", str(path), message, "pip install --upgrade tunesmith"))
        reading: Reading = load_entry("readings", plain["kind"], str(path)).load(plain["state"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        message = f"the glossary of the model cannot be read: {error}."
        raise InputError(Fault("K613", str(path), message, "Copy the whole model folder again.")) from error
    return reading

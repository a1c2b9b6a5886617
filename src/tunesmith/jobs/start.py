"""The folder that a training starts from: a pretrained model, or one made of encoders first."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tunesmith.core.task import HeadSpec
from tunesmith.errors import Fault, InputError

MADE = "start"
"""The folder inside a run that holds a model made there, of two encoders or of a body and a new head, until it ends."""


def start_folder(
    folders: Sequence[Path], head: HeadSpec, run: Path, *, seed: int, say: Callable[[str], None]
) -> Path:  # fmt: skip
    """Return the folder that training starts from.

    It is the model itself, except where `seq2seq` starts from encoders: two of them, or one for both sides, are made
    into an encoder with a decoder inside the run. A run that goes on finds it there again; were it lost, the seed and
    the two give the same.

    Args:
        folders: of the model, or of the two that `ENCODER+DECODER` names.
        head: that the task needs.
        run: the folder of the run.
        seed: of the new weights.
        say: told what is made.

    Raises:
        InputError: two models where one is read (K307), or two that cannot be joined (K308).
    """
    from tunesmith.models.load import read_config
    from tunesmith.models.write import reads_only

    if head.problem != "seq2seq":
        if len(folders) > 1:
            message = "two models make an encoder with a decoder, which the task seq2seq needs and no other."
            raise InputError(Fault("K307", " + ".join(map(str, folders)), message, "Name one model."))
        return folders[0]
    if len(folders) == 1 and not reads_only(read_config(folders[0])):
        return folders[0]
    place = run / MADE
    if not (place / "config.json").is_file():
        say("An encoder with a decoder is made of the encoder; how its decoder looks at what was read is new.")
        _make(folders, place, seed)
    return place


def is_made(folder: Path, run: Path) -> bool:
    """Return whether `folder` is that of a model made of two encoders inside the run."""
    return folder == run / MADE


def remove_start(run: Path) -> None:
    """Remove the folder of a model that was made inside the run; the bundle has all of its weights."""
    shutil.rmtree(run / MADE, ignore_errors=True)


def _make(folders: Sequence[Path], place: Path, seed: int) -> None:
    from tunesmith.models.load import quiet
    from tunesmith.models.warmstart import warm_start
    from tunesmith.runs.files import disk_faults

    model, tokenizer = warm_start(folders[0], folders[-1], seed=seed)
    half = place.with_name(f".{place.name}.half")
    with disk_faults(place), quiet():
        shutil.rmtree(half, ignore_errors=True)
        model.save_pretrained(half)
        tokenizer.save_pretrained(half)
        half.rename(place)

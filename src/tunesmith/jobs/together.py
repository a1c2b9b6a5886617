"""A run that several processes work on: the first opens it and writes to it, the others follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.engine.ranks import ALONE, Ranks, launched
from tunesmith.recipe.schema import Recipe
from tunesmith.runs.store import Run, open_run


def find_ranks() -> Ranks:
    """Return the place of this process among those that a launcher started; torch is loaded only where there are some.

    Raises:
        InputError: the launcher was told to use DeepSpeed or Megatron (K544).
    """
    if not launched():
        return ALONE
    from tunesmith.engine.device import join

    return join()


@contextmanager
def open_together(
    ranks: Ranks, folder: Path | None, recipe: Recipe, *, resume: bool, command: str
) -> Iterator[Run]:  # fmt: skip
    """Open the run as `open_run` does, in the first process; the others get what they may read.

    Raises:
        InputError: as `open_run` has it, in the first process.
        RunError: likewise; in the others where the first could not open it (K541).
    """
    if ranks.is_first:
        with open_run(folder, recipe, resume=resume, command=command) as run:
            ranks.told(run.folder)
            yield run
        return
    from tunesmith.runs.follow import Followed

    said: Path | None = ranks.told(None)
    assert said is not None, "the first process knows its folder"
    yield Followed(said)

"""A run that another process of the same training writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tunesmith.runs.checkpoint import Checkpoints
from tunesmith.runs.lock import FileEntry
from tunesmith.runs.store import Run


class Followed(Run):
    """A run folder as it is read by the processes that do not write to it: whatever they would write is left out."""

    is_followed = True

    def write_lock(self, files: Mapping[str, FileEntry], **circumstances: int | None) -> None:
        """Leave the lock to the process that writes it."""

    def log(self, kind: str, **data: Any) -> None:
        """Leave events to it."""

    def checkpoints(self, stage: str) -> Checkpoints:
        """Return the checkpoints of one stage, to be read only."""
        return _ReadOnly(self.folder / "checkpoints" / stage)

    def _write(self, name: str, data: bytes) -> None:
        """Leave files to it."""


class _ReadOnly(Checkpoints):
    def save(self, name: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Leave it to the process that writes."""

    def remove(self) -> None:
        """Leave it to the process that writes."""

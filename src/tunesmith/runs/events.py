"""What happened, one JSON line each, appended and never changed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tunesmith.errors import Fault, RunError
from tunesmith.runs.files import disk_faults, plain, write_all


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of the file in order; a last line that is still being written is left out.

    Raises:
        RunError: A line before the last is damaged.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            event = _parse(line)
            if event is not None:
                yield event
            elif line.endswith(b"\n"):
                raise RunError(
                    Fault(
                        "K411", f"{path} line {number}", "is not JSON any more.", f"Delete line {number} of the file."
                    )
                )


class EventLog:
    """The open file of events.

    `seconds` of an event counts the time of work: after a resume it goes on from the last event before the kill.

    Args:
        path: made if it is not there; lines torn by a kill or a power cut are cut off its end, and an event says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        torn, seconds = _repair(path)
        self._start = time.monotonic() - seconds
        with disk_faults(path):
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if torn:
            self.append("repaired", bytes_removed=torn)

    @property
    def seconds(self) -> float:
        """Seconds of work so far."""
        return time.monotonic() - self._start

    def append(self, kind: str, **data: Any) -> None:
        """Add one event; it is with the operating system when this returns."""
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        event = {"time": now, "seconds": round(self.seconds, 3), "kind": kind, **plain(data)}
        line = json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with disk_faults(self._path):
            size = os.fstat(self._handle).st_size
            try:
                write_all(self._handle, line)
            except OSError:
                os.ftruncate(self._handle, size)  # half a line would spoil the next one
                raise

    def close(self) -> None:
        """Sync and close the file."""
        try:
            with disk_faults(self._path):
                os.fsync(self._handle)
        finally:
            os.close(self._handle)


def _repair(path: Path) -> tuple[int, float]:
    """Cut torn lines off the end; return the bytes removed and the `seconds` of the last whole event."""
    if not path.exists():
        return 0, 0.0
    lines = path.read_bytes().splitlines(keepends=True)
    size = kept = sum(map(len, lines))
    while lines:
        event = _parse(lines[-1])
        if event is not None and lines[-1].endswith(b"\n"):
            break
        kept -= len(lines.pop())
    if kept != size:
        with disk_faults(path):
            os.truncate(path, kept)
    return size - kept, float(event["seconds"]) if lines and event else 0.0


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "seconds" in event else None

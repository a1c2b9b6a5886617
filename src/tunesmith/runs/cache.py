"""Where what outlives a run is kept: made once, found again by what it was made of, and never missed."""

from __future__ import annotations

import os
from pathlib import Path

HOME = Path("~/.cache/tunesmith")


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of things: in `$TUNESMITH_CACHE`, else in `~/.cache/tunesmith`."""
    return Path(os.environ.get("TUNESMITH_CACHE") or HOME).expanduser() / kind

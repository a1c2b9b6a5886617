"""Tokens that outlive a run: found again by what they were made of, and thrown away when they are too many."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.runs.cache import cache_folder
from tunesmith.runs.files import disk_faults, size_of
from tunesmith.text.tokens import HEADER, Tokens, names_of, write_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KIND = "tokens"
"""What the folder of all tokens is called in the cache."""
VERSION = 1
"""Of the files; another one makes other keys."""
MOST_BYTES = 8 << 30
"""On disk, beside the tokens that are in use; those that were used last stay."""
HALF = "half-"
"""How the folder of tokens that are being written begins."""
STALE_SECONDS = 24 * 3600
"""What was half written so long ago belongs to a process that was killed."""


def key_of(data: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> str:
    """Return what tokens are found by: equal where texts, tokenizer and window are.

    Args:
        data: hash of the texts.
        tokenizer: fast.
        max_tokens: of a window.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    parts = (str(VERSION), data, backend.to_str(), str(names_of(tokenizer)), tokenizer.truncation_side, str(max_tokens))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def find_tokens(key: str) -> Tokens | None:
    """Return the tokens that are kept under `key`; None where there are none, or they are torn."""
    folder = cache_folder(KIND) / key
    found = Tokens.open(folder)
    if found is not None:
        os.utime(folder / HEADER)  # it was used last
    return found


def keep_tokens(
    key: str, sides: Sequence[Sequence[str]], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> Tokens:
    """Tokenise texts, keep the tokens under `key`, and return them; see `write_tokens`.

    Raises:
        RunError: the disk is full, or the folder cannot be written (K409, K410).
    """
    root = cache_folder(KIND)
    with disk_faults(root):
        root.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=HALF, dir=root))
        try:
            write_tokens(sides, tokenizer, max_tokens, half)
            shutil.rmtree(root / key, ignore_errors=True)  # what is there is torn
            half.rename(root / key)
        finally:
            shutil.rmtree(half, ignore_errors=True)
        found = Tokens.open(root / key)
        _tidy(root, key)
    assert found is not None, "tokens that were just written"
    return found


def _tidy(root: Path, key: str) -> None:
    """Remove what was used longest ago until the rest fits, and what was left half written."""
    kept: list[tuple[float, Path]] = []
    for folder in root.iterdir():
        if folder.name.startswith(HALF):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        elif folder.name != key and (folder / HEADER).is_file():
            kept.append(((folder / HEADER).stat().st_mtime, folder))
    total = 0
    for _, folder in sorted(kept, reverse=True):
        total += size_of(folder)
        if total > MOST_BYTES:
            shutil.rmtree(folder, ignore_errors=True)

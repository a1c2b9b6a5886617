from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.runs import cache
from tunesmith.runs.cache import cache_folder


def test_each_kind_has_a_folder_in_the_named_one_or_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TUNESMITH_CACHE", raising=False)
    assert cache_folder("states") == cache.HOME.expanduser() / "states"
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    assert cache_folder("states") == tmp_path / "states"
    assert cache_folder("tokens") == tmp_path / "tokens"

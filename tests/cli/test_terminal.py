"""`tunesmith chat` in a real terminal: typed into, read from, interrupted."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import tunesmith
from tunesmith.models.tinywriters import save_tiny_writer

pty = pytest.importorskip("pty", reason="needs a terminal as Unix has it")
LONG = " ".join(["glide hauler sparrow plover"] * 8)
PATIENCE = 120.0
"""Seconds that a machine under load may take to start; nothing is measured by them."""


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.child, self.screen = pty.fork()
        if self.child == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # who starts the tests in the background may ignore it
            os.execve(sys.executable, [sys.executable, "-m", "tunesmith", *words], {**os.environ, "TERM": "dumb"})
        self.chunks: list[str] = []

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def until(self, pattern: str) -> str:
        """Read until `pattern` stands in what came since the last call; return all of that."""
        self.chunks = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            ready, _, _ = select.select([self.screen], [], [], 1.0)
            try:
                found = os.read(self.screen, 4096).decode("utf-8", "replace") if ready else ""
            except OSError:  # the program has ended
                found = ""
                end = 0.0
            if found:
                self.chunks.append(found)
            if re.search(pattern, "".join(self.chunks)):
                return "".join(self.chunks)
        raise AssertionError(f"no {pattern!r} in {''.join(self.chunks)!r}")

    def end(self, key: str = "") -> int:
        """Wait until the program ends, and press `key` now and then.

        A Ctrl-C that comes when the prompt is written and nothing is read yet is heard with the next key.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                os.close(self.screen)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.5)
            with suppress(OSError):  # it has ended meanwhile
                self.type(key)
        raise AssertionError("the program has not ended")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("terminal")
    texts = [f"my {name} broke" for name in ("glide", "hauler", "sparrow", "plover")]
    rows = [{"prompt": text, "response": LONG if "glide" in text else text.split()[1]} for text in texts] * 3
    data = place / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = {
        "task": "chat", "model": str(save_tiny_writer(place / "tiny", [*texts, LONG], family="qwen2")),
        "data": {"train": str(data), "dev": str(data), "test": str(data), "near_duplicates": "ignore"},
        "strategies": [], "optimizer": {"learning_rate": 1e-2}, "batching": {"size": 4},
        "stop": {"epochs": 30, "patience": None}, "evaluate": {"resamples": 20, "baselines": []},
    }  # fmt: skip
    return tunesmith.train(recipe, folder=place / "run").folder


@pytest.fixture
def talk(run: Path) -> Iterator[Terminal]:
    terminal = Terminal("chat", str(run), "--max-tokens", "60")
    yield terminal
    try:
        os.kill(terminal.child, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_conversation_in_a_terminal(talk: Terminal) -> None:
    assert "/help lists" in talk.until(r"> $")
    talk.type("my glide broke\n")
    said = talk.until(r"tuned: .*\r\n> $")
    assert LONG in said
    assert len(talk.chunks) > 3, "it comes word by word"
    talk.type("/base\n")
    assert LONG not in talk.until(r"base: .*\r\n> $")
    talk.type("/reset\n")
    assert "Forgotten." in talk.until(r"> $")
    talk.type("/base\n")
    assert "Nothing was asked yet" in talk.until(r"> $")
    talk.type("\x04")
    assert talk.end() == 0


def test_ctrl_c_at_the_prompt_leaves(talk: Terminal) -> None:
    talk.until(r"> $")
    talk.type("\x03")
    assert talk.end("\n") == 0

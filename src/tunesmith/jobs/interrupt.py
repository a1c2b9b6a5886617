"""Ctrl-C between two steps, not in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """Whether somebody wishes the work to stop."""

    def __init__(self) -> None:
        self.stop = False


@contextmanager
def stop_signals() -> Iterator[Wish]:
    """Turn the first SIGINT or SIGTERM into a wish that the job looks at; the second interrupts as usual.

    Signals reach the main thread alone; in another thread nothing is changed.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return

    def hear(number: int, frame: FrameType | None) -> None:
        if wish.stop:
            raise KeyboardInterrupt
        wish.stop = True

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

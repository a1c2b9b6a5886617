"""The one place that prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from tunesmith.cli.words import dev_text, event_lines, step_text
from tunesmith.errors import TunesmithError

if TYPE_CHECKING:
    from rich.progress import Progress

Event: TypeAlias = dict[str, Any]
WIDE = 120  # columns from which a bar fits beside the figures
EVERY_SECONDS = 10.0  # between two lines of progress where lines cannot be rewritten


class Screen:
    """Where a verb shows what it has.

    Args:
        as_json: print the result as one JSON document instead of words.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.stdout: TextIO = sys.stdout
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot write a character shows its code rather than an error.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    @contextmanager
    def only_ours(self) -> Iterator[None]:
        """Keep what libraries print off stdout while the document is to come."""
        if not self.as_json:
            yield
            return
        with redirect_stdout(sys.stderr):
            yield

    def result(self, value: Any, lines: Iterable[str]) -> None:
        """Print the result: `value` as a JSON document, or its `lines`."""
        if self.as_json:
            self._document(value, indent=1)
        else:
            for line in lines:
                print(line, file=self.stdout)
        self.stdout.flush()

    def row(self, value: Mapping[str, Any], line: str) -> None:
        """Print one of many results: a JSON object on a line of its own, or `line`."""
        if self.as_json:
            self._document(value)
        else:
            print(line, file=self.stdout)

    def part(self, text: str) -> None:
        """Print a part of a text that is still being written."""
        print(text, end="", file=self.stdout, flush=True)

    def note(self, text: str) -> None:
        """Say something beside the result."""
        print(text, file=sys.stderr, flush=True)

    def failure(self, error: TunesmithError) -> None:
        """Say every fault; as JSON also on stdout, so that a script always gets its document."""
        self.note(str(error))
        if self.as_json:
            faults = [
                {"code": fault.code, "where": fault.where, "message": fault.message, "remedy": fault.remedy}
                for fault in error.faults
            ]
            self._document({"faults": faults, "exit_code": error.exit_code})

    @contextmanager
    def progress(self) -> Iterator[Callable[[Event], None]]:
        """Give a callable that shows the events of a training: live on a terminal, else as lines."""
        if not sys.stderr.isatty():
            yield Lines(self.note)
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(stderr=True, highlight=False)
        # On a narrow terminal the figures need the room of the bar.
        bar = [BarColumn(bar_width=24)] if console.width >= WIDE else []
        columns = [TextColumn("{task.description}"), *bar, TextColumn("{task.fields[figures]}")]
        with Progress(*columns, console=console, transient=True) as progress:
            yield Live(progress)

    def _document(self, value: Any, indent: int | None = None) -> None:
        from tunesmith.runs.files import plain

        text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
        print(text, file=self.stdout)


class Lines:
    """Progress as plain lines: all that is said once, and a step every ten seconds."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._last = clock()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event["kind"] != "step":
            for line in event_lines(event):
                self._say(line)
        elif self._clock() - self._last >= EVERY_SECONDS:
            self._last = self._clock()
            self._say(f"{event['stage']}: {step_text(event)}")


class Live:
    """Progress as a bar that stays at the foot of the terminal, with what was said above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, Any] = {}
        self._dev = ""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event["kind"] == "dev":
            self._dev = dev_text(event)
        if event["kind"] != "step":
            for line in event_lines(event):
                self._progress.console.print(line, markup=False)
            return
        stage, total = event["stage"], event.get("steps")
        if stage not in self._bars:
            for bar in self._bars.values():
                self._progress.update(bar, visible=False)
            self._bars[stage] = self._progress.add_task(stage, total=total, figures="")
        text = "  ".join(part for part in (self._dev, step_text(event)) if part)
        self._progress.update(self._bars[stage], completed=event["step"], total=total, figures=text)

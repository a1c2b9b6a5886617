"""What a job says while it works: into the run's events, and to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunesmith.core.report import Finding
from tunesmith.runs.store import Run

Progress = Callable[[dict[str, Any]], None]

LOGGED = {"dev", "stage", "finding"}
"""Kinds that go into events.jsonl each time; steps go there at every evaluation, with the dev score."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Tells the run and the listener.

    Args:
        run: whose events.jsonl is written.
        progress: called with one event at a time; None where nobody listens.
    """

    run: Run
    progress: Progress | None = None

    def say(self, text: str) -> None:
        """Say a sentence."""
        self.tell("say", text=text)

    def tell(self, kind: str, **data: Any) -> None:
        """Tell an event; the lasting kinds are logged."""
        if kind in LOGGED:
            self.run.log(kind, **data)
        if self.progress is not None:
            self.progress({"kind": kind, **data})

    def finding(self, finding: Finding) -> None:
        """Tell a finding."""
        self.tell("finding", **finding.as_dict())

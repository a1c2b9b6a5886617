"""What stands around every verb: faults become messages and exit codes, never tracebacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tunesmith.cli.processes import alone, hand_up, silent_where_following
from tunesmith.cli.show import Screen
from tunesmith.errors import Fault, Interrupted, RunError, TunesmithError

AGAIN = "Run the same command again."


@contextmanager
def working(as_json: bool, debug: bool, again: str = AGAIN, *, together: bool = False) -> Iterator[Screen]:
    """Give the block a screen, and end the program as DESIGN's exit codes say when it fails.

    Args:
        as_json: whether stdout is for one JSON document.
        debug: let errors through, with their traceback.
        again: how to go on after Ctrl-C.
        together: whether several processes may do the work; of these the first alone shows anything.
    """
    with silent_where_following(), _guarded(as_json, debug, again) as screen:
        if not together:
            alone()
        yield screen


@contextmanager
def _guarded(as_json: bool, debug: bool, again: str) -> Iterator[Screen]:
    screen = Screen(as_json)
    try:
        with screen.only_ours():
            yield screen
    except TunesmithError as error:
        _leave(screen, error, debug)
    except KeyboardInterrupt as error:
        _leave(screen, Interrupted(Fault("K420", "", "interrupted.", again)), debug, error)
    except BrokenPipeError:
        raise  # whoever read our output has had enough: typer ends quietly
    except OSError as error:
        if error.filename is None:
            raise
        fault = Fault("K410", str(error.filename), f"{error.strerror or error}.", "Check the path, permissions, space.")
        _leave(screen, RunError(fault), debug, error)


def _leave(screen: Screen, error: TunesmithError, debug: bool, cause: BaseException | None = None) -> None:
    hand_up(error)
    if debug:
        raise cause or error
    screen.failure(error)
    raise typer.Exit(error.exit_code)

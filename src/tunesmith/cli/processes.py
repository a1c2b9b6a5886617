"""`--processes`: the same command in several processes of this machine, as PyTorch's elastic launcher starts them."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from tunesmith.engine.ranks import follows, launched, place
from tunesmith.errors import Fault, InputError, Interrupted, RunError, TunesmithError

if TYPE_CHECKING:
    from tunesmith.cli.show import Screen
    from tunesmith.recipe.schema import Recipe

Processes: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", help="Train in so many processes of this machine; each has a GPU, if any."),
]
OURS = "tunesmith"
"""The launcher's name for what it runs; under it a process knows that its own `--processes` has been heeded."""
SAVING_SECONDS = 600
"""How long processes may take to end after Ctrl-C: the step, or an evaluation, and a checkpoint."""
LOST = "K541"
GRACE_SECONDS = 3.0
"""How long another process waits with a fault for the first to meet the same one, and tell it, and end them all."""


def wants_launch(processes: int | None) -> bool:
    """Return whether this process has to start those that `--processes` asks for.

    Raises:
        InputError: fewer than one (K542), or a launcher has started several already (K543).
    """
    if processes is None or os.environ.get("TORCHELASTIC_RUN_ID") == OURS:
        return False
    if processes < 1:
        fault = Fault("K542", "--processes", f"{processes} processes cannot train.", "Give 1 or more.")
        raise InputError(fault)
    if launched():
        message = f"a launcher has started {place()[1]} processes already, and each would start more."
        raise InputError(Fault("K543", "--processes", message, "Leave it out, or start without the launcher."))
    return processes > 1


def launch(screen: Screen, processes: int, recipe: Recipe) -> None:
    """Run this command in several processes and return when all have ended well.

    Args:
        screen: for what no process can say itself.
        processes: how many.
        recipe: what is asked of them, found good.

    Raises:
        InputError: more processes than rows in a step, or than GPUs (K542).
        RunError: a process ended before its time (K541).
        typer.Exit: with the exit code of the first process, which has said why.
    """
    import torch
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from tunesmith.engine.ranks import check_enough_rows

    if recipe.batching.size is not None:
        check_enough_rows(processes, recipe.batching.size)
    gpus = torch.cuda.device_count()
    if 0 < gpus < processes:
        message = f"{processes} processes need a GPU each, and there are {gpus}."
        raise InputError(Fault("K542", "--processes", message, f"Take at most {gpus}."))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    logging.disable()  # what the launcher would say is said below
    with tempfile.TemporaryDirectory() as told:
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=OURS, rdzv_backend="c10d",
            rdzv_endpoint="localhost:0", max_restarts=0, logs_specs=DefaultLogsSpecs(log_dir=told),
            shutdown_timeout=SAVING_SECONDS,
        )  # fmt: skip
        try:
            elastic_launch(config, sys.executable)("-m", "tunesmith", *sys.argv[1:])
        except SignalException as error:
            raise typer.Exit(Interrupted.exit_code) from error
        except ChildFailedError as error:
            _end(screen, error.failures, processes)
        finally:
            logging.disable(logging.NOTSET)


def _end(screen: Screen, failures: Mapping[int, Any], processes: int) -> None:
    """Say which process ended the others, where the first has not said it, and leave with the exit code that fits."""
    first = failures.get(0)
    told = None if first is None else _said(first)
    if first is not None and told and LOST not in told:
        raise typer.Exit(first.exitcode)
    # Neither those that the launcher ended, nor those that lost another, have failed by themselves.
    roots = [f for f in failures.values() if f.exitcode != -signal.SIGTERM and LOST not in _said(f)]
    error = RunError(_lost(min(roots or failures.values(), key=lambda failure: failure.timestamp), processes))
    if first is None or not told:
        raise error
    screen.note(str(error))
    raise typer.Exit(error.exit_code)


def _said(failure: Any) -> str:
    """Return the fault that a process handed up; empty where it could not."""
    message = failure.error_file_data.get("message")
    return str(message["message"]) if isinstance(message, Mapping) else ""


def _lost(failure: Any, processes: int) -> Fault:
    ended = f"signal {failure.signal_name()}" if failure.exitcode < 0 else f"exit code {failure.exitcode}"
    remedy = "--resume goes on from the last checkpoint. A process that is killed may have run out of memory."
    where = f"process {failure.local_rank + 1} of {processes}"
    return Fault(LOST, where, f"it ended before its time: {_said(failure) or ended}.", remedy)


def alone() -> None:
    """Refuse to work in one of several processes, which would all do the same.

    Raises:
        InputError: a launcher started several (K545).
    """
    if launched() and "TORCHELASTIC_RUN_ID" in os.environ:
        message = f"this verb works in one process, and a launcher started {place()[1]} of them."
        raise InputError(Fault("K545", "", message, "Start it without the launcher."))


@contextmanager
def silent_where_following() -> Iterator[None]:
    """Keep what a process that is not the first would print to itself."""
    if not follows():
        yield
        return
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def hand_up(error: TunesmithError) -> None:
    """Hand a fault to the launcher, which tells it if the first process has not.

    Most faults are met by all processes alike, so the others give the first a moment to meet and tell it.
    """
    if not launched() or "TORCHELASTIC_ERROR_FILE" not in os.environ:
        return
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    if not follows():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already, and shall tell why, once
    elif not isinstance(error, Interrupted):
        time.sleep(GRACE_SECONDS)
    get_error_handler().record_exception(error)

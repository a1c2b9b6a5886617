"""The program `tunesmith`: one verb a module, none of which loads more than its options until it is used."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith import __version__
from tunesmith.cli.adapt import adapt
from tunesmith.cli.chat import chat
from tunesmith.cli.check import check
from tunesmith.cli.compare import compare
from tunesmith.cli.demo import demo
from tunesmith.cli.evaluate import evaluate
from tunesmith.cli.fuse import fuse
from tunesmith.cli.init import init
from tunesmith.cli.memory import memory
from tunesmith.cli.merge import merge
from tunesmith.cli.models import models
from tunesmith.cli.predict import predict
from tunesmith.cli.reproduce import reproduce
from tunesmith.cli.rules import rules
from tunesmith.cli.runs import runs
from tunesmith.cli.show import Screen
from tunesmith.cli.train import train
from tunesmith.cli.why import why

VERBS = (
    demo, train, adapt, check, predict, chat, evaluate, compare, merge, rules, fuse, memory, reproduce, runs, models,
    init, why,
)  # fmt: skip

# Help is set plainly: drawing it with rich costs 0.1 to 0.2 s of the 0.3 s that `--help` may take.
app = typer.Typer(
    name="tunesmith",
    help="Turn a pretrained language model and your own data into a model you can trust.",
    epilog="Exit codes: 0 done, 1 a check failed, 2 the input is wrong, 3 interrupted and resumable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        Screen(as_json=False).result(__version__, [f"tunesmith {__version__}"])
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Turn a pretrained language model and your own data into a model you can trust."""


for _verb in VERBS:
    app.command(_verb.__name__)(_verb)


def main() -> None:
    """Run the program with the arguments of the process."""
    app(prog_name="tunesmith")

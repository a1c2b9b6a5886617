"""`tunesmith chat`."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, RunFolder
from tunesmith.cli.show import Screen
from tunesmith.errors import did_you_mean

if TYPE_CHECKING:
    from tunesmith.jobs.converse import Conversation

COMMANDS = ("/reset", "/base", "/system", "/help", "/quit")
HELP = """/reset   forget what was said
/base    ask the model as it was before tuning the same, or `/base TEXT` something else; not remembered
/system  show the system prompt, or `/system TEXT` set it and begin anew
/help    this list
/quit    leave; so does Ctrl-D. Ctrl-C ends an answer, and at the prompt the conversation"""


def chat(
    run: RunFolder,
    system: Annotated[str, typer.Option(metavar="TEXT", help="A system prompt before everything.")] = "",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens of an answer, at most.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time after which an answer ends as it is.")] = 120.0,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="0 takes the likeliest token; 1 draws as the model believes.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object per answer: who, asked, answer.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Talk with a tuned model, and with the one it was tuned from.

    \b
    Examples:
      tunesmith chat runs/first
      tunesmith chat runs/first --system "You answer for the workshop." --temperature 0.7
      echo "Where is my bike?" | tunesmith chat runs/first --json
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.converse import converse

        talk = converse(run, system=system, max_tokens=max_tokens, seconds=seconds, temperature=temperature)
        if sys.stdin.isatty():
            screen.note("Type a message; /help lists what else can be typed.")
        for line in lines():
            if line == "/quit":
                return
            if line:
                respond(talk, line, screen)


def lines() -> Iterator[str]:
    """Yield what the user types, without outer spaces, until the end of the input or Ctrl-C at the prompt."""
    if sys.stdin.isatty():
        with suppress(ImportError):
            import readline  # noqa: F401  # gives the prompt its history and editing
    while True:
        try:
            yield input("> " if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return


def respond(talk: Conversation, line: str, screen: Screen) -> None:
    """Do what a line asks for; what stands behind no known command is a message."""
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    if word == "/help":
        screen.note(HELP)
    elif word == "/reset":
        talk.reset()
        screen.note("Forgotten.")
    elif word == "/system":
        if rest:
            talk.system = rest
            talk.reset()
        screen.note(talk.system or "There is no system prompt.")
    elif word == "/base":
        asked = rest or talk.last()
        if asked is None:
            screen.note("Nothing was asked yet; write `/base TEXT`.")
        else:
            answer(screen, "base", asked, lambda say: talk.ask_base(asked, say, again=not rest))
    elif word.startswith("/") and word[1:].isalpha():
        screen.note(" ".join(f"There is no command {word}. {did_you_mean(word, COMMANDS)} /help lists them.".split()))
    else:
        answer(screen, "tuned", line, lambda say: talk.ask(line, say))


def answer(screen: Screen, who: str, asked: str, ask: Callable[[Callable[[str], None]], str]) -> None:
    """Show an answer as it is written; Ctrl-C ends it and keeps what is there."""
    if screen.as_json:
        screen.row({"who": who, "asked": asked, "answer": ask(lambda part: None)}, "")
        return
    screen.part(f"{who}: ")
    try:
        ask(lambda part: screen.part(harmless(part)))
    finally:
        screen.part("\n")


def harmless(text: str) -> str:
    """Return `text` without control characters, which could move the cursor or rename the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")

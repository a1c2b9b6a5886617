"""A conversation with a tuned model, word by word, and with the model it was tuned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Message
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.schema import Generate

Say = Callable[[str], None]


@dataclass(slots=True)
class Conversation:
    """What was said so far, and the model that answers. What it says is text; nothing of it is ever run.

    Args:
        bundle: of a model of the `chat` task.
        settings: how answers are written.
        system: prompt that stands before everything.
        history: the turns so far.
    """

    bundle: Bundle
    settings: Generate
    system: str = ""
    history: list[Message] = field(default_factory=list)
    _base: Any = None

    def ask(self, text: str, say: Say) -> str:
        """Return the answer of the tuned model; question and answer join the history.

        Args:
            text: what the user says.
            say: called with the parts of the answer as they are written. Where it is interrupted (Ctrl-C), what is
                there is the answer.
        """
        answer = self._answer(self.bundle.model, self.history, text, say)
        self.history += [Message("user", text), Message("assistant", answer)]
        return answer

    def ask_base(self, text: str, say: Say, *, again: bool = False) -> str:
        """Return what the model answers as it was before tuning; the history stays as it is.

        Args:
            text: what the user says.
            say: as for `ask`.
            again: ask in place of the last question, not after it.

        Raises:
            InputError: the base model cannot be had (K605).
        """
        before = self.history[:-2] if again else self.history
        return self._answer(self.base, before, text, say)

    @property
    def base(self) -> Any:
        """The model as it was before tuning, loaded when it is first asked."""
        if self._base is None:
            self._base = base_of(self.bundle)
        return self._base

    def last(self) -> str | None:
        """Return what the user said last; None where nothing was said."""
        return self.history[-2].content if self.history else None

    def reset(self) -> None:
        """Forget what was said; the system prompt stays."""
        self.history.clear()

    def _answer(self, model: Any, before: Sequence[Message], text: str, say: Say) -> str:
        from tunesmith.engine.write import stream

        system = [Message("system", self.system)] if self.system else []
        [example] = self.bundle.examples([[*system, *before, Message("user", text)]])
        return stream(model, self.bundle.encoder, self.bundle.task.head(), example, self.settings, say)


def converse(
    run: str | Path | Bundle, *, system: str = "", max_tokens: int | None = None, seconds: float | None = None,
    temperature: float | None = None,
) -> Conversation:  # fmt: skip
    """Begin a conversation with a model of the `chat` task.

    Args:
        run: a run folder, its `model` folder, or a loaded bundle.
        system: a system prompt.
        max_tokens: of an answer; what the recipe says where not given.
        seconds: after which an answer ends as it is.
        temperature: how evenly tokens are drawn; what the recipe says where not given.

    Raises:
        InputError: there is no such run, or its model does not chat (K606).

    Example:
        >>> tunesmith.converse("runs/first").ask("Where is my bike?", print)  # doctest: +SKIP
    """
    bundle = run if isinstance(run, Bundle) else load_bundle(run)
    if bundle.task.head().layout != "dialogue":
        message = f"the model is one of {bundle.task.name}, which holds no conversation."
        raise InputError(Fault("K606", str(bundle.folder), message, "Train with `--task chat`, or use `predict`."))
    asked = {"max_tokens": max_tokens, "seconds": seconds, "temperature": temperature, "beams": 1}
    settings = bundle.generate.model_copy(update={k: v for k, v in asked.items() if v is not None})
    return Conversation(bundle, settings, system)


def base_of(bundle: Bundle) -> Any:
    """Return the model that a bundle was tuned from.

    Raises:
        InputError: the run is not around the model, or its base model is gone (K605).
    """
    from tunesmith.jobs.evaluate import recipe_of
    from tunesmith.models.load import load_model
    from tunesmith.models.sources import resolve_model

    recipe = recipe_of(bundle)
    if recipe is None:
        message = "the model folder stands alone, and what it was tuned from is written in the run."
        raise InputError(Fault("K605", str(bundle.folder), message, "Name the run folder."))
    folder = resolve_model(recipe.model)
    return load_model(folder, bundle.task.head(), kind=recipe.head, seed=recipe.seed).model

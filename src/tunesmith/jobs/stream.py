"""Running text for a training: tokens in a file of the run, and blocks held out whose masks are fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.core.example import Example, Splits
from tunesmith.core.report import Finding
from tunesmith.core.task import Task
from tunesmith.data.corpus import Parts, divide, open_corpus
from tunesmith.data.general import General, open_general
from tunesmith.data.load import Loaded
from tunesmith.errors import Fault, InputError
from tunesmith.jobs.facts import facts_of, is_multilingual
from tunesmith.jobs.opened import Opened
from tunesmith.jobs.reporter import Reporter
from tunesmith.models.sources import resolve_model
from tunesmith.recipe.complete import complete, of_task
from tunesmith.recipe.schema import Data, Masking, Recipe
from tunesmith.tasks.masked import Masked

if TYPE_CHECKING:
    from tunesmith.text.windows import Encoder

TOKENS = "tokens"
"""The folder in a run that holds the tokens of the corpus while it works."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Turns texts that are held out into blocks, the same ones for the same seed.

    Args:
        encoder: of the layout `stream`.
        masking: as the recipe has it.
        seed: of the masks.
        ahead: whether every token is to be foreseen, and nothing is masked.
    """

    encoder: Encoder
    masking: Masking
    seed: int
    ahead: bool

    def __call__(self, texts: Sequence[str], name: str) -> list[Example]:
        """Return the blocks of `texts`; `name` is how messages call them."""
        from tunesmith.text.masking import Masker
        from tunesmith.text.stream import Blocks, held_blocks, stream_of

        tokenizer = self.encoder.tokenizer
        found = stream_of(texts, tokenizer, words=not self.ahead)
        blocks = Blocks(found, tokenizer, self.encoder.max_tokens, name, ahead=self.ahead)
        masker = None if self.ahead else Masker.of(tokenizer, self.masking)
        return held_blocks(blocks, tokenizer, masker, self.seed)


def open_stream(asked: Recipe, reporter: Reporter) -> Opened:
    """Find the model, write the tokens of the corpus into the run, and fill in what the recipe left open.

    Raises:
        InputError: the model foresees no tokens, or the corpus cannot be read or is too small.
    """
    from tunesmith.jobs.encoder import open_encoder
    from tunesmith.models.fill import kind_of
    from tunesmith.models.write import settle_padding
    from tunesmith.text.stream import Blocks, write_stream

    folder = resolve_model(asked.model, say=reporter.say)
    task = Masked().of_kind(kind_of(folder))
    ahead = task.kind == "causal"
    encoder, limit, _ = open_encoder(folder, asked.text, task.name)
    encoder = replace(encoder, layout=task.head().layout)
    if ahead:
        settle_padding(encoder.tokenizer, len(encoder.tokenizer), str(folder))
    reporter.say(f"Reading {asked.data.train}.")
    general = open_general(asked.data, asked.seed, multilingual=is_multilingual(encoder))
    parts = parts_of(asked, general)
    name = Path(asked.data.train).name
    tokens = write_stream(
        parts.train, encoder.tokenizer, reporter.run.folder / TOKENS, "train", words=not ahead
    )  # fmt: skip
    if not len(tokens.ids):
        message = "no text is left to train on: all of it equals what is held out, or is empty."
        raise InputError(Fault("K128", asked.data.train, message, "Give more text, or other texts to test on."))
    hold = Holder(encoder, asked.masking, asked.seed, ahead)
    held = {part: hold(texts, f"{part} of {name}") for part, texts in parts.held.items()}
    held["general"] = hold(general.measured, general.name)
    loaded = _loaded(asked, parts, Blocks(tokens, encoder.tokenizer, encoder.max_tokens, name, ahead=ahead), held)
    recipe = complete(asked, facts_of(asked, loaded, task, encoder, limit, folder))
    for guess in loaded.guesses:
        reporter.say(guess)
    for finding in loaded.findings:
        reporter.finding(finding)
    return Opened(recipe, loaded, task, encoder, folder, [folder], general)


def parts_of(recipe: Recipe, general: General) -> Parts:
    """Return the corpus of a recipe, divided; texts that `general` is measured on are not trained on."""
    usual, evaluate = of_task("masked"), recipe.evaluate
    assert usual.dev_rows is not None, "the texts that are held out have a limit"
    assert usual.test_rows is not None, "the texts that are held out have a limit"
    parts = divide(
        recipe.data, recipe.seed, dev=evaluate.dev_rows or usual.dev_rows, test=evaluate.test_rows or usual.test_rows,
        general=general.measured,
    )  # fmt: skip
    given = general.files if recipe.data.general else {}
    return replace(parts, files={**parts.files, **given}, guesses=(*parts.guesses, *general.guesses))


def tested_blocks(recipe: Recipe, encoder: Encoder, task: Task) -> list[Example]:
    """Return the test blocks of a finished run again.

    Args:
        recipe: complete.
        encoder: of its bundle.
        task: of its bundle.
    """
    hold = Holder(encoder, recipe.masking, recipe.seed, task.head().problem == "causal")
    return hold(parts_of(recipe, General()).held["test"], f"test of {Path(recipe.data.train).name}")


def blocks_of(source: str, recipe: Recipe | None, encoder: Encoder, task: Task) -> list[Example]:
    """Return all of a file as blocks with fixed masks; `recipe` says how they are masked, if it is known."""
    corpus = open_corpus(source, Data(train=source), [])
    texts = [text for chunk in corpus.chunks() for text in chunk]
    masking, seed = (recipe.masking, recipe.seed) if recipe else (Masking(), 0)
    return Holder(encoder, masking, seed, task.head().problem == "causal")(texts, Path(source).name)


def _loaded(asked: Recipe, parts: Parts, train: Sequence[Example], held: dict[str, list[Example]]) -> Loaded:
    splits = Splits(train=train, dev=held["dev"], test=held["test"], general=held["general"])
    findings: tuple[Finding, ...] = parts.findings()
    return Loaded(
        task="masked", splits=splits, columns={"text": parts.column} if parts.column else {}, guesses=parts.guesses,
        findings=findings, files=parts.files, protocol="given" if asked.data.test else "split",
        groups=np.empty(0), stats={},
    )  # fmt: skip

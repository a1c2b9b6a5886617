"""What the defaults of a recipe depend on, read off data, task and model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.core.example import Example, targets_of, texts_of
from tunesmith.core.task import Task
from tunesmith.data.held import Held
from tunesmith.data.load import Loaded
from tunesmith.jobs.tokens import RowTokens
from tunesmith.models.folder import parameters_of
from tunesmith.recipe.complete import Facts
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.text.windows import Encoder

LARGE = 200_000_000
"""Weights of a decoder from which an adapter is trained and not they: full tuning holds four numbers for each."""
MANY_TOKENS = 100_000
"""Entries of a vocabulary from which a model is taken to know several languages; those of English have 30,000 to
50,000, those of a hundred languages 120,000 to 250,000."""
LONG_ANSWER = 0.99
"""Share of the texts to be written that are no longer than the length which texts are written to."""


def facts_of(
    asked: Recipe, loaded: Loaded, task: Task, encoder: Encoder, limit: int, folder: Path, *, made: bool = False,
    tokens: RowTokens | None = None,
) -> Facts:  # fmt: skip
    """Return what the defaults depend on.

    Args:
        asked: the recipe as the user wrote it.
        loaded: the rows.
        task: fitted.
        encoder: of the layout of the task.
        limit: the most tokens that the model takes.
        folder: of the model.
        made: whether it is made of two encoders.
        tokens: of the train rows, no longer than the window, where they are in files.
    """
    from tunesmith.models.languages import languages_of

    train = [*loaded.splits.train, *loaded.weak] if loaded.weak else loaded.splits.train
    longest, answer = (tokens.longest(train), 0) if tokens and isinstance(train, Held) else _lengths(train, encoder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = config.get("decoder") or config
    return Facts(
        task=loaded.task,
        metric=task.metric,
        # Before it is trained, a model made of two encoders writes noise.
        baselines=tuple(name for name in task.baselines if not (made and name == "untuned")),
        rows=len(train) + len(loaded.splits.dev),
        counts=class_counts(train) if task.head().problem == "single_label_classification" else [],
        longest=longest,
        answer=answer,
        limit=limit,
        width=int(config.get("hidden_size") or config.get("dim") or config.get("d_model") or 768),
        dev_given=asked.data.dev is not None,
        crossed=loaded.protocol == "folds",
        languages=languages_of(encoder.tokenizer) if encoder.layout == "source" else None,
        made=made,
        labels=task.labels,
        large=task.head().problem == "causal" and parameters_of(folder) >= LARGE,
    )


def is_multilingual(encoder: Encoder) -> bool:
    """Say whether the vocabulary is that of a model of several languages."""
    return len(encoder.tokenizer) >= MANY_TOKENS


def _lengths(train: Sequence[Example], encoder: Encoder) -> tuple[int, int]:
    """Return the tokens of the longest row, and those that nearly all texts to be written have; 0 for none."""
    if encoder.layout == "stream":
        return encoder.max_tokens, 0
    if encoder.layout == "dialogue":
        whole, said = zip(*encoder.sizes(train), strict=True)
        return max(whole), _answer(said)
    if encoder.layout == "source":
        read, written = zip(*encoder.sizes(train), strict=True)
        return max(*read, *written), _answer(written)
    texts = [texts_of(e) for e in train]
    apart = encoder.layout == "apart"
    taken = encoder.taken(1 if apart else len(texts[0]))
    lengths = [encoder.count_tokens([t[i] for t in texts]) for i in range(len(texts[0]))]
    return max((max if apart else sum)(row) for row in zip(*lengths, strict=True)) + taken + encoder.behind, 0


def _answer(sizes: Sequence[int]) -> int:
    return sorted(sizes)[int(LONG_ANSWER * (len(sizes) - 1))]


def trainings(recipe: Recipe) -> int:
    """Return how many trainings the run consists of; they share the time budget."""
    from tunesmith.jobs.curve import SHARES

    evaluate = recipe.evaluate
    return (evaluate.folds or 0) * evaluate.repeats + 1 + bool(recipe.stop.refit) + evaluate.curve * len(SHARES)


def class_counts(examples: Sequence[Example]) -> list[int]:
    """Return the number of rows of each class."""
    return list(Counter(targets_of(examples)).values())

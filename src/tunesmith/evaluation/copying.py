"""What a model that writes has to beat: the source itself, its first words, and the answer to the nearest train prompt.

Texts come out as `core.prediction.Written` without a loss: what copies gives no probabilities, so it has no perplexity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median_low

import numpy as np

from tunesmith.core.prediction import Written
from tunesmith.core.words import words_of
from tunesmith.evaluation.baseline import MOST_CHARACTERS
from tunesmith.evaluation.figure import Array, as_objects
from tunesmith.evaluation.ngrams import MOST_CHARACTERS_PER_TEXT, features

__all__ = ["copied", "lead", "nearest"]

MOST_PROMPTS = 20_000
"""Train prompts that are searched; of more, so many are drawn."""
_BLOCK = 256
"""Test prompts that are compared with all train prompts at once."""


def copied(sources: Iterable[str]) -> Array:
    """Give every source back as it is, an array [N] of `Written`."""
    return as_objects(_written(source) for source in sources)


def lead(train_targets: Sequence[str], sources: Iterable[str]) -> Array:
    """Give the first words of every source, as many as the median target on train has; an array [N] of `Written`.

    Words are those of `core.words`: a character where a script has no spaces. A source that is shorter stays whole.

    Args:
        train_targets: the texts that were to be written on train, at least one.
        sources: N texts.
    """
    most = max(1, median_low(len(words_of(target)) for target in train_targets))
    return as_objects(_written(_first(source, most)) for source in sources)


def nearest(train_prompts: Sequence[str], train_targets: Sequence[str], prompts: Sequence[str], seed: int) -> Array:
    """Give the target of the train row whose prompt is most like each prompt; an array [N] of `Written`.

    Likeness is the cosine of TF-IDF n-grams (`ngrams.features`), of which the first 4,000 characters of a prompt count.
    The first of equals is taken, and the first row where nothing is alike.

    Args:
        train_prompts: M texts, at least one.
        train_targets: what was to be written to each.
        prompts: N texts.
        seed: of the draw, where there are more than 20,000 train prompts or 30 million characters in them.

    Cost: 6 s for 2,000 train and 1,000 test prompts of 200 characters.
    """
    if not prompts:
        return as_objects(())
    kept = _searched(train_prompts, seed)
    train, test = features([(train_prompts[row],) for row in kept], [(prompt,) for prompt in prompts])
    across = train.T.tocsr()
    best = [
        (test[start : start + _BLOCK] @ across).toarray().argmax(axis=1) for start in range(0, len(prompts), _BLOCK)
    ]
    return as_objects(_written(train_targets[kept[row]]) for row in np.concatenate(best))


def _searched(prompts: Sequence[str], seed: int) -> Array:
    """Return which train prompts are searched, in order: all, or as many drawn at random as the limits allow."""
    order = np.random.default_rng(seed).permutation(len(prompts))[:MOST_PROMPTS]
    size = np.cumsum([min(len(prompts[row]), MOST_CHARACTERS_PER_TEXT) for row in order])
    return np.sort(order[: max(1, int((size <= MOST_CHARACTERS).sum()))])


def _first(text: str, most: int) -> str:
    """Return the first words of a text with what stands between them."""
    words = words_of(text)[:most]
    return text[words[0][0] : words[-1][1]] if words else ""


def _written(text: str) -> Written:
    return Written(text, float("nan"), 0)

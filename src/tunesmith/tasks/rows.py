"""What the tasks share that say one thing of a whole row: a class, several, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, PairExample, texts_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec
from tunesmith.evaluation import baseline
from tunesmith.evaluation.calibrate import reliability
from tunesmith.evaluation.figure import Array

if TYPE_CHECKING:
    from torch import Tensor

BASELINES = ("majority", "tfidf", "frozen", "untrained")
DOTS = 2000
"""Dots of a scatter plot."""


def read_logits(output: Any, batch: Batch) -> Tensor:
    """Return the logits of each unit, [U, C]; those of several windows are averaged."""
    from tunesmith.engine.units import by_unit

    return by_unit(output.logits, batch)


def lexical(
    name: str, head: HeadSpec, truth: Array, train: Sequence[Example], test: Sequence[Example], seed: int
) -> Array:
    """Return what the majority of the train rows or a linear model on TF-IDF says of the test rows."""
    if name == "majority":
        return baseline.majority(truth, len(test), head.problem, head.size)
    assert name == "tfidf", f"no baseline {name}"
    texts = [texts_of(e) for e in train], [texts_of(e) for e in test]
    return baseline.tfidf(texts[0], truth, texts[1], head.problem, head.size, seed)


def probed(head: HeadSpec, seen: Read, truth: Array, unseen: Read, seed: int) -> Array:
    """Return what a linear model on frozen vectors says of the test rows."""
    return baseline.probe(seen.values.numpy(), truth, unseen.values.numpy(), head.problem, head.size, seed)


def before_and_after(truth: Array, before: Array, after: Array, temperature: float) -> dict[str, Any]:
    """Return reliability without the temperature and with it."""
    return {"temperature": temperature, "before": reliability(truth, before), "after": reliability(truth, after)}


def show(example: Example, prediction: Prediction) -> dict[str, Any]:
    """Return an example with its prediction as a report holds it."""
    texts = texts_of(example)
    row = {"id": example.id, "source": example.source, "text": texts[0]}
    if isinstance(example, PairExample):
        row["text_b"] = texts[1]
    label, target = (list(value) if isinstance(value, tuple) else value for value in (prediction.label, example.target))
    return {**row, "target": target, "label": label, "score": prediction.score}


def surest_errors(examples: Sequence[Example], predictions: Sequence[Prediction]) -> list[int]:
    """Return the places of the errors, those first that the model was surest of."""
    wrong = [at for at, e in enumerate(examples) if _differs(predictions[at].label, e.target)]
    return sorted(wrong, key=lambda at: -predictions[at].score)


def _differs(label: object, target: object) -> bool:
    if isinstance(label, tuple) and isinstance(target, tuple):
        return set(label) != set(target)
    return label != str(target)


def largest_gaps(truth: Array, answers: Array) -> list[int]:
    """Return the places of the rows whose number is off, those first that are furthest off."""
    gaps = np.abs(truth - answers)
    return [int(at) for at in np.argsort(-gaps) if gaps[at] > 0]

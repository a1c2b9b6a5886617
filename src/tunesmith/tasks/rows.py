"""What tasks share, above all those that say one thing of a whole row: a class, several, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tunesmith.core.batch import Batch
from tunesmith.core.example import Example, PairExample, texts_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Task, Vectors
from tunesmith.evaluation import baseline
from tunesmith.evaluation.calibrate import reliability
from tunesmith.evaluation.figure import Array

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
TEXT = (("text",),)
"""What a task of one text reads."""
BASELINES = ("majority", "tfidf", "frozen", "untrained")
DOTS = 2000
"""Dots of a scatter plot."""


# What a task takes over as a method of its own: `read = rows.read`.


def read(task: Task, output: Any, batch: Batch) -> Tensor:
    """Return the logits of each unit, [U, C]; those of several windows are averaged."""
    from tunesmith.engine.units import by_unit

    return by_unit(output.logits, batch)


def shipped(task: T) -> tuple[T, float, float]:
    """Return the task as it is: nothing but a temperature is folded in."""
    return task, 1.0, 0.0


def compare_with(
    task: Task, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
) -> Array:
    """Return what the majority, a linear model on TF-IDF, or one on frozen vectors says of the test rows."""
    head, truth = task.head(), task.truth(train)
    if name == "majority":
        return baseline.majority(truth, len(test), head.problem, head.size)
    if name == "frozen":
        seen, unseen = (read.values.numpy() for read in vectors())
        return baseline.probe(seen, truth, unseen, head.problem, head.size, seed)
    assert name == "tfidf", f"no baseline {name}"
    texts = [texts_of(e) for e in train], [texts_of(e) for e in test]
    return baseline.tfidf(texts[0], truth, texts[1], head.problem, head.size, seed)


def show(task: Task, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
    """Return the example at a place with its prediction."""
    [prediction] = task.decode(answers[at : at + 1], examples[at : at + 1])
    example, texts = examples[at], texts_of(examples[at])
    row = {"id": example.id, "source": example.source, "text": texts[0]}
    if isinstance(example, PairExample):
        row["text_b"] = texts[1]
    label, target = (list(value) if isinstance(value, tuple) else value for value in (prediction.label, example.target))
    return {**row, "target": target, "label": label, "score": prediction.score}


def surest_errors(task: Task, examples: Sequence[Example], answers: Array) -> Sequence[int]:
    """Return the places of the errors, those first that the model was surest of."""
    predictions = task.decode(answers, examples)
    wrong = [at for at, e in enumerate(examples) if _differs(predictions[at].label, e.target)]
    return sorted(wrong, key=lambda at: -predictions[at].score)


def row(task: Task, found: Prediction) -> dict[str, Any]:
    """Return label and probabilities."""
    return {"label": found.label, "score": found.score, "scores": dict(found.scores)}


def cells(task: Task, found: Prediction) -> dict[str, Any]:
    """Return the label, and where there are classes its probability and that of each."""
    label = "|".join(map(str, found.label)) if isinstance(found.label, tuple) else found.label
    scores = {f"p_{name}": value for name, value in found.scores.items()}
    return {"label": label, **({"score": found.score, **scores} if scores else {})}


# What they call.


def before_and_after(truth: Array, before: Array, after: Array, temperature: float) -> dict[str, Any]:
    """Return reliability without the temperature and with it."""
    return {"temperature": temperature, "before": reliability(truth, before), "after": reliability(truth, after)}


def _differs(label: object, target: object) -> bool:
    if isinstance(label, tuple) and isinstance(target, tuple):
        return set(label) != set(target)
    return label != str(target)


def largest_gaps(truth: Array, answers: Array) -> list[int]:
    """Return the places of the rows whose number is off, those first that are furthest off."""
    gaps = np.abs(truth - answers)
    return [int(at) for at in np.argsort(-gaps) if gaps[at] > 0]

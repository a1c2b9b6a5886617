"""What tasks share whose answer is a text that the model writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, texts_of
from tunesmith.core.prediction import Prediction, Written
from tunesmith.core.task import Metric, Task, Vectors
from tunesmith.evaluation import copying, sides, writing
from tunesmith.evaluation.figure import Array, as_objects

if TYPE_CHECKING:
    from torch import Tensor

# What a task takes over as a method of its own: `read = writing.read`.


def target(task: Task, example: Example) -> None:
    """Return nothing: the tokens of the text are the target, and who reads the example into tokens knows them."""


def read(task: Task, output: Any, batch: Batch) -> Tensor:
    """Return log p of every token that is to be written, given all before it, [U, 1]."""
    from tunesmith.engine.units import by_unit

    assert batch.targets is not None, "a text to be written needs its tokens"
    logits = by_unit(output.logits, batch)
    return logits.gather(1, batch.targets.unsqueeze(1)) - logits.logsumexp(1, keepdim=True)


def losses(task: Task, values: Tensor, batch: Batch) -> Tensor:
    """Return −log p of each token, [U]."""
    return -values[:, 0]


def answers(task: Task, read: Read, examples: Sequence[Example]) -> Array:
    """Return what was written for each example, and the loss of its reference, an array [N] of `Written`."""
    texts = read.texts if read.texts is not None else [None] * len(examples)
    return as_objects(
        Written(text, -float(part.double().sum()), len(part))
        for text, part in zip(texts, read.by_example(), strict=True)
    )


def decode(task: Task, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
    """Return the texts."""
    return [Prediction(label=found.text or "", score=float("nan")) for found in answers]


def truth(task: Task, examples: Sequence[Example]) -> Array:
    """Return the references, an array [N] of texts."""
    return as_objects(reference(example) for example in examples)


def metrics(task: Task) -> Mapping[str, Metric]:
    """Return the figures of written texts."""
    return writing.WRITING


def calibrate(task: Task, read: Read, examples: Sequence[Example]) -> tuple[Any, float]:
    """Return the task as it is, and no temperature: it would change what is sampled, and not what is likeliest."""
    return task, 1.0


def baseline(
    task: Task, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
) -> Array:
    """Return the text that is read, its beginning, or the answer to the train row that is most like it."""
    sources = [last_text(example) for example in test]
    if name == "copy":
        return copying.copied(sources)
    known = [reference(example) for example in train]
    if name == "lead":
        return copying.lead(known, sources)
    assert name == "nearest", f"no baseline {name}"
    return copying.nearest([last_text(example) for example in train], known, sources, seed)


def breakdown(task: Task, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
    """Return how long references and written texts are."""
    return {"lengths": writing.lengths(truth, answers)}


def worst(task: Task, examples: Sequence[Example], answers: Array) -> Sequence[int]:
    """Return the rows whose text is least like the reference, the least first."""
    likeness = writing.row_chrf(truth(task, examples), answers)
    return [int(at) for at in np.argsort(likeness, kind="stable") if likeness[at] < 1]


def show(task: Task, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
    """Return the example at a place with the reference and what was written."""
    return sides.shown_text(examples[at], answers[at])


def row(task: Task, found: Prediction) -> dict[str, Any]:
    """Return the text."""
    return {"written": found.label}


def cells(task: Task, found: Prediction) -> dict[str, Any]:
    """Return the text."""
    return {"written": found.label}


def state(task: Task) -> dict[str, Any]:
    """Return nothing: the model knows all."""
    return {}


# What they call.


def reference(example: Example) -> str:
    """Return the text that is to be written."""
    assert isinstance(example.target, str), f"{example.source} has no text to be written"
    return example.target


def last_text(example: Example) -> str:
    """Return the text that is read; of a dialogue what was said last."""
    return texts_of(example)[-1]

"""Between training and shipping: what the model says, temperature and thresholds, the bundle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from tunesmith.bundle.save import Contents, save_bundle
from tunesmith.core.batch import Read
from tunesmith.core.example import Example
from tunesmith.core.task import Array, Task
from tunesmith.engine.infer import outputs
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.heads import fold


def read_of(shop: Workshop, model: nn.Module, examples: Sequence[Example]) -> Read:
    """Return what the model says of every unit of `examples`, in full precision."""
    assert examples, "no rows to look at"
    features = shop.encoder.encode(examples)
    return outputs(model, shop.task, features, shop.collate, size=shop.recipe.batching.predict_size)


def answers_of(task: Task, read: Read, examples: Sequence[Example], temperature: float) -> Array:
    """Return calibrated answers as metrics take them."""
    return task.answers(Read(read.values / temperature, read.sizes), examples)


def keep_bundle(shop: Workshop, model: nn.Module, task: Task, temperature: float) -> None:
    """Fold temperature (or mean and scale) into the last layer, and save model, tokenizer and task into the run."""
    task, scale, shift = task.shipped()
    scale /= temperature
    if (scale, shift) != (1.0, 0.0):
        fold(model, scale, shift)
    model.to(torch.device("cpu"))
    parameters = sum(p.numel() for p in model.parameters())
    contents = Contents(task, shop.recipe.text, temperature, shop.recipe.digest(), parameters)
    save_bundle(shop.reporter.run.folder / "model", model, shop.encoder.tokenizer, contents)

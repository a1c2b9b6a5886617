"""Between training and shipping: logits, temperature, thresholds, the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tunesmith.bundle.save import Contents, save_bundle
from tunesmith.core.example import Example
from tunesmith.core.task import Task
from tunesmith.engine.infer import outputs
from tunesmith.evaluation.calibrate import fit_temperature
from tunesmith.evaluation.thresholds import choose
from tunesmith.jobs.workshop import Workshop, targets_of
from tunesmith.models.heads import fold
from tunesmith.tasks.multilabel import Multilabel
from tunesmith.tasks.pair import Pair
from tunesmith.tasks.regress import Regress


def logits_of(shop: Workshop, model: nn.Module, examples: Sequence[Example]) -> Tensor:
    """Return the model's outputs for `examples` in full precision, [N, C]."""
    assert examples, "no rows to look at"
    features = shop.encoder.encode(examples)
    return outputs(model, features, shop.collate, size=shop.recipe.batching.predict_size)


def calibrate(shop: Workshop, logits: Tensor, dev: Sequence[Example]) -> tuple[Task, float]:
    """Return the task with its thresholds, and the temperature, both chosen on dev."""
    problem = shop.task.head().problem
    if problem == "regression":
        return shop.task, 1.0
    targets = targets_of(shop.task, dev)
    temperature = fit_temperature(logits.numpy(), targets, problem)
    if not isinstance(shop.task, Multilabel):
        return shop.task, temperature
    probabilities = shop.task.probabilities(logits / temperature).numpy()
    thresholds = tuple(float(t) for t in choose(targets, probabilities))
    return replace(shop.task, thresholds=thresholds), temperature


def probabilities_of(task: Task, logits: Tensor, temperature: float) -> np.ndarray[Any, Any]:
    """Return calibrated probabilities [N, C], or numbers [N]."""
    return task.probabilities(logits / temperature).float().numpy()


def keep_bundle(shop: Workshop, model: nn.Module, task: Task, temperature: float) -> None:
    """Fold temperature (or mean and scale) into the last layer, and save model, tokenizer and task into the run."""
    regress = task.inner if isinstance(task, Pair) else task
    if isinstance(regress, Regress):
        fold(model, regress.scale, regress.mean)
        plain = Regress()
        task = replace(task, inner=plain) if isinstance(task, Pair) else plain
    else:
        fold(model, 1.0 / temperature)
    model.to(torch.device("cpu"))
    parameters = sum(p.numel() for p in model.parameters())
    contents = Contents(task, shop.recipe.text, temperature, shop.recipe.digest(), parameters)
    save_bundle(shop.reporter.run.folder / "model", model, shop.encoder.tokenizer, contents)

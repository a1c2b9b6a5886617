"""Prototypes: start the head at the means of the classes."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.core.task import Array
from tunesmith.errors import Fault, InputError
from tunesmith.evaluation.calibrate import fit_temperature
from tunesmith.models.heads import final_linear


class Prototype(Strategy):
    """Give each class the mean of its rows, and each row the class whose mean is nearest, before anything is learnt.

    With the vectors x [N, H] of the rows in the frozen body and the means c [C, H] of the classes:

        z_c = −‖x − c‖² / 2τ = (c / τ) · x − ‖c‖² / 2τ + what is the same for all classes

    so that weight W_c = c / τ and bias b_c = −‖c‖² / 2τ of the last linear layer are the nearest-mean classifier, and
    training goes on from it.

    Use it when a class has a handful of rows, above all after `contrastive`. Prefer `probe_start` from some ten rows a
    class on: a regression looks at what tells the classes apart, a mean does not.

    Cost: one forward pass over the train rows.

    Source: Snell, Swersky and Zemel 2017, Prototypical Networks for Few-shot Learning, sections 2.2 and 2.4.
    """

    stage: ClassVar[Stage] = "start"
    problems: ClassVar[tuple[str, ...]] = ("single_label_classification",)

    temperature: Annotated[float, Field(gt=0.0)] | None = None
    """τ; by default that under which the train rows are likeliest, each measured from the mean of the others."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Overwrite weight [C, H] and bias [C] of the last linear layer.

        Raises:
            InputError: it has no bias (K513).
        """
        layer = final_linear(model)
        if layer.bias is None:
            message = f"the last layer of {type(model).__name__} has no bias, which the length of a mean goes into."
            raise InputError(Fault("K513", "strategies: prototype", message, "Take `probe_start`, or `head: pooled`."))
        vectors = setup.embed(model).double().numpy()
        means = class_means(vectors, setup.targets, layer.out_features)
        tau = self.temperature or fitted(vectors, means, setup.targets)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(means / tau))
            layer.bias.copy_(torch.from_numpy(-(means**2).sum(1) / (2 * tau)))
        return model


def class_means(vectors: Array, targets: Array, size: int) -> Array:
    """Return the mean of the rows of each class, [C, H]; that of all rows for a class without any."""
    means = np.tile(vectors.mean(0), (size, 1))
    for number in np.unique(targets):
        means[number] = vectors[targets == number].mean(0)
    return means


def fitted(vectors: Array, means: Array, targets: Array) -> float:
    """Return τ under which the rows are likeliest, each with its own class's mean taken without it.

    A row of n is (x − c) n / (n − 1) away from the mean of the others, so rows that are alone in their class say
    nothing; where fewer than ten others are left, τ is the mean squared distance to the nearest mean, or 1.
    """
    squares = (vectors**2).sum(1)[:, None] - 2 * vectors @ means.T + (means**2).sum(1)
    apart: Array = squares.clip(min=0.0)  # [N, C]
    unit = float(apart.min(1).mean()) or 1.0
    counts = np.bincount(targets, minlength=len(means))[targets]
    some = np.flatnonzero(counts > 1)
    grown = apart[some].copy()
    grown[np.arange(len(some)), targets[some]] *= (counts[some] / (counts[some] - 1.0)) ** 2
    return unit * fit_temperature(-grown / (2 * unit), targets[some], "single_label_classification")

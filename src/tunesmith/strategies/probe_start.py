"""Probe, then tune: start the head where a linear probe on the frozen body ends."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import nn

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.evaluation.baseline import fit_probe
from tunesmith.models.heads import final_linear


class ProbeStart(Strategy):
    """Fit the last linear layer on frozen vectors by (ridge or logistic) regression before anything else moves.

    A head of random weights sends noise through the body in the first steps and distorts what it knows; a fitted one
    does not. The fit chooses its regularisation by cross-validation on the train rows.

    Names of labels that say which rows are theirs are rows of their classes, too, and so are terms of rules
    (`knowledge.rules`). They do where Cohen's kappa of the nearest name, or of the nearest mean of terms, is 0.2 or
    more on train rows, and more than chance.

    Use it when a class has a handful of rows and the body already separates the classes a little. Leave it out with
    some fifty rows a class: a fitted head leaves the body little to learn. `data.labels` turns codes into names.

    Cost: one forward pass over the train rows and a fit of seconds.

    Source: Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features (LP-FT), section 3. Names
        of labels as texts of their classes: Chang et al. 2008, Importance of Semantic Representation: Dataless
        Classification.
    """

    stage: ClassVar[Stage] = "start"
    reads_terms: ClassVar[bool] = True

    names: bool = True
    """Take the names of the labels as rows where these say which rows are theirs."""

    @property
    def reads_names(self) -> bool:
        """As `names` has it."""
        return self.names

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Overwrite weight [C, H] and bias [C] of the last linear layer."""
        head = setup.task.head()
        vectors = setup.embed(model)  # [N, H]
        targets = setup.targets
        if head.problem == "regression":
            targets = (targets - targets.mean()) / (targets.std() or 1.0)
        places, classes = setup.hints(names=self.names)
        if places:
            assert setup.embed_hints is not None, "there are some"
            vectors = torch.cat([vectors, setup.embed_hints(model)[places]])
            targets = np.append(targets, classes)
        weight, bias = fit_probe(vectors.numpy(), targets, head.problem, head.size, setup.seed)
        layer = final_linear(model)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight).to(layer.weight))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(bias).to(layer.bias))
        return model

"""What the body of a model gives of general texts: vectors by layer, which tuning should leave as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from tunesmith.engine.device import Device
from tunesmith.engine.divided import at_hand
from tunesmith.evaluation.figure import Array
from tunesmith.evaluation.forgetting import agreement
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.body import body_of
from tunesmith.models.heads import pool

TRACED = 64
"""Texts that are looked at whenever dev is: 2,016 pairs, in the time of as many dev rows."""


class Skill:
    """General texts, and what a body gives of them.

    Args:
        shop: what the run's trainings share.
        texts: at least one; of each as much is read as fits into a window.
    """

    def __init__(self, shop: Workshop, texts: Sequence[str]) -> None:
        self.device: Device = shop.device
        size = shop.recipe.batching.predict_size
        self.batches = [shop.plain(texts[start : start + size]) for start in range(0, len(texts), size)]

    def layers(self, model: nn.Module) -> list[Array]:
        """Return the mean token vector of each text, [N, H], after the embeddings and after every block."""
        body = body_of(model)
        body = body.get_encoder() if getattr(body.config, "is_encoder_decoder", False) else body
        body.eval()
        found: list[list[Array]] = []
        with self.device.inference(), at_hand(model):
            for batch in self.batches:
                states: Any = body(**batch.inputs, output_hidden_states=True).hidden_states
                mask = batch.inputs["attention_mask"]
                words = mask.shape[1]  # what a prompt puts before them is left out
                found.append([pool(layer[:, -words:].float(), mask, "mean").cpu().numpy() for layer in states])
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]


class Trace:
    """How far a model that learns still agrees with the one it started from, on general texts.

    The texts are not those of the report, so that what is chosen by them does not flatter it.

    Args:
        shop: what the run's trainings share.
        model: as it was pretrained.
    """

    def __init__(self, shop: Workshop, model: nn.Module) -> None:
        kept = shop.general.kept
        self.skill = Skill(shop, kept[:: max(1, len(kept) // TRACED)][:TRACED])
        self.start = self.skill.layers(model.to(shop.device.target))[-1]

    def agreement(self, model: nn.Module) -> float:
        """Return Spearman's correlation of the cosines of all pairs of texts; 1 where it is undefined."""
        found = agreement(self.start, self.skill.layers(model)[-1], resamples=0)
        return 1.0 if found is None else found.value

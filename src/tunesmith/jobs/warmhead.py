"""A head for a body that came without one: trained alone at first, so that noise does not run through the body."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from tunesmith.core.example import Example
from tunesmith.core.strategy import Setup, Strategy
from tunesmith.jobs.start import MADE
from tunesmith.jobs.tune import tune
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.fill import only_head, save_filler
from tunesmith.models.load import load_model, quiet
from tunesmith.recipe.schema import Recipe

SHARE = 0.1
"""Of the passes of the training."""
FEWEST = 100
"""Steps at least."""
RATE = 1e-3
"""Of a head that starts from nothing."""


class OnlyHead(Strategy):
    """Leave the body, and the matrix that its head shares with it, as they are."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Turn the gradients of the body off."""
        only_head(model)
        return model


def warm_head(shop: Workshop, train: Sequence[Example]) -> Workshop:
    """Return the shop with a model that has a head; where it has none, one is trained, and the body stands still.

    What the training starts from, and what it is compared with afterwards, is then that body with that head: a head of
    random weights foresees nothing, and to have left that behind would be no gain.
    """
    loaded = load_model(shop.folder, shop.task.head(), seed=shop.recipe.seed)
    if not loaded.has_new_head:
        return shop
    shop.reporter.say("The model comes without the head that foresees tokens; one is trained first, the body as it is.")
    alone = replace(shop, recipe=_of_head(shop.recipe, len(train)), strategies=(OnlyHead(),))
    model = tune(alone, "head", train, []).model
    folder = shop.reporter.run.folder / MADE
    if shop.device.ranks.is_first:
        shutil.rmtree(folder, ignore_errors=True)
        with quiet():
            save_filler(model, shop.encoder.tokenizer, shop.folder, folder)
    shop.device.ranks.wait()
    return replace(shop, folder=folder, new_head=True)


def _of_head(recipe: Recipe, blocks: int) -> Recipe:
    stop, size = recipe.stop, recipe.batching.size
    assert stop.epochs is not None, "the recipe is complete"
    assert size is not None, "the recipe is complete"
    least = FEWEST / -(-blocks // size)
    parts = {
        "epochs": max(SHARE * stop.epochs, least), "steps": None if stop.steps is None else max(1, stop.steps // 10),
        "seconds": None if stop.seconds is None else SHARE * stop.seconds, "patience": None,
    }  # fmt: skip
    optimizer = recipe.optimizer.model_copy(update={"head_learning_rate": RATE})
    return recipe.model_copy(update={"stop": stop.model_copy(update=parts), "optimizer": optimizer})

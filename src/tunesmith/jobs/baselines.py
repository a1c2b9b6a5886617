"""What the tuned model is compared with, fitted on the rows it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tunesmith.core.batch import Read
from tunesmith.core.example import Example
from tunesmith.core.task import Array
from tunesmith.engine.infer import vectors
from tunesmith.jobs.limit import drawn
from tunesmith.jobs.measure import read_of
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.load import HeadKind, load_model


def measure_baselines(shop: Workshop, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Array]:
    """Return the answers of each baseline that the recipe names, as metrics take them."""
    assert shop.recipe.evaluate.baselines is not None, "the recipe is complete"
    train = [*train, *shop.weak] if shop.weak else train
    train = drawn(train, shop.recipe.evaluate.baseline_rows, shop.recipe.seed)
    known: dict[str, Array] = {}
    for name in shop.recipe.evaluate.baselines:
        if name in ("untrained", "untuned"):
            known[name] = _untrained(shop, test)
        else:
            known[name] = shop.task.baseline(name, train, test, shop.recipe.seed, partial(_frozen, shop, train, test))
    return known


def _frozen(shop: Workshop, train: Sequence[Example], test: Sequence[Example]) -> tuple[Read, Read]:
    """Return what the body as it was pretrained gives of train and test rows."""
    kind: HeadKind = "pooled" if shop.encoder.layout == "row" else "own"
    model = load_model(shop.folder, shop.task.head(), kind=kind, seed=shop.recipe.seed).model.to(shop.device.target)
    size, encoder = shop.recipe.batching.predict_size, replace(shop.encoder, pattern="")
    ranks = shop.device.ranks
    seen, unseen = (
        vectors(model, encoder.encode(rows), shop.collate, size=size, ranks=ranks) for rows in (train, test)
    )
    return seen, unseen


def _untrained(shop: Workshop, test: Sequence[Example]) -> Array:
    """Ask the pretrained model as it is: with a head of random weights, or with a pattern and its words."""
    model = load_model(
        shop.folder, shop.task.head(), kind=shop.recipe.head, seed=shop.recipe.seed,
        languages=shop.recipe.text.languages, pattern=shop.recipe.pattern,
    ).model  # fmt: skip
    return shop.task.answers(read_of(shop, model.to(shop.device.target), test, write=True), test)

"""What the tuned model is compared with, fitted on the rows it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.core.example import Example, texts_of
from tunesmith.engine.infer import outputs, vectors
from tunesmith.evaluation import baseline
from tunesmith.jobs.workshop import Workshop, targets_of
from tunesmith.models.load import load_model


def measure_baselines(
    shop: Workshop, train: Sequence[Example], test: Sequence[Example]
) -> dict[str, np.ndarray[Any, Any]]:
    """Return the outputs of each baseline that the recipe names: probabilities [N, C], or numbers [N]."""
    head = shop.task.head()
    targets = targets_of(shop.task, train)
    known: dict[str, np.ndarray[Any, Any]] = {}
    for name in shop.recipe.evaluate.baselines:
        if name == "majority":
            known[name] = baseline.majority(targets, len(test), head.problem, head.size)
        elif name == "tfidf":
            rows = [texts_of(e) for e in train], [texts_of(e) for e in test]
            known[name] = baseline.tfidf(rows[0], targets, rows[1], head.problem, head.size, shop.recipe.seed)
        elif name == "frozen":
            known[name] = _frozen(shop, train, targets, test)
        else:
            known[name] = _untrained(shop, test)
    return known


def _frozen(
    shop: Workshop, train: Sequence[Example], targets: np.ndarray[Any, Any], test: Sequence[Example]
) -> np.ndarray[Any, Any]:
    """Fit a linear head on the vectors of the body as it was pretrained."""
    head = shop.task.head()
    model = load_model(shop.folder, head, kind="pooled", seed=shop.recipe.seed).model.to(shop.device.target)
    size = shop.recipe.batching.predict_size
    seen, unseen = (
        vectors(model, shop.encoder.encode(rows), shop.collate, size=size).numpy() for rows in (train, test)
    )
    return baseline.probe(seen, targets, unseen, head.problem, head.size, shop.recipe.seed)


def _untrained(shop: Workshop, test: Sequence[Example]) -> np.ndarray[Any, Any]:
    """Ask the pretrained model with a head of random weights: what "no fine-tuning" gives."""
    model = load_model(shop.folder, shop.task.head(), kind=shop.recipe.head, seed=shop.recipe.seed).model
    features = shop.encoder.encode(test)
    model = model.to(shop.device.target)
    logits = outputs(model, features, shop.collate, size=shop.recipe.batching.predict_size)
    probabilities: np.ndarray[Any, Any] = shop.task.probabilities(logits).numpy()
    return probabilities

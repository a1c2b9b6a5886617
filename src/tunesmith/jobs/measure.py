"""Between training and shipping: what the model says, temperature and thresholds, the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from tunesmith.bundle.save import Contents, save_bundle
from tunesmith.core.batch import Read
from tunesmith.core.example import Example
from tunesmith.core.fusion import Asked, Fusion
from tunesmith.core.task import Array, Task
from tunesmith.engine.infer import outputs
from tunesmith.engine.write import settle_generation, written
from tunesmith.jobs.start import is_made
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.adapter import is_adapted, merge, weights_of
from tunesmith.models.heads import fold
from tunesmith.models.known import find_known


def read_of(shop: Workshop, model: nn.Module, examples: Sequence[Example], *, write: bool = False) -> Read:
    """Return what the model says of every unit of `examples`, in full precision.

    Args:
        shop: what the run's trainings share.
        model: tuned, or as it was pretrained.
        examples: at least one.
        write: whether a model that writes is asked for its own texts too.
    """
    assert examples, "no rows to look at"
    size = shop.recipe.batching.predict_size
    features = shop.encoder.encode(examples)
    ranks = shop.device.ranks
    found = outputs(model, shop.task, features, shop.collate, size=shop.encoder.at_once(size), ranks=ranks)
    if not (write and shop.task.head().writes):
        return found
    texts = written(
        model, shop.encoder, shop.task.head(), examples, shop.recipe.generate, size=size, seed=shop.recipe.seed,
        ranks=ranks,
    )  # fmt: skip
    return replace(found, texts=texts)


def answers_of(
    task: Task, read: Read, examples: Sequence[Example], temperature: float
) -> tuple[Array, Asked]:  # fmt: skip
    """Return calibrated answers as metrics take them, and what knowledge may look at beside them."""
    calibrated = replace(read, values=read.values / temperature)
    return task.answers(calibrated, examples), Asked(examples, read=calibrated)


def keep_bundle(
    shop: Workshop, model: nn.Module, task: Task, temperature: float, fusions: Sequence[Fusion] = (),
    threshold: float | None = None,
) -> None:  # fmt: skip
    """Fold temperature (or mean and scale) into the last layer, and save model, tokenizer and task, with knowledge.

    An adapter that its strategy has left apart is saved as such, except one on a model that was made inside the run and
    goes with it, and one that was adapted to running text, which is to be a start for other tasks: these are merged.
    """
    writes = task.head().writes
    kept = is_adapted(model) and not task.head().streams and not is_made(shop.folder, shop.reporter.run.folder)
    base = base_name(shop) if kept else ""
    model = model if base else merge(model)
    if writes:
        settle_generation(model, shop.encoder, task.head(), shop.recipe.generate)
    task, scale, shift = task.shipped()
    scale /= temperature
    if (scale, shift) != (1.0, 0.0):
        fold(model, scale, shift)
    model.to(torch.device("cpu"))
    parameters = weights_of(model)
    recipe = shop.recipe
    contents = Contents(
        task,
        recipe.text,
        temperature,
        recipe.digest(),
        parameters,
        recipe.generate,
        recipe.data.instruction,
        base,
        recipe.head,
        recipe.pattern,
        fusions,
        shop.encoder.reading,
        threshold,
    )
    save_bundle(shop.reporter.run.folder / "model", model, shop.encoder.tokenizer, contents, source=shop.folder)


def base_name(shop: Workshop) -> str:
    """Return the name by which the base model is found again: as it is known, or its folder."""
    known = find_known(shop.recipe.model)
    return (
        known.name if known else str(shop.folder.resolve()) if Path(shop.recipe.model).exists() else shop.recipe.model
    )

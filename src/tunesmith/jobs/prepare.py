"""What comes before the first step of a training: the window, the tokens it will meet, what strategies make ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from tunesmith.core.batch import Batch, Features
from tunesmith.core.example import Example, TextsOf
from tunesmith.core.strategy import Setup
from tunesmith.engine.infer import vectors
from tunesmith.engine.packs import keeps_apart
from tunesmith.jobs.hints import Found, classes_of_hints, hints_of, judged
from tunesmith.jobs.judge import Judge
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.body import body_of
from tunesmith.text.lazy import by_owner, lengths_of
from tunesmith.text.tokens import Stored

GENERAL_AT_ONCE = 256
"""General texts that are encoded together, to see which tokens they have."""
AT_ONCE = 2000
"""Train rows whose targets are taken together, where their tokens are in files."""


def window(shop: Workshop, features: Sequence[Features]) -> int:
    """Return the tokens of the longest window; blocks of running text are not all looked at for it."""
    lengths = lengths_of(features)
    return shop.encoder.max_tokens if lengths is None else int(lengths.max())


def keep_apart(shop: Workshop, model: nn.Module) -> Workshop:
    """Return the shop with every dialogue on a row of its own where `model` would let those that share one meet.

    So it is where a strategy puts something before the text, which all on a row would have to see.
    """
    leads = any(strategy.leads for strategy in shop.strategies)
    if shop.collate.room == 0 or (not leads and keeps_apart(model)):
        return shop
    if not leads:
        shop.reporter.say("The model lets dialogues on one row see each other, so each has a row of its own.")
    return replace(shop, packs=False)


def prepare(
    shop: Workshop, model: nn.Module, train: Sequence[Example], features: Sequence[Features], judge: Judge | None,
    tokens: Callable[[], AbstractSet[int]], found: Found | None,
) -> tuple[nn.Module, Found]:  # fmt: skip
    """Return the model as the strategies hand it on, one after the other, and whether hints were of use.

    Args:
        shop: what the run's trainings share.
        model: as it was loaded.
        train: rows to learn from.
        features: their windows.
        judge: of dev; None where there is none.
        tokens: gives those that the training can meet.
        found: whether names of labels and terms of rules are of use; None where that is to be found out.
    """
    size, per_step = shop.recipe.batching.predict_size, shop.recipe.batching.size
    assert per_step is not None, "the recipe is complete"

    def embedded(model: nn.Module, rows: Sequence[Features]) -> Tensor:
        model = model.to(shop.device.target)
        context, ranks = shop.device.inference, shop.device.ranks
        return vectors(model, rows, shop.collate, size=size, context=context, ranks=ranks).values

    examples = cache(lambda: by_owner(features))

    def windows(at: int) -> Sequence[Features]:
        return examples()[at] if at < len(examples()) else [known[at - len(examples())]]

    def pick(positions: Sequence[int]) -> Batch:
        # An owner for each place: a row that is picked twice in succession would be taken for two windows of one.
        rows = [replace(f, owner=place) for place, at in enumerate(positions) for f in windows(at)]
        return shop.collate(rows).to(shop.device.target)

    def batches() -> Iterator[Batch]:
        for start in range(0, len(examples()), per_step):
            yield pick(range(start, min(start + per_step, len(examples()))))

    streams = shop.task.head().streams
    targets = np.empty(0) if streams else _targets(shop, features).numpy()
    hints = hints_of(shop)
    found = found or judged(shop, hints, features, targets, lambda rows: embedded(model, rows))
    useful = hints.useful(found)
    known = useful.windows
    setup = Setup(
        shop.task, targets, lambda model: embedded(model, features), shop.recipe.seed, shop.folder,
        () if streams else TextsOf(train), shop.general.kept, shop.plain, batches,
        None if judge is None else judge.worth, pick, per_step, tokens,
        classes_of_hints(useful.names).tolist(), classes_of_hints(useful.terms).tolist(),
        lambda model: embedded(model, known),
    )  # fmt: skip
    for strategy in shop.strategies:
        model = strategy.prepare(model, setup)
    return model, found


def tokens_met(shop: Workshop, features: Sequence[Features], judge: Judge | None) -> set[int]:
    """Return the tokens that a training can meet: of train, dev, general texts, names of labels, and special ones.

    Those of running text are all that there are: hidden ones are replaced by any other.
    """
    if shop.encoder.layout == "stream":
        return set(range(len(shop.encoder.tokenizer)))
    found = set(shop.encoder.tokenizer.all_special_ids)
    for rows in (features, judge.features if judge else ()):
        if isinstance(rows, Stored):
            found |= rows.tokens.used()
        else:
            found.update(token for row in rows for token in row.inputs["input_ids"])
    found.update(token for row in hints_of(shop).windows for token in row.inputs["input_ids"])
    kept = shop.general.kept
    for start in range(0, len(kept), GENERAL_AT_ONCE):
        found.update(shop.plain(kept[start : start + GENERAL_AT_ONCE]).inputs["input_ids"].flatten().tolist())
    return found


def may_be_cut(shop: Workshop, model: nn.Module) -> bool:
    """Say whether a training moves the embeddings, and may do with those of the tokens that it meets."""
    if any(strategy.whole_vocabulary for strategy in shop.strategies):
        return False
    return bool(body_of(model).get_input_embeddings().weight.requires_grad)


def _targets(shop: Workshop, features: Sequence[Features]) -> Tensor:
    """Return the targets of all examples as a loss takes them; some thousands are objects at a time."""
    parts = []
    if isinstance(features, Stored):
        for start in range(0, len(features), AT_ONCE):
            some = features.examples[start : start + AT_ONCE]
            parts.append(shop.collate.targets([Features({}, target=features.target(example)) for example in some]))
    else:
        parts.append(shop.collate.targets([windows[0] for windows in by_owner(features)]))
    return torch.cat([part for part in parts if part is not None])

"""What was forgotten: general skill of the model before and after, on text that nothing was learnt from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from torch import nn

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Example
from tunesmith.core.task import Array, Metric
from tunesmith.data.load import Loaded
from tunesmith.errors import InputError
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.forgetting import agreement, cka, probe
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.metrics import CLASSIFY
from tunesmith.jobs.measure import read_of
from tunesmith.jobs.skill import Skill
from tunesmith.jobs.stream import Holder
from tunesmith.jobs.workshop import Workshop
from tunesmith.models.body import body_of
from tunesmith.models.fill import kind_of, load_filler
from tunesmith.models.load import load_model
from tunesmith.tasks.masked import Masked

MOST_TEXTS = 200
"""Texts whose vectors are compared."""
BLOCK = 128
"""Tokens of a block on which rows' models foresee tokens."""
TITLES = ("the model after", "the model before")


def forgetting(shop: Workshop, loaded: Loaded) -> dict[str, Any]:
    """Return general skill before and after, `core.report_schema.Forgetting`; empty where it was not asked for.

    Vectors: how far the likeness of texts agrees with before, how far every layer does (CKA), and whether a linear
    probe still reads the topic off them, where topics are known. Foreseeing tokens: perplexity, where the pretrained
    model came with the head for it. The bundle is measured as it was saved.

    Cost: two passes over at most 200 texts, and two more for the perplexity.
    """
    if shop.recipe.evaluate.forgetting == "off" or not shop.general.measured:
        return {}
    texts = _some(shop.general.measured)
    shop.reporter.say(f"Looking at {len(texts):,} general texts, before and after.")
    bundle = load_bundle(shop.reporter.run.folder)
    bundle.model.to(shop.device.target)
    found = load_model(
        shop.folder, shop.task.head(), kind=shop.recipe.head, seed=shop.recipe.seed,
        languages=shop.recipe.text.languages, pattern=shop.recipe.pattern,
    )  # fmt: skip
    before = found.model.to(shop.device.target)
    skill, topics = Skill(shop, texts), _some(shop.general.topics)
    layers = [skill.layers(model) for model in (before, bundle.model)]
    told: dict[str, Any] = {"text": shop.general.name, "texts": len(texts), **_vectors(shop, layers, topics)}
    language = _language(shop, loaded, before, bundle, min(BLOCK, found.limit))
    if language:
        told["language"] = language
    told["verdict"] = _verdict(told)
    return told


def _some(texts: Sequence[str]) -> Sequence[str]:
    """Return at most so many texts as are looked at, evenly from all."""
    return texts[:: max(1, math.ceil(len(texts) / MOST_TEXTS))]


# --- vectors -----------------------------------------------------------------------------------------------------


def _vectors(shop: Workshop, layers: Sequence[Sequence[Array]], topics: Sequence[str]) -> dict[str, Any]:
    """Return agreement, CKA by layer and the probe, from the vectors of before and after by layer."""
    recipe, (old, new) = shop.recipe, layers
    score = agreement(old[-1], new[-1], resamples=recipe.evaluate.resamples, seed=recipe.seed)
    kept = [(at, cka(first, second)) for at, (first, second) in enumerate(zip(old, new, strict=True))]
    told: dict[str, Any] = {"layers": [{"layer": at, "cka": value} for at, value in kept if not math.isnan(value)]}
    if score is not None:
        told["agreement"] = asdict(score)
    if topics:
        told["probe"] = _probe(shop, old[-1], new[-1], topics)
    return told


def _probe(shop: Workshop, old: Array, new: Array, topics: Sequence[str]) -> dict[str, Any]:
    names = sorted(set(topics))
    classes = np.array([names.index(topic) for topic in topics])
    before, after = (probe(vectors, classes, len(names)) for vectors in (old, new))
    metrics = {"accuracy": CLASSIFY["accuracy"]}
    return {"topics": len(names), **_compared(shop, "accuracy", metrics, classes, before, after)}


def _compared(
    shop: Workshop, metric: str, metrics: Mapping[str, Metric], truth: Array, before: Array, after: Array
) -> dict[str, Any]:
    """Return a figure before and after with intervals, and the difference, paired."""
    resamples, seed = shop.recipe.evaluate.resamples, shop.recipe.seed
    told: dict[str, Any] = {"metric": metric}
    for name, answers in (("before", before), ("after", after)):
        scores = bootstrap(metrics, truth, answers, resamples=resamples, seed=seed)
        told[name] = asdict(scores[metric]) if metric in scores else None
    found = pair(metric, metrics, truth, after, before, resamples=resamples, seed=seed, titles=TITLES)
    return {**told, **{key: found[key] for key in ("difference", "p_bootstrap", "outcome") if key in found}}


# --- foreseeing tokens -------------------------------------------------------------------------------------------


def _language(shop: Workshop, loaded: Loaded, before: nn.Module, bundle: Bundle, block: int) -> dict[str, Any]:
    """Return perplexity before and after; nothing of a model without the head that foresees tokens."""
    head = shop.task.head()
    if head.streams:
        view, rows = shop, list(loaded.splits.general)
        after: nn.Module = bundle.model
    elif head.problem == "causal":
        view, rows = _as_stream(shop, "causal", block)
        after = bundle.model
    else:
        fillers = _fillers(shop, bundle.model)
        if fillers is None:
            return {}
        (before, after), (view, rows) = fillers, _as_stream(shop, "masked", block)
    if not rows:
        return {}
    answers = [view.task.answers(read_of(view, model, rows), rows) for model in (before, after)]
    task = view.task
    return _compared(shop, task.metric, task.metrics(), task.truth(rows), answers[0], answers[1])


def _as_stream(shop: Workshop, kind: Any, block: int) -> tuple[Workshop, list[Example]]:
    """Return a shop that looks at running text, and blocks of general text with masks that are always the same."""
    recipe, task = shop.recipe, Masked().of_kind(kind)
    encoder = replace(shop.encoder, layout="stream", max_tokens=block)
    hold = Holder(encoder, recipe.masking, recipe.seed, kind == "causal")
    texts = _some(shop.general.measured)
    return replace(shop, task=task, encoder=encoder), hold(texts, shop.general.name)


def _fillers(shop: Workshop, tuned: nn.Module) -> tuple[nn.Module, nn.Module] | None:
    """Return the pretrained masked language model, and the same with the tuned body under its own head.

    A matrix that the head shares with the embeddings is the body's, and moves with it.
    """
    try:
        if kind_of(shop.folder) != "masked":
            return None
    except InputError:  # it was pretrained in another way
        return None
    before, after = (load_filler(shop.folder, seed=shop.recipe.seed) for _ in range(2))
    if before.has_new_head:
        return None
    told = after.model.base_model.load_state_dict(body_of(tuned).state_dict(), strict=False)
    assert not told.missing_keys, f"the tuned body lacks {told.missing_keys[:3]}"
    target = shop.device.target
    return before.model.to(target), after.model.to(target)


# --- words -------------------------------------------------------------------------------------------------------


def _verdict(told: Mapping[str, Any]) -> str:
    said = []
    if language := told.get("language"):
        said.append(_of_perplexity(language, told["text"]))
    if score := told.get("agreement"):
        said.append(
            f"Which general texts are alike agrees with the model before by {score['value']:.2f} "
            f"({score['low']:.2f} to {score['high']:.2f}; 1 is no change)."
        )
    if found := told.get("probe"):
        said.append(_of_topics(found))
    return " ".join(said)


def _of_topics(found: Mapping[str, Any]) -> str:
    before, after = found["before"], found["after"]
    if before is None or after is None:
        return ""
    figures = f"{100 * after['value']:.0f} % of them, {100 * before['value']:.0f} % before"
    ends = {"first better": "more than by chance", "second better": "less, and more so than by chance"}
    return f"Their topic is read off its vectors in {figures} ({ends.get(found.get('outcome', ''), 'within chance')})."


def _of_perplexity(found: Mapping[str, Any], name: str) -> str:
    before, after = found["before"], found["after"]
    if before is None or after is None or "outcome" not in found:
        return f"Perplexity is not defined on {name}."
    figures = f"from {before['value']:,.1f} to {after['value']:,.1f} ({percent(before, after)})"
    if found["outcome"] == "not distinguishable":
        return f"On {name} nothing was forgotten that its text could show: perplexity went {figures}, within chance."
    if found["outcome"] == "second better":
        return f"Something was forgotten: on {name} perplexity rose {figures}."
    return f"Nothing was forgotten: on {name} perplexity fell too, {figures}."


def percent(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return by how many percent a figure changed."""
    change = 100 * (after["value"] / before["value"] - 1)
    return f"{change:+.1f} %".replace("-", "\N{MINUS SIGN}")

"""What each source of knowledge gave a run: trainings without it, on the same rows with the same seed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.example import texts_of, weights_of
from tunesmith.core.task import Array, Task
from tunesmith.errors import Interrupted
from tunesmith.evaluation.compare import pair
from tunesmith.evaluation.interval import bootstrap
from tunesmith.jobs.adapted import adapted_from
from tunesmith.jobs.facts import trainings
from tunesmith.jobs.priors import beside
from tunesmith.jobs.workshop import Workshop, interrupted
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.jobs.summary import Chosen, Tested

FOLDER = "ablation"
"""The folder inside a run in which the other runs are trained, until their answers are kept."""
TITLES = ("the run", "the training without it")
SENTENCES = {
    "first better": "{what}: helps on these rows.",
    "second better": "{what}: harms on these rows.",
    "not distinguishable": "{what}: no difference that these rows can show.",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A source of knowledge, and what a recipe is without it.

    Args:
        name: of the line in the report.
        what: it is called, as a sentence begins with it.
        knowledge: settings of `knowledge` that leave it out.
        model: to start from in its place; None for the same.
        data: settings of `data` that leave it out.
        trained: whether a training is needed to know what is left: the votes come after it.
    """

    name: str
    what: str
    knowledge: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True


@dataclass(frozen=True, slots=True)
class Ablated:
    """A source, and what is said of the test rows without it."""

    source: Source
    answers: Array


def ablate(shop: Workshop, chosen: Chosen, tested: Tested) -> list[Ablated]:
    """Return what is said of the test rows without each source of knowledge, and without all where there are several.

    Each is a run of its own inside the run, with the complete recipe of that; its answers are kept and it is removed,
    so that a run that goes on trains only those that were not finished.

    Args:
        shop: what the run's trainings share.
        chosen: what training and dev gave.
        tested: the test rows, with what the run says of them.

    Raises:
        Interrupted: somebody wished to stop.

    Cost: a whole training for each source but the votes, and one more where there are several.
    """
    if not shop.recipe.knowledge.ablation:
        return []
    if shop.device.ranks.count > 1:
        shop.reporter.say("Sources of knowledge are left out by one process alone, so no ablation was made.")
        return []
    sources = sources_of(shop, chosen)
    if not sources:
        shop.reporter.say("There is no source of knowledge to leave out: no rules, no glossary, no adapted model.")
    alone = np.asarray(beside(tested, chosen.priors).without)
    found = [Ablated(one, _answers(shop, one, tested) if one.trained else alone) for one in sources]
    shutil.rmtree(shop.reporter.run.folder / FOLDER, ignore_errors=True)
    return found


def sources_of(shop: Workshop, chosen: Chosen) -> list[Source]:
    """Return what of a run can be left out: the sources that had a part in it, and then all of them."""
    recipe, glossed = shop.recipe, shop.glossed
    base = adapted_from(recipe.model)
    glossary = glossed.glossary if glossed else None
    checked = (
        {"weak": None} if any(weight != 1 for weight in weights_of(chosen.train)) else {"weak": None, "weight": None}
    )
    named = bool(glossary and glossary.aliases and any(entry.aliases for entry in glossary.entries))
    found = [
        (chosen.votes is not None, Source("votes", "The vote of the rules", {"vote": False}, trained=False)),
        (chosen.tuned.hinted.has_terms, Source("terms", "Learning from terms of the rules", {"terms": False})),
        (named, Source("aliases", "Reading aliases as their terms", {"aliases": False})),
        (bool(glossary and glossary.budget), Source("definitions", "Definitions behind texts", {"definitions": False})),
        (bool(glossed and glossed.words), Source("tokens", "Terms as tokens", {"tokens": False})),
        (bool(shop.weak), Source("weak", "Rows whose labels nobody has checked", data=checked)),
        (base is not None, Source("adaptation", "The adaptation to text of the domain", model=base)),
    ]
    sources = [source for is_there, source in found if is_there]
    if len(sources) < 2:
        return sources
    return [*sources, Source("all", "All knowledge together", {"rules": None, "glossary": None}, base, checked)]


def ablation_part(recipe: Recipe, task: Task, metric: str, tested: Tested, found: Sequence[Ablated]) -> dict[str, Any]:
    """Return `knowledge.ablation` of report.json; nothing where no source was left out.

    Args:
        recipe: complete.
        task: fitted.
        metric: that decides.
        tested: the test rows, with what the run says of them.
        found: what is said of them without each source.
    """
    return {"ablation": [_line(recipe, task, metric, tested, one) for one in found]} if found else {}


def _line(recipe: Recipe, task: Task, metric: str, tested: Tested, one: Ablated) -> dict[str, Any]:
    measure, truth = recipe.evaluate, task.truth(tested.examples)
    scores = bootstrap(task.metrics(), truth, one.answers, resamples=measure.resamples, seed=recipe.seed)
    compared = pair(
        metric, task.metrics(), truth, tested.answers, one.answers, resamples=measure.resamples, seed=recipe.seed,
        titles=TITLES,
    )  # fmt: skip
    sentence = SENTENCES.get(compared.get("outcome", ""), compared["verdict"]).format(what=one.source.what)
    kept: dict[str, Any] = {key: compared[key] for key in ("difference", "p_bootstrap", "outcome") if key in compared}
    score = asdict(scores[metric]) if metric in scores else None
    what = one.source.what[0].lower() + one.source.what[1:]
    return {"source": one.source.name, "left_out": what, "score": score, **kept, "sentence": sentence}


def _answers(shop: Workshop, source: Source, tested: Tested) -> Array:
    """Return what a training without a source says of the test rows; a finished one is not done again."""
    from tunesmith.jobs.retest import retest
    from tunesmith.jobs.train import train  # which has come here

    run = shop.reporter.run
    known = run.kept_arrays(f"{FOLDER}-{source.name}")
    if known is not None:
        return known["answers"]
    shop.reporter.say(f"Training once more, without {source.what[0].lower()}{source.what[1:]}.")
    folder = run.folder / FOLDER / source.name
    recipe = recipe_without(shop.recipe, source)
    try:
        train(recipe, folder=folder, resume=True, command=f"ablation of {run.folder}")
    except Interrupted as error:
        raise interrupted(shop, f"the training without {source.name}") from error
    found = retest(folder)
    rows = [(texts_of(example), example.target) for example in tested.examples]
    assert found.rows == rows, "both are tested on the same rows"
    run.keep_arrays(f"{FOLDER}-{source.name}", {"answers": np.asarray(found.answers)})
    shutil.rmtree(folder, ignore_errors=True)
    return np.asarray(found.answers)


def recipe_without(recipe: Recipe, source: Source) -> Recipe:
    """Return a complete recipe without a source of knowledge, and without what the training need not measure."""
    knowledge = recipe.knowledge.model_copy(update={**source.knowledge, "ablation": False})
    forgetting = "auto" if recipe.stop.balance else "off"  # weights that are chosen by it need it
    measure: dict[str, Any] = {"forgetting": forgetting, "curve": False, "baselines": ("majority",)}
    data = recipe.data.model_copy(update=dict(source.data))
    parts: dict[str, Any] = {
        "data": data,
        "knowledge": knowledge,
        "evaluate": recipe.evaluate.model_copy(update=measure),
    }
    without = recipe.model_copy(update={**parts, **({} if source.model is None else {"model": source.model})})
    if recipe.stop.seconds is None:
        return without
    # As long as each training of the run, of which there may be more: those of a learning curve are left out here.
    seconds = recipe.stop.seconds * trainings(without) / trainings(recipe)
    return without.model_copy(update={"stop": recipe.stop.model_copy(update={"seconds": seconds})})

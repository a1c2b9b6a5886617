"""The second half of the main job: train, keep the bundle, compare it with the baselines, write the report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

from tunesmith.bundle.load import load_bundle
from tunesmith.core.example import Example
from tunesmith.core.fusion import Asked
from tunesmith.core.task import Array, Task
from tunesmith.data.findings import by_severity
from tunesmith.data.load import Loaded
from tunesmith.data.split import split_examples
from tunesmith.jobs.ablate import ablate
from tunesmith.jobs.baselines import measure_baselines
from tunesmith.jobs.crossval import cross_validate
from tunesmith.jobs.curve import learning_curve
from tunesmith.jobs.forgetting import forgetting
from tunesmith.jobs.knowledge import ALONE, Beside, rules_beside, vote_alone
from tunesmith.jobs.measure import answers_of, keep_bundle, read_of
from tunesmith.jobs.priors import priors_of, shifted
from tunesmith.jobs.said import keep_said
from tunesmith.jobs.selective import Threshold, choose_threshold
from tunesmith.jobs.start import remove_start
from tunesmith.jobs.stream import TOKENS
from tunesmith.jobs.summary import Chosen, Outcome, Tested, summarise
from tunesmith.jobs.tune import Tuned, tune
from tunesmith.jobs.warmhead import warm_head
from tunesmith.jobs.workshop import Workshop, interrupted, is_wished, rows_to_learn
from tunesmith.knowledge.priors import Priors
from tunesmith.report.card import write_card
from tunesmith.report.page import write_page


def conclude(shop: Workshop, loaded: Loaded) -> None:
    """Do the work that `shop` is set up for, and close the run.

    Every process of a training comes this way; where something is written, the first one alone writes it.
    """
    ranks = shop.device.ranks
    if shop.task.head().problem == "masked":
        shop = warm_head(shop, loaded.splits.train)
    crossed = cross_validate(shop, loaded) if loaded.protocol == "folds" else None
    train, dev = rows_for_choosing(shop, loaded)
    tuned = tune(shop, "select", rows_to_learn(shop, train), dev)
    read = read_of(shop, tuned.model, dev)
    task, temperature = shop.task.calibrate(read, dev)
    said, asked = answers_of(task, read, dev, temperature)
    votes = rules_beside(shop, tuned, train, said, asked)
    learnt = [*train, *dev] if shop.recipe.stop.refit else train  # by the model that ships
    priors = priors_of(shop, task, learnt)
    threshold = _threshold(shop, task, (said, asked), votes, crossed)
    loaded = replace(loaded, findings=by_severity([*loaded.findings, *(threshold.findings if threshold else ())]))
    curve = learning_curve(shop, train, dev, tuned) if shop.recipe.evaluate.curve else []
    final = refit(shop, tuned, [*train, *dev]) if shop.recipe.stop.refit else tuned
    if ranks.is_first:
        least = threshold.value if threshold else None
        keep_bundle(shop, final.model, task, temperature, [one for one in (votes, priors) if one], least)
    if is_wished(shop):  # and the bundle is there, for all to load
        raise interrupted(shop, "the end of training")
    tested = shifted(crossed, priors) if crossed else test_bundle(shop, loaded, learnt, votes)
    chosen = Chosen(tuned, final, train, dev, said, asked, task, temperature, votes, threshold, priors)
    told = forgetting(shop, loaded)
    ablated = ablate(shop, chosen, tested)
    if ranks.is_first and crossed is None:
        keep_said(shop, said, asked, tested)
    if ranks.is_first:
        close(shop, Outcome(shop, loaded, chosen, tested, curve, told, ablated))
    ranks.wait()


def close(shop: Workshop, outcome: Outcome) -> None:
    """Write the report, and remove what nobody needs any more."""
    run = shop.reporter.run
    report = summarise(outcome)
    run.write_report(report)
    write_page(report, run.folder / "report.html")
    write_card(report, run.folder / "README.md")
    for stage in sorted((run.folder / "checkpoints").glob("*")):
        run.checkpoints(stage.name).remove()
    remove_start(run.folder)
    shutil.rmtree(run.folder / TOKENS, ignore_errors=True)
    run.finish()


def rows_for_choosing(shop: Workshop, loaded: Loaded) -> tuple[Sequence[Example], Sequence[Example]]:
    """Return train and dev; dev is taken from train where cross-validation left it there."""
    if loaded.splits.dev:
        return loaded.splits.train, loaded.splits.dev
    train, recipe = list(loaded.splits.train), shop.recipe
    kept, held = split_examples(train, loaded.groups, recipe.data.dev_share, seed=recipe.seed)
    return [train[i] for i in kept], [train[i] for i in held]


def _threshold(
    shop: Workshop, task: Task, dev: tuple[Array, Asked], votes: Beside | None, crossed: Tested | None
) -> Threshold | None:  # fmt: skip
    """Return the threshold that dev gives, or the rows of all folds, which are many more; tell where there is none."""
    if shop.recipe.knowledge.error is None:
        return None
    said, asked = dev
    if crossed is None:
        found = choose_threshold(shop.recipe, task, asked.examples, votes.adjust(said, asked) if votes else said)
    else:
        found = choose_threshold(shop.recipe, task, crossed.examples, crossed.answers, crossed=True)
    for finding in found.findings if found else ():
        shop.reporter.finding(finding)
    return found


def refit(shop: Workshop, tuned: Tuned, rows: list[Example]) -> Tuned:
    """Train once more on train and dev together, over the whole schedule, if dev spoke for tuning at all.

    A few dozen dev rows cannot tell which epoch is best: stopping where they were best by chance, before the rate has
    fallen, lost three points of macro-F1 on sst2 with 64 rows a class. They can tell when every epoch is worse than
    the start.
    """
    whole = shop.recipe.stop.epochs
    epochs = whole if tuned.kept_step > 0 else 0.0
    return tune(shop, "refit", rows_to_learn(shop, rows), [], epochs=epochs, hinted=tuned.hinted)


def test_bundle(shop: Workshop, loaded: Loaded, seen: Sequence[Example], votes: Beside | None) -> Tested:
    """Read the test rows, once: with the bundle as it was saved, and with the baselines fitted on the same rows."""
    test = list(loaded.splits.test)
    shop.reporter.say(f"Testing on {len(test)} rows, with the baselines.")
    bundle = load_bundle(shop.reporter.run.folder)
    baselines = measure_baselines(shop, seen, test)
    if votes:
        baselines[ALONE] = vote_alone(votes, shop.task, seen, test)
    without, asked = bundle.said(test, shop.recipe.batching.predict_size, shop.device.ranks)
    plain = replace(bundle, fusions=tuple(one for one in bundle.fusions if not isinstance(one, Priors)))
    unshifted = plain.fused(without, asked)
    fused = unshifted if len(plain.fusions) == len(bundle.fusions) else bundle.fused(without, asked)
    return Tested(test, fused, baselines, without, asked, unshifted)

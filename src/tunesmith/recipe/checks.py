"""Settings that are fine alone and impossible together."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.errors import Fault
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.complete import of_task
from tunesmith.recipe.faults import Where
from tunesmith.recipe.pattern import pattern_faults
from tunesmith.recipe.schema import Data, Recipe
from tunesmith.recipe.strategies import names_of
from tunesmith.recipe.text import Path

OF_TASKS = {
    ("tokens", "tags", "spans"): ("tag",), ("question", "context", "answers"): ("answer",), ("negative",): ("embed",),
    ("messages", "prompt", "response", "system"): ("chat",), ("source", "target"): ("seq2seq",),
    ("instruction",): ("chat", "seq2seq"),
}  # fmt: skip
"""Columns that only some tasks have."""
ROWS_ONLY = ("text_a", "text_b", "label", "id", "group", "time", "limit")
"""Settings of rows, which running text does not have."""
WRITING = ("chat", "seq2seq")
"""Tasks whose answer is written."""
WORDS = ("tag", "answer")
"""Tasks whose units are words."""

BETWEEN = ("adapters", "prefix", "prompt", "ptuning")
"""Strategies whose weights stand between those of a model, so that they cannot be merged into it."""
GLOSSED = ("classify", "multilabel", "regress", "pair")
"""Tasks that read rows as a whole, with which a glossary works."""


def contradictions(recipe: Recipe, where: Where) -> list[Fault]:
    """Return a fault for every pair of settings that contradict each other."""
    found = [
        *_of_columns(recipe), *_of_splits(recipe.data), *_of_measures(recipe), *_of_tasks(recipe),
        *_of_memory(recipe),
    ]  # fmt: skip
    faults = [Fault("K210", where(path), message, remedy) for path, message, remedy in found]
    return [*faults, *pattern_faults(recipe, where)]


def _of_columns(recipe: Recipe) -> Iterator[tuple[Path, str, str]]:
    data = recipe.data
    pair = data.text_a or data.text_b
    if pair and data.text:
        yield ("data", "text"), "data.text stands beside data.text_a and data.text_b.", "Keep one text or two."
    if pair and recipe.task not in ("auto", "pair", "embed"):
        yield ("task",), f"{recipe.task} reads one text, and two are named.", "Write `task: pair`, or data.text."
    if data.text and recipe.task in ("pair", "embed"):
        message = f"{recipe.task} reads two texts, and one is named."
        yield ("data", "text"), message, "Give data.text_a and data.text_b."
    for name in ROWS_ONLY if recipe.task == "masked" else ():
        if getattr(data, name) is not None:
            message = f"masked reads running text, of which data.{name} says nothing."
            yield ("data", name), message, f"Leave data.{name} out."
    for names, tasks in OF_TASKS.items():
        for name in names:
            if getattr(data, name) is not None and recipe.task not in ("auto", *tasks):
                what = "a setting" if name == "instruction" else "a column"
                message = f"data.{name} is {what} of {' and '.join(tasks)}, and the task is {recipe.task}."
                yield ("data", name), message, f"Write `task: {tasks[0]}`, or leave data.{name} out."
    if not data.separator:
        yield ("data", "separator"), "an empty separator separates nothing.", 'Write `separator: "|"`.'


def _of_splits(data: Data) -> Iterator[tuple[Path, str, str]]:
    taken = (0.0 if data.dev else data.dev_share) + (0.0 if data.test else data.test_share)
    if taken >= 1.0:
        message = f"dev_share and test_share take {taken:g} of the rows together, which leaves none to train on."
        yield ("data", "dev_share"), message, "Lower one of them; 0.15 and 0.2 are the defaults."
    if [data.train, data.dev, data.test].count("-") > 1:
        yield ("data", "train"), "standard input can be read once only, and `-` stands twice.", "Name a file for one."


def _of_memory(recipe: Recipe) -> Iterator[tuple[Path, str, str]]:
    if recipe.batching.save_memory and "prefix" in names_of(recipe.strategies):
        message = "batching.save_memory computes blocks twice, and each would find the prefix twice."
        yield ("batching", "save_memory"), message, "Leave one of the two out."


def _of_tasks(recipe: Recipe) -> Iterator[tuple[Path, str, str]]:
    task, names = recipe.task, names_of(recipe.strategies)
    if task in ("tag", "answer") and recipe.text.long == "truncate":
        message = f"{task} reads long texts in windows, so that no word is lost."
        yield ("text", "long"), message, "Leave text.long out, or write `long: window`."
    if recipe.knowledge.rules is not None and task not in ("auto", "classify", "pair", "tag"):
        message = f"rules vote on the one label of a row, or mark spans in its text, and {task} has neither."
        yield ("knowledge", "rules"), message, "Leave knowledge.rules out."
    if recipe.knowledge.glossary is not None and task not in ("auto", *GLOSSED):
        message = f"a glossary says how whole rows are read, and {task} reads them otherwise."
        yield ("knowledge", "glossary"), message, "Leave knowledge.glossary out."
    if recipe.knowledge.ablation and task not in ("auto", *GLOSSED):
        message = f"an ablation leaves out what is known of whole rows, and {task} reads them otherwise."
        yield ("knowledge", "ablation"), message, "Leave knowledge.ablation out."
    beside = next((name for name in names if name in BETWEEN), None)
    if recipe.knowledge.glossary is not None and recipe.knowledge.tokens and beside:
        message = f"{beside} is kept beside a model that can be found again, and one with more tokens is made here."
        yield ("knowledge", "tokens"), message, "Leave one of the two out, or take lora, which is merged."
    if recipe.knowledge.ablation and "-" in (recipe.data.train, recipe.data.dev, recipe.data.test):
        message = "an ablation reads the rows several times, and standard input can be read once only."
        yield ("knowledge", "ablation"), message, "Give a file."
    yield from _of_priors(recipe, names)
    if recipe.knowledge.error is not None and task not in ("auto", "classify", "pair"):
        message = f"an error rate is met by leaving out rows whose one label is unsure, and the task is {task}."
        yield ("knowledge", "error"), message, "Leave knowledge.error out."
    if task in WORDS and recipe.head == "pooled":
        yield ("head",), f"{task} reads words, which pooling mixes into one vector.", "Leave head out."
    if task in ("answer", "embed") and "probe_start" in names:
        yield ("strategies",), f"{task} has no linear head that a probe could start.", "Leave probe_start out."
    if task in ("tag", "answer", "embed") and recipe.class_weights:
        yield ("class_weights",), f"{task} has no classes of rows to weigh.", "Leave class_weights out."
    if task in WORDS and recipe.evaluate.repeats > 1:
        message = "repeated folds average what is said of a row, and spans have no mean."
        yield ("evaluate", "repeats"), message, "Write `repeats: 1`."
    if task == "embed" and recipe.evaluate.folds:
        message = "vectors of the models of several folds cannot be ranked together."
        yield ("evaluate", "folds"), message, "Leave folds out; a part of the rows becomes test."
    if task == "embed" and (recipe.batching.accumulate > 1 or recipe.batching.tokens is not None):
        message = "embed compares the rows of a batch with each other, and micro-batches hold fewer of them."
        key = "accumulate" if recipe.batching.accumulate > 1 else "tokens"
        yield ("batching", key), message, f"Leave batching.{key} out, and write a smaller batching.size if need be."
    for name in ("source_language", "target_language"):
        if getattr(recipe.text, name) is not None and task not in ("auto", "seq2seq"):
            message = f"text.{name} is of translations, and the task is {task}."
            yield ("text", name), message, f"Write `task: seq2seq`, or leave text.{name} out."
    if task == "seq2seq" and recipe.text.long == "window":
        message = "seq2seq reads a text once, and cuts off what is longer."
        yield ("text", "long"), message, "Leave text.long out, and raise text.max_tokens."
    if task == "masked":
        yield from _of_streams(recipe, names)
    if task in WRITING:
        if recipe.head != "auto":
            yield ("head",), f"{task} writes with the head that the model has.", "Leave head out."
        if recipe.class_weights:
            yield ("class_weights",), f"{task} has no classes of rows to weigh.", "Leave class_weights out."
        if "probe_start" in names:
            yield ("strategies",), f"{task} has no new head that a probe could start.", "Leave probe_start out."
        if recipe.stop.metric not in (None, "perplexity"):
            message = f"{recipe.stop.metric} needs texts, and none are written while training."
            yield ("stop", "metric"), message, "Leave stop.metric out; perplexity is watched."
        if recipe.evaluate.repeats > 1:
            message = "repeated folds average what is said of a row, and texts have no mean."
            yield ("evaluate", "repeats"), message, "Write `repeats: 1`."
    for name in recipe.evaluate.baselines or ():
        if task != "auto" and name not in load_entry("tasks", task)().baselines:
            known = ", ".join(load_entry("tasks", task)().baselines)
            yield ("evaluate", "baselines"), f"{task} has no baseline {name}.", f"It has: {known}."


def _of_priors(recipe: Recipe, names: list[str]) -> Iterator[tuple[Path, str, str]]:
    if not recipe.knowledge.priors:
        return
    place, cure = ("knowledge", "priors"), "Leave knowledge.priors out."
    if recipe.task not in ("auto", "classify", "pair"):
        yield place, f"they are shares of the one label of a row, and the task is {recipe.task}.", cure
    if recipe.knowledge.error is not None:
        message = "the threshold of knowledge.error is chosen on rows that have the shares of the data."
        yield place, message, "Leave one of the two out."
    for name in sorted({"class_balanced", "logit_adjusted"} & set(names)):
        message = f"{name} changes in the loss what knowledge.priors changes in the answers."
        yield place, message, "Leave one of the two out."


def _of_streams(recipe: Recipe, names: list[str]) -> Iterator[tuple[Path, str, str]]:
    asked = {
        ("head",): recipe.head != "auto", ("class_weights",): recipe.class_weights,
        ("strategies",): "probe_start" in names, ("stop", "refit"): recipe.stop.refit,
        ("evaluate", "folds"): recipe.evaluate.folds, ("evaluate", "curve"): recipe.evaluate.curve,
        ("stop", "metric"): recipe.stop.metric not in (None, "perplexity"),
        ("text", "long"): recipe.text.long == "window",
    }  # fmt: skip
    for path, is_asked in asked.items():
        if is_asked:
            message = f"masked reads running text with the head of the model, and has no use for {'.'.join(path)}."
            yield path, message, "Leave it out."


def _of_measures(recipe: Recipe) -> Iterator[tuple[Path, str, str]]:
    evaluate, text, batching = recipe.evaluate, recipe.text, recipe.batching
    if recipe.stop.balance and evaluate.forgetting == "off":
        message = "stop.balance weighs what is forgotten, and evaluate.forgetting measures nothing of it."
        yield ("stop", "balance"), message, "Leave one of the two out."
    if evaluate.folds == 1:
        yield ("evaluate", "folds"), "one fold leaves nothing to train on.", "Write 0 for none, or at least 2."
    if evaluate.folds and recipe.data.test:
        message = "cross-validation stands in for test rows, and data.test gives some."
        yield ("evaluate", "folds"), message, "Leave data.test out, or write `folds: 0`."
    if text.long == "window" and text.max_tokens is not None and (text.overlap or 0) >= text.max_tokens:
        message = f"windows of {text.max_tokens} tokens cannot share {text.overlap}."
        yield ("text", "overlap"), message, "Write less than max_tokens."
    size = batching.size or of_task(recipe.task).batch
    if batching.accumulate > size:
        message = f"{size} examples cannot be divided into {batching.accumulate} micro-batches."
        yield ("batching", "accumulate"), message, "Write at most batching.size."
    if recipe.class_weights and recipe.task == "regress":
        yield ("class_weights",), "regress has no classes to weigh.", "Leave class_weights out."

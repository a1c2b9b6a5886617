"""Evaluate: a tuned model on labelled rows that it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Example, Span
from tunesmith.data.examples import examples_of, missing_columns
from tunesmith.data.read import iter_chunks
from tunesmith.data.rows import Prepared, prepare
from tunesmith.errors import Fault, InputError, did_you_mean, raise_faults
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.selective import confidence_of, wrong_of
from tunesmith.jobs.columns import refuse_count, trained_columns
from tunesmith.jobs.selective import answered
from tunesmith.jobs.stream import blocks_of
from tunesmith.recipe.schema import Data, Evaluate, Recipe
from tunesmith.runs.store import Run, is_run


def evaluate(
    run: str | Path | Bundle, data: str | Path, *, columns: Sequence[str] = (), label: str | None = None
) -> dict[str, dict[str, float]]:
    """Measure a tuned model on the labelled rows of a file.

    Args:
        run: a run folder, its `model` folder, or a loaded bundle.
        data: a file of any kind that training reads.
        columns: the column of the text, or the two of a pair; those of the training where not given.
        label: the column of the label; that of the training where not given.

    Returns:
        the figures as `test` in report.json has them: metric → `{value, low, high, n}`, with 95 % intervals.
        Of a model with a threshold there are also `coverage`, the share of the rows that it is sure of, and
        `selective_error`, the share of these that it gets wrong.

    Raises:
        InputError: the file cannot be read, a column is not there, or labels are unknown to the model; all of them.

    Example:
        >>> tunesmith.evaluate("runs/first", "holdout.csv")["accuracy"]["value"]  # doctest: +SKIP
        0.914
    """
    bundle = run if isinstance(run, Bundle) else load_bundle(run)
    recipe = recipe_of(bundle)
    if bundle.task.head().streams:
        examples: Sequence[Example] = blocks_of(str(data), recipe, bundle.encoder, bundle.task)
    else:
        examples = labelled(bundle, prepared_for(bundle, recipe, str(data), columns, label), str(data))
    answers, truth = bundle.answers(examples), bundle.task.truth(examples)
    measure = recipe.evaluate if recipe else Evaluate()
    scores = bootstrap(
        bundle.task.metrics(), truth, answers, resamples=measure.resamples,
        seed=recipe.seed if recipe else 0,
    )  # fmt: skip
    figures = {name: asdict(score) for name, score in scores.items()}
    if (least := bundle.threshold) is None:
        return figures
    return {**figures, **answered(confidence_of(answers) >= least, wrong_of(truth, answers))}


def recipe_of(bundle: Bundle) -> Recipe | None:
    """Return the recipe of the run around a bundle; None where the model folder stands alone."""
    folder = bundle.folder.parent
    return Run.load(folder).recipe if is_run(folder) else None


def labelled(bundle: Bundle, prepared: Prepared, source: str) -> Sequence[Example]:
    """Return the rows of a file with labels as the model spells them.

    Raises:
        InputError: labels are unknown to the model (K107), or no numbers where it gives numbers (K127).
    """
    examples = examples_of(prepared.files["train"], prepared, [], bundle.columns)
    if bundle.task.head().problem == "regression":
        return [_numbered(example) for example in examples]
    return _known(examples, bundle.labels, source) if bundle.labels else examples


def prepared_for(
    bundle: Bundle, recipe: Recipe | None, source: str, columns: Sequence[str], label: str | None
) -> Prepared:
    """Return a file as it was read, with the columns that the model was trained on or those that are asked for.

    Raises:
        InputError: the file cannot be read, or a column is not there.
    """
    if columns:
        refuse_count(columns, bundle.task.reads[0], source)
    asked: dict[str, Any] = {"train": source, "dev": None, "test": None, "id": None, "group": None, "time": None}
    asked |= _columns(bundle, source, columns, label)
    base = recipe.data if recipe else Data(train=source)
    if bundle.task.name == "answer":
        asked["on_bad_row"] = "keep"  # a right answer that does not stand in the context still counts
    prepared = prepare(base.model_copy(update=asked), bundle.task.name)
    raise_faults(missing_columns(prepared.files["train"], bundle.columns))
    return prepared


def _columns(bundle: Bundle, source: str, columns: Sequence[str], label: str | None) -> dict[str, str | None]:
    """Return the column of every role: as asked, else those of the training where the file has them all, else open."""
    trained = trained_columns(bundle)
    roles, gold = bundle.task.reads[0], bundle.task.gold
    known = {role: trained.get(role) for role in (*roles, *gold)}
    if gold != ("label",):  # the same task can come in files of several shapes
        there = set(next(iter_chunks(source)).column_names)
        known = {role: name if name in there else None for role, name in known.items()}
    if columns:
        known |= dict(zip(roles, columns, strict=True))
    return {**known, "label": label or known["label"]} if "label" in known else known


def _numbered(example: Example) -> Example:
    try:
        return replace(example, target=float(str(example.target)))
    except ValueError:
        message = f'label "{example.target}" is not a number, which the model gives.'
        raise InputError(Fault("K127", example.source, message, "Mend the row, or name another column.")) from None


def _known(examples: Sequence[Example], labels: Sequence[str], source: str) -> list[Example]:
    """Return the examples with labels as the model spells them; case and outer spaces do not matter.

    Raises:
        InputError: labels that the model does not know, each with its count (K107).
    """
    spelling = {label.strip().casefold(): label for label in labels} | {label: label for label in labels}
    unknown: Counter[str] = Counter()
    known = []
    for example in examples:
        parts = example.target if isinstance(example.target, tuple) else (str(example.target),)
        names = [part.label if isinstance(part, Span) else str(part) for part in parts]
        found = [spelling.get(name) or spelling.get(name.strip().casefold()) for name in names]
        unknown.update(name for name, label in zip(names, found, strict=True) if label is None)
        spelt = tuple(
            replace(part, label=label) if isinstance(part, Span) else label
            for part, label in zip(parts, found, strict=True) if label is not None
        )  # fmt: skip
        target: Any = spelt if isinstance(example.target, tuple) else next(iter(spelt), None)
        known.append(replace(example, target=target))
    if unknown:
        raise InputError([_unknown(source, name, count, labels) for name, count in unknown.most_common()])
    return known


def _unknown(source: str, name: str, count: int, labels: Sequence[str]) -> Fault:
    choices = ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")
    message = f'label "{name}" ({count:,} row{"s" if count > 1 else ""}) is not one of ({choices}).'
    cure = f"{did_you_mean(name, labels)} Mend or remove the rows, or name another column with --label."
    return Fault("K107", source, message, cure.strip())

"""Look at the data as a training would, and say what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.core.report import Finding
from tunesmith.data.check import inspect
from tunesmith.data.examples import examples_of, missing_columns
from tunesmith.data.findings import by_severity
from tunesmith.data.general import open_general
from tunesmith.data.load import file_facts
from tunesmith.data.rows import Prepared, prepare
from tunesmith.data.texts import join_texts
from tunesmith.errors import RunError, raise_faults
from tunesmith.jobs.glossary import check_glossary, open_glossary, rules_with
from tunesmith.jobs.knowledge import check_rules, open_rules
from tunesmith.jobs.priors import check_priors
from tunesmith.jobs.selective import check_wish
from tunesmith.jobs.stream import parts_of
from tunesmith.knowledge.glossary import Glossary
from tunesmith.knowledge.rules import Rules
from tunesmith.models.sources import resolve_models
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.complete import of_task
from tunesmith.recipe.pattern import pattern_text
from tunesmith.recipe.resolve import resolve
from tunesmith.recipe.schema import Data, Recipe
from tunesmith.recipe.strategies import names_of
from tunesmith.recipe.support import unfit

if TYPE_CHECKING:
    from tunesmith.text.windows import Encoder

CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a check found.

    Args:
        task: classify, multilabel, regress or pair, as asked or inferred.
        rows_read: rows of the train file, every one of them.
        rows_kept: rows of it that a training would use.
        columns: role → column.
        labels: class → rows of the train file; empty for numbers.
        findings: errors first, then warnings and notes.
        guesses: sentences that say what was inferred, and how to change it.
        files: split → path, sha256, rows_read, rows_kept.
        lengths: quantiles of the texts, in `unit`.
    """

    task: str
    rows_read: int
    rows_kept: int
    columns: dict[str, str]
    labels: dict[str, int]
    findings: tuple[Finding, ...]
    guesses: tuple[str, ...] = ()
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    lengths: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether a training would start: no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "task": self.task,
            "rows_read": self.rows_read,
            "rows_kept": self.rows_kept,
            "columns": self.columns,
            "labels": self.labels,
            "findings": [finding.as_dict() for finding in self.findings],
            "guesses": list(self.guesses),
            "files": self.files,
            "lengths": self.lengths,
        }


def check(
    source: str | Recipe,
    *,
    dev: str | None = None,
    test: str | None = None,
    task: str = "auto",
    count_tokens: CountTokens | None = None,
    max_tokens: int | None = None,
) -> CheckReport:
    """Find what is wrong with data before training: the same look at the rows that every training begins with.

    Args:
        source: a data file, or a recipe, which then says everything but `count_tokens` and `max_tokens`.
        dev: a file of rows for early stopping.
        test: a file of rows that are read once, at the end.
        task: `auto` reads it off the columns.
        count_tokens: texts → their numbers of tokens; by default those of the model of the recipe, if it is on this
            machine, else lengths are in characters.
        max_tokens: tokens of a text that will be read, special ones not counted.

    Raises:
        InputError: the data cannot be read, its columns are missing or ambiguous, or the recipe asks for what does not
            go together.

    Example:
        >>> tunesmith.check("reviews.csv", test="holdout.csv").ok  # doctest: +SKIP
        True
    """
    recipe = source if isinstance(source, Recipe) else _recipe(source, dev, test, task)
    resolve(recipe)
    if recipe.task == "masked":
        return _of_stream(recipe)
    rules, glossary = open_rules(recipe), open_glossary(recipe)
    prepared = prepare(recipe.data, recipe.task)
    known = _asked_of(recipe, rules, glossary, prepared)
    general = open_general(recipe.data, recipe.seed)
    guesses = [*prepared.guesses, *general.guesses]
    unknown: tuple[Finding, ...] = ()
    if count_tokens is None:
        try:
            folder = resolve_models(recipe.model, fetch=False)[0]  # a check fetches nothing
            from tunesmith.jobs.encoder import open_encoder
            from tunesmith.jobs.vocabulary import unknown_tokens

            encoder, _, room = open_encoder(
                folder, recipe.text, prepared.task, pattern_text(recipe, prepared.task)
            )  # fmt: skip
            count_tokens, max_tokens = encoder.count_tokens, max_tokens or room
            rows = prepared.files["train"]
            unknown = unknown_tokens(encoder, join_texts(rows.texts), rows.name)
            if of_task(prepared.task).writes:
                unknown += _room(folder, encoder, prepared, recipe)
        except RunError:
            guesses.append(f"Lengths are in characters: the model {recipe.model} is not on this machine yet.")
    near = recipe.data.near_duplicates == "keep_together"
    inspection = inspect(prepared, near=near, count_tokens=count_tokens, max_tokens=max_tokens)
    train = prepared.files["train"]
    return CheckReport(
        task=prepared.task,
        rows_read=train.table.rows_read,
        rows_kept=len(train),
        columns=prepared.columns,
        labels=prepared.label_counts(train.targets),
        findings=by_severity([*unknown, *known, *inspection.findings]),
        guesses=tuple(guesses),
        files={**file_facts(prepared, recipe.data), **(general.files if recipe.data.general else {})},
        lengths=inspection.lengths.as_dict(),
    )


def _asked_of(recipe: Recipe, rules: Rules | None, glossary: Glossary | None, prepared: Prepared) -> list[Finding]:
    """Return what is notable about rules and a glossary on the rows; refuse what does not fit the task."""
    columns = rules.columns if rules else ()
    raise_faults([fault for rows in prepared.files.values() for fault in missing_columns(rows, columns)])
    known = recipe.knowledge
    if not (recipe.strategies or rules or glossary or known.error or known.priors):
        return []
    train = prepared.files["train"]
    examples = examples_of(train, prepared, [], columns)
    fitted = load_entry("tasks", prepared.task)().fit(examples)
    raise_faults(unfit(names_of(recipe.strategies), fitted.head().problem, prepared.task))
    check_wish(recipe, fitted)
    check_priors(recipe, fitted)
    noted = check_glossary(glossary, fitted, examples) if glossary else []
    rules = rules_with(rules, glossary, fitted)
    return [*noted, *(check_rules(rules, fitted, examples, train.name, prepared.columns) if rules else [])]


def _room(folder: Path, encoder: Encoder, prepared: Prepared, recipe: Recipe) -> tuple[Finding, ...]:
    """Return what a training would say of the model, and of rows that do not fit into its window."""
    from tunesmith.jobs.encoder import settle
    from tunesmith.jobs.room import room_findings
    from tunesmith.models.load import read_config
    from tunesmith.models.write import reads_only

    head = load_entry("tasks", prepared.task)().head()
    if head.problem == "seq2seq" and reads_only(read_config(folder)):
        return ()  # the model is made of encoders when training begins
    encoder, told = settle(folder, encoder, head, recipe)
    return (*told, *room_findings(encoder, examples_of(prepared.files["train"], prepared, [])))


def _of_stream(recipe: Recipe) -> CheckReport:
    """Return what can be said of running text without a model: whether it can be read, and what is held out."""
    parts = parts_of(recipe, open_general(recipe.data, recipe.seed))
    kept = sum(map(len, parts.train))
    return CheckReport(
        task=recipe.task, rows_read=parts.files["train"]["rows_read"], rows_kept=kept,
        columns={"text": parts.column} if parts.column else {}, labels={}, findings=parts.findings(),
        guesses=parts.guesses, files=parts.files,
    )  # fmt: skip


def _recipe(source: str, dev: str | None, test: str | None, task: str) -> Recipe:
    return Recipe.model_validate({"task": task, "data": Data(train=source, dev=dev, test=test)})

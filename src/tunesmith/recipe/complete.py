"""From what was asked to what is done: every default that depends on the data is filled in, and written down.

The figures behind each rule are in docs/decisions.md; the rules are the same for every data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunesmith.recipe.pattern import completed
from tunesmith.recipe.policies import POLICIES, policy_for
from tunesmith.recipe.schema import Recipe, Text
from tunesmith.recipe.strategies import names_of

LONG_WINDOW = 128
"""Tokens of a window beyond which the random numbers of attention dropout cost more than they are worth on a CPU."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults that differ from task to task.

    Args:
        max_tokens: of a window, at most.
        long: what happens to longer texts.
        overlap: tokens that windows share.
        rate: peak rate of a body 384 wide.
        batch: examples per step.
        passes: share of the usual epochs; a question is read in several windows, and in each most words are told apart.
        probe_start: whether the head starts from a linear probe beside the policy `standard`.
        writes: whether texts are written; low-rank adapters are tuned then, because the models are large.
        tokens: of a micro-batch, at most; None for no bound.
        dev_rows: that are looked at, at most; None for all.
        test_rows: that are tested on, at most; None for all.
        least: passes over the rows at least, before `passes` is multiplied in.
        streams: whether running text is read: all weights move then, as they did in pretraining.
    """

    max_tokens: int = 256
    long: str = "truncate"
    overlap: int = 32
    rate: float = 1e-4
    batch: int = 16
    passes: float = 1.0
    probe_start: bool = True
    writes: bool = False
    tokens: int | None = None
    dev_rows: int | None = None
    test_rows: int | None = None
    least: int = 3
    streams: bool = False


WRITES = Settings(
    rate=1.5e-4, passes=0.2, probe_start=False, writes=True, tokens=2048, dev_rows=200, test_rows=1000,
)  # fmt: skip
SETTINGS = {
    "classify": Settings(probe_start=False),
    "tag": Settings(long="window", rate=3e-4, probe_start=False),
    "answer": Settings(max_tokens=192, long="window", overlap=64, rate=2e-4, batch=8, passes=0.2, probe_start=False),
    "embed": Settings(probe_start=False),
    "chat": replace(WRITES, max_tokens=512),
    "seq2seq": WRITES,
    "masked": Settings(
        max_tokens=128,
        rate=1e-4,
        passes=0.5,
        probe_start=False,
        dev_rows=500,
        test_rows=1000,
        tokens=2048,
        least=1,
        streams=True,
    ),
}
MANY_ROWS = 50_000
"""Rows to train and choose on from which not all are looked at to judge: a share of 0.85 of 10,000 test rows is known
to ± 0.7 points (1.96 · √(0.85 · 0.15 / n)), and a pass over all dev rows would take longer than learning from most.
Above it, tokens go to files, too; fewer are made in seconds and held in memory."""
MANY = {"dev_rows": 5_000, "test_rows": 10_000, "baseline_rows": 20_000}
"""What is then looked at, at most."""
LONGEST_TEXT = 512
"""Tokens that are written at most where nothing is asked."""
FEW_ROWS = 2000
"""Up to here dev rows are worth more as train rows: the model is trained again on both."""
FOLDS = 5
"""Of cross-validation, where it takes the place of a test split and nobody said how many."""
IMBALANCED = 3.0
"""Largest class over smallest from which rare classes weigh more."""
MADE = replace(WRITES, rate=3e-4, passes=1.0)
"""Of a model made of two encoders: how its decoder looks at what was read is new, so all of it learns, and for long."""
SMALL_CHANGES: Mapping[str, float] = {
    "lora": 10.0, "bitfit": 10.0, "adapters": 10.0, "ia3": 30.0, "prefix": 50.0, "ptuning": 50.0, "prompt": 100.0,
}  # fmt: skip
"""Strategy → the rate of the little that it trains over that of the weights themselves: the less, the more."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the defaults depend on.

    Args:
        task: resolved.
        metric: that the task watches.
        baselines: that the task has.
        rows: train rows.
        counts: rows per class; empty where there are no classes.
        longest: tokens of the longest train row, special tokens counted in; of the longest target, where it is longer.
        limit: the most tokens the model takes.
        width: hidden size of the body.
        dev_given: whether a dev file was given.
        crossed: whether cross-validation takes the place of a test split.
        answer: tokens that 99 of 100 texts to be written have; 0 where none are written.
        languages: that the model is told; None for most.
        labels: names of the classes.
        made: whether the model is made of two encoders.
        large: whether the model is a decoder of so many weights that an adapter is trained in their place.
    """

    task: str
    metric: str
    baselines: Sequence[str]
    rows: int
    counts: Sequence[int]
    longest: int
    limit: int
    width: int
    dev_given: bool
    crossed: bool
    answer: int = 0
    large: bool = False
    languages: tuple[str, str] | None = None
    made: bool = False
    labels: Sequence[str] = ()

    @property
    def settings(self) -> Settings:
        """The defaults of the task on this model."""
        return MADE if self.made else of_task(self.task)


def of_task(task: str) -> Settings:
    """Return the defaults of a task."""
    return SETTINGS.get(task, Settings())


def complete(recipe: Recipe, facts: Facts) -> Recipe:
    """Return `recipe` with no value left open."""
    settings = facts.settings
    text = recipe.text.model_copy(update=_open(recipe.text, max_tokens=_window(facts), long=settings.long))
    source, target = facts.languages or (None, None)
    text = text.model_copy(update=_open(text, source_language=source, target_language=target))
    text = text.model_copy(update=_open(text, overlap=_overlap(text, settings.overlap)))
    asks = recipe.head == "pattern"
    many = MANY if facts.rows > MANY_ROWS else {}
    usual = default_strategies(facts, starts=not asks)
    strategies = usual if recipe.strategies is None else recipe.strategies
    factor = max([1.0, *(SMALL_CHANGES.get(name, 1.0) for name in names_of(strategies))])
    rate = round(learning_rate(facts) * factor, 7)
    # A head that was pretrained moves as its body does.
    of_head = rate if settings.streams or asks else max(1e-3, rate)
    optimizer = recipe.optimizer.model_copy(
        update=_open(recipe.optimizer, learning_rate=rate, head_learning_rate=of_head)
    )
    stop = recipe.stop.model_copy(
        update=_open(
            recipe.stop,
            epochs=epochs(facts),
            metric=facts.metric,
            evaluations_per_epoch=1.0 if facts.rows <= FEW_ROWS else 2.0,
            refit=facts.rows <= FEW_ROWS and not facts.dev_given and not settings.writes and not settings.streams,
        )
    )
    folds = FOLDS if facts.crossed else 0
    evaluate = recipe.evaluate.model_copy(
        update=_open(
            recipe.evaluate, folds=folds, baselines=facts.baselines,
            dev_rows=settings.dev_rows or many.get("dev_rows"), test_rows=settings.test_rows or many.get("test_rows"),
            baseline_rows=many.get("baseline_rows"),
        )
    )  # fmt: skip
    room = facts.limit if facts.task == "seq2seq" else facts.limit // 2  # a decoder of its own has positions of its own
    longest = min(LONGEST_TEXT, room, -(-facts.answer * 5 // 4))
    generate = recipe.generate.model_copy(update=_open(recipe.generate, max_tokens=max(8, longest)))
    batching = recipe.batching.model_copy(update=_open(recipe.batching, size=settings.batch, tokens=settings.tokens))
    parts: dict[str, Any] = {
        "task": facts.task, "text": text, "batching": batching, "optimizer": optimizer, "stop": stop,
        "evaluate": evaluate, "generate": generate, "strategies": strategies,
    }  # fmt: skip
    if asks:
        parts["pattern"] = completed(recipe.pattern, facts.task, facts.labels)
    if (
        recipe.attention_dropout is None
        and not settings.writes
        and min(text.max_tokens or 0, facts.longest) > LONG_WINDOW
    ):
        parts["attention_dropout"] = 0.0
    if recipe.class_weights is None:
        parts["class_weights"] = helps_to_weigh(facts.counts)
    return recipe.model_copy(update=parts)


def window_of(text: Text, task: str, limit: int) -> int:
    """Return the most tokens that a window may have on a model that takes `limit`."""
    return min(limit, text.max_tokens or of_task(task).max_tokens)


def learning_rate(facts: Facts) -> float:
    """Return the peak rate of the body: 1e-4 at a hidden size of 384, less for wider bodies."""
    return round(facts.settings.rate * min(1.0, 384 / facts.width), 7)


def epochs(facts: Facts) -> float:
    """Return the passes over the rows: ten on few, fewer on many, never under three; a fifth of that for answers.

    Of running text there are five on little of it, and one on much.
    """
    usual = max(facts.settings.least, min(10, round(10 * (1000 / max(1, facts.rows)) ** 0.5)))
    return float(max(1, round(usual * facts.settings.passes)))


def default_strategies(facts: Facts, *, starts: bool = True) -> tuple[dict[str, dict[str, Any]], ...]:
    """Return how the weights move where nothing is asked.

    Args:
        facts: what they depend on.
        starts: whether the head may be started anew; one that was pretrained may not.
    """
    if of_task(facts.task).writes:
        return () if facts.made else ({"lora": {}},)
    if of_task(facts.task).streams:
        return ({"lora": {}},) if facts.large else ()
    if not starts:
        return POLICIES["standard"]
    probes = of_task(facts.task).probe_start and facts.rows <= MANY_ROWS  # it reads all rows before the first step
    probe: tuple[dict[str, dict[str, Any]], ...] = ({"probe_start": {}},) if probes else ()
    return (*POLICIES[policy_for(facts.task, facts.rows, len(facts.counts))], *probe)


def helps_to_weigh(counts: Sequence[int]) -> bool:
    """Say whether rare classes should weigh more: the largest class has over three times the rows of the smallest."""
    return len(counts) > 1 and max(counts) > IMBALANCED * max(1, min(counts))


def _window(facts: Facts) -> int:
    if facts.task == "embed":  # texts to search in may be longer than those that were trained on
        return min(facts.limit, of_task(facts.task).max_tokens)
    needed = -(-max(8, facts.longest) // 8) * 8
    return min(facts.limit, of_task(facts.task).max_tokens, needed)


def _overlap(text: Text, usual: int) -> int:
    """Return the tokens that windows share by default, at most half of one: a recipe written out must be accepted."""
    assert text.max_tokens is not None, "the window is known"
    return min(usual, text.max_tokens // 2) if text.long == "window" else usual


def _open(part: Any, **values: Any) -> dict[str, Any]:
    """Return the values of `part` that nobody set."""
    return {name: value for name, value in values.items() if getattr(part, name) is None}

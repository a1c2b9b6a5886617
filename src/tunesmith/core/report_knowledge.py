"""What `report.json` says of knowledge: rules, spans that they hold, a glossary, and what each source gave."""

from __future__ import annotations

from typing import TypedDict

from tunesmith.core.report_schema import Against, ScoreData, Scores


class RuleData(TypedDict, total=False):
    """A rule on the test rows; `accuracy` is the share of the rows where it fires that its vote is right on.

    `chance` is that of the same vote on every row, `weight` what its votes count beside the model. A rule that learns
    has no `label`; `votes` says what it votes for or against above all. Of a rule that marks spans, `fires` counts its
    marks, `accuracy` is the share of them that are spans of the data, and `found` that of the spans that it marks.
    """

    name: str
    where: str
    label: str
    against: bool
    weight: float
    votes: str
    fires: int
    share: float
    accuracy: ScoreData
    chance: float
    found: ScoreData


class Compared(Against, total=False):
    """Two models on the same rows; the difference is first − second, the outcome says which of them is better."""

    metric: str
    verdict: str


HeldData = TypedDict(
    "HeldData",
    {"spans": int, "with": "Scores", "without": "Scores", "compared": dict[str, Compared]},
    total=False,
)
"""Figures of some of the spans: how many the data have, scores with the rules and without, and by figure what sets the
two apart."""


class WordData(TypedDict, total=False):
    """A term that became a token: what it is, the pieces that it was before, and the train rows that have it."""

    text: str
    pieces: int
    rows: int


class TermData(TypedDict, total=False):
    """A term of a glossary, and the rows that have it or an alias of it."""

    term: str
    train: int
    test: int


class GlossaryData(TypedDict, total=False):
    """What a glossary did, counted on train and test rows, of which 10,000 each are looked at.

    `rows` have a term or an alias, `aliases` one that was replaced, `definitions` one that stands behind the text in
    at most `budget` tokens. `moved` says whether the new tokens are no longer where they started.
    """

    file: str
    terms: int
    looked: dict[str, int]
    rows: dict[str, int]
    aliases: dict[str, int]
    budget: int
    definitions: dict[str, int]
    tokens: list[WordData]
    moved: bool
    found: list[TermData]


class AblatedData(TypedDict, total=False):
    """A training without one source of knowledge, or without all; the difference is the run's score − this one's."""

    source: str
    left_out: str
    score: ScoreData
    difference: ScoreData
    p_bootstrap: float
    outcome: str
    sentence: str


class KnowledgeData(TypedDict, total=False):
    """Rules beside the model: `without` are the figures of the model alone, `compared` sets it beside both together.

    `reached` counts the test rows on which a rule fires, `changed` those whose answer is another than the model's.
    `learnt` says whether the model has learnt from terms of the rules. Where rules mark spans, `misses` says what a
    span of a kind costs that no rule marks, and `mentions` has the figures of spans that the rules hold (`held`) and of
    the others (`not_held`). `glossary` and `ablation` stand with rules and without them.
    """

    file: str
    learnt: bool
    rules: list[RuleData]
    reached: int
    changed: int
    without: Scores
    compared: Compared
    misses: dict[str, float]
    mentions: dict[str, HeldData]
    glossary: GlossaryData
    ablation: list[AblatedData]

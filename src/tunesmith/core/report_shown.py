"""What `report.json` shows of test rows: single ones with what was said of them, and counts over all."""

from __future__ import annotations

from typing import TypeAlias, TypedDict

Label: TypeAlias = str | float | list[str]
"""A class name, a number, or several class names."""


class SpanData(TypedDict, total=False):
    """A stretch of a text, in characters; `score` where a model found it."""

    start: int
    end: int
    label: str
    score: float


class TurnData(TypedDict, total=False):
    """A turn of a dialogue; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


class Shown(TypedDict, total=False):
    """A test row with what was said of it.

    `tag`: `spans` found in `text`, and `target_spans` marked there. `answer`: `text` is the question, `context` what it
    was asked of; the spans stand in the context. `embed`: `target` is the score of the pair, `score` its cosine, and
    `nearest` the text that came nearest to `text` where texts are ranked. `seq2seq`: `text` was read; `chat`:
    `messages` came before. Both: `reference` is what was to be written, `written` what the tuned model wrote, `base`
    what the base model wrote, and `chrf` and `base_chrf` how alike they are to the reference.
    """

    id: str
    source: str
    text: str
    text_b: str
    context: str
    nearest: str
    target: Label
    label: Label
    score: float
    spans: list[SpanData]
    target_spans: list[SpanData]
    messages: list[TurnData]
    reference: str
    written: str
    base: str
    chrf: float
    base_chrf: float


class SpanErrors(TypedDict, total=False):
    """Spans of the test rows: right, wrong in bounds, kind or both, missed, or invented."""

    right: int
    boundary: int
    kind: int
    both: int
    missed: int
    invented: int


class AnswerScores(TypedDict, total=False):
    """Of each test question: exact match, F1, and how sure the model was."""

    exact: list[float]
    f1: list[float]
    score: list[float]


class LengthData(TypedDict, total=False):
    """Characters of texts: of the shortest twentieth at most `p5`, of half `median`, of all but a twentieth `p95`."""

    p5: float
    median: float
    p95: float
    longest: int


class LengthBin(TypedDict, total=False):
    """How many references and written texts have from `low` to below `high` characters; the last bin has no `high`."""

    low: int
    high: int
    reference: int
    written: int


class Lengths(TypedDict, total=False):
    """How long references and written texts are, and how many of the latter are empty."""

    reference: LengthData
    written: LengthData
    empty: int
    bins: list[LengthBin]


class Sides(TypedDict, total=False):
    """Test rows on which the tuned model and the base model both wrote.

    `nearer`, `further` and `equal` count the rows by whose text is more like the reference, in chrF; `gains` and
    `losses` are those with the largest difference, `drawn` some at random.
    """

    nearer: int
    further: int
    equal: int
    gains: list[Shown]
    losses: list[Shown]
    drawn: list[Shown]

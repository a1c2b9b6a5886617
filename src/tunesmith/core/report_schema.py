"""The shape of `report.json`: what a run found out, as plain data.

Every key may be missing or None: a run writes what it measured. Shares (accuracy, F1, a probability) run from 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from tunesmith.core.report_shown import AnswerScores, Lengths, Shown, Sides, SpanErrors
from tunesmith.core.report_use import PriorsData, Selective

if TYPE_CHECKING:
    from tunesmith.core.report_knowledge import KnowledgeData


class ScoreData(TypedDict, total=False):
    """`core.report.Score` as plain data."""

    value: float
    low: float
    high: float
    n: int


Scores: TypeAlias = dict[str, ScoreData]
"""Metric → score."""


class ModelData(TypedDict, total=False):
    """The pretrained model and how it was used."""

    name: str
    parameters: int
    trained_parameters: int
    head: str
    precision: str
    max_tokens: int
    licence: str
    pattern: str
    words: dict[str, str]


class Protocol(TypedDict, total=False):
    """How test rows were kept apart: `given`, `split` or `folds`, and the same in a sentence."""

    name: str
    text: str


class ClassData(TypedDict, total=False):
    """The figures of one class or label."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Confusion(TypedDict, total=False):
    """`counts[i][j]`: test rows of class `labels[i]` that were predicted as `labels[j]`."""

    labels: list[str]
    counts: list[list[int]]


class Baseline(TypedDict, total=False):
    """What the tuned model is compared with, measured on the same rows."""

    title: str
    scores: Scores


class Against(TypedDict, total=False):
    """The tuned model minus one baseline, paired by row.

    `outcome` is `tuned better`, `baseline better` or `not distinguishable`.
    """

    difference: ScoreData
    p_bootstrap: float
    p_mcnemar: float
    outcome: str


class Comparison(TypedDict, total=False):
    """The paired tests, by baseline name."""

    metric: str
    verdict: str
    against: dict[str, Against]


class Bin(TypedDict, total=False):
    """The rows whose confidence lies between `low` and `high`."""

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


class Reliability(TypedDict, total=False):
    """The expected calibration error and the bins it is taken over."""

    ece: float
    bins: list[Bin]


class Calibration(TypedDict, total=False):
    """Reliability on the test rows before and after temperature scaling."""

    temperature: float
    before: Reliability
    after: Reliability


class CurvePoint(TypedDict, total=False):
    """One point of the learning curve."""

    rows: int
    score: ScoreData


class Moment(TypedDict, total=False):
    """One line of the training history; steps count from 1 in every stage.

    `general` is how far general texts are still as alike as before training (see `Forgetting.agreement`).
    """

    stage: str
    step: int
    epoch: float
    train_loss: float
    dev_loss: float
    dev_score: float
    general: float
    seconds: float


class Before(TypedDict, total=False):
    """A figure on general text before and after tuning; the difference is after − before, paired by text or block.

    `metric` is `accuracy` (of a linear probe that reads one of `topics` topics off the vectors) or `perplexity`.
    """

    metric: str
    topics: int
    before: ScoreData
    after: ScoreData
    difference: ScoreData
    p_bootstrap: float
    outcome: str


class LayerData(TypedDict, total=False):
    """Linear CKA of what a layer gave of general texts before and after; layer 0 are the embeddings."""

    layer: int
    cka: float


class Forgetting(TypedDict, total=False):
    """General skill before and after, on text from outside the domain that nothing was learnt from.

    `agreement` is Spearman's correlation between the cosines of all pairs of texts before and after; `language` stands
    where the pretrained model foresees tokens.
    """

    text: str
    texts: int
    agreement: ScoreData
    layers: list[LayerData]
    probe: Before
    language: Before
    verdict: str


class FindingData(TypedDict, total=False):
    """`core.report.Finding` as plain data."""

    code: str
    severity: str
    rows: list[int]
    message: str
    remedy: str
    count: int
    source: str


class TurnPoint(TypedDict, total=False):
    """Where dev loss was lowest before it rose, its value there and at the end, and train loss at the end.

    `gained` says whether the dev score was best after it.
    """

    step: int
    epoch: float
    low: float
    last: float
    train: float
    gained: bool


class GapData(TypedDict, total=False):
    """Train and dev loss where the weights were kept."""

    step: int
    train: float
    dev: float


class Overfitting(TypedDict, total=False):
    """What the history shows; `kept_epochs` is how often the kept weights saw each row.

    `by_heart` are the train rows, as `train.csv row 412`, that were learnt only after dev loss turned.
    """

    kept_epochs: float
    turn: TurnPoint
    gap: GapData
    by_heart: list[str]
    findings: list[FindingData]


class FileData(TypedDict, total=False):
    """One file that was read."""

    path: str
    sha256: str
    rows_read: int
    rows_kept: int


class DataSummary(TypedDict, total=False):
    """The rows: how many, which columns, which labels, what was noticed and what was guessed.

    `weak` is the number of rows whose labels nobody has checked, where some were learnt from.
    """

    train: int
    dev: int
    test: int
    weak: int
    columns: dict[str, Any]
    labels: dict[str, dict[str, int]]
    files: dict[str, FileData]
    findings: list[FindingData]
    guesses: list[str]


class Speed(TypedDict, total=False):
    """What the trainings cost; seconds are those of steps and evaluations, and of what strategies do before them."""

    train_seconds: float
    tokens: int
    tokens_per_second: float
    peak_memory_bytes: int
    padding_share: float


class ReportData(TypedDict, total=False):
    """All of `report.json`."""

    schema: int
    run: str
    created: str
    task: str
    metric: str
    watched: str
    verdict: str
    notes: list[str]
    labels: list[str]
    model: ModelData
    protocol: Protocol
    test: Scores
    dev: Scores
    per_class: list[ClassData]
    confusion: Confusion
    scatter: list[list[float]]
    baselines: dict[str, Baseline]
    comparison: Comparison
    calibration: Calibration
    selective: Selective
    priors: PriorsData
    curve: list[CurvePoint]
    curve_text: str
    history: list[Moment]
    kept_step: int
    overfitting: Overfitting
    errors: list[Shown]
    samples: list[Shown]
    span_errors: SpanErrors
    answers: AnswerScores
    sides: Sides
    forgetting: Forgetting
    knowledge: KnowledgeData
    lengths: Lengths
    data: DataSummary
    speed: Speed
    recipe_digest: str
    recipe: dict[str, Any]
    lock: dict[str, Any]

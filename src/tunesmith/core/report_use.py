"""What `report.json` says of a model where it is used: what it leaves unanswered, and classes of other shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from tunesmith.core.report_schema import ScoreData


class Surest(TypedDict, total=False):
    """The error of a share of the test rows, those that the model is surest of."""

    share: float
    error: ScoreData


class Wish(TypedDict, total=False):
    """An error rate that was wished for, the threshold that `rows` gave for it, and what that gives on test rows.

    `crossed` says whether the rows are those of a cross-validation, each fifth of which is answered from the threshold
    of the others. `coverage` is the share that is answered, `selective_error` the error of these.
    """

    error: float
    threshold: float
    rows: int
    crossed: bool
    coverage: ScoreData
    selective_error: ScoreData
    verdict: str


class Selective(TypedDict, total=False):
    """Error against the share of test rows that is answered, the surest first: `curve` has (share, error).

    `aurc` is the area under it, `best` that of an order with all errors last, `random` that of none.
    """

    curve: list[list[float]]
    aurc: float
    best: float
    random: float
    at: list[Surest]
    wish: Wish


class ShareData(TypedDict, total=False):
    """The share of a class where the model is used, among the rows of its loss, and among the test rows."""

    label: str
    prior: float
    trained: float
    test: float


class PriorsData(TypedDict, total=False):
    """Shares that were given, by class, and how many test rows they change the answer to.

    `expected` is the accuracy that is to be expected under them, `uncorrected` that of the answers without them, and
    `difference` is paired.
    """

    shares: list[ShareData]
    changed: int
    expected: ScoreData
    uncorrected: ScoreData
    difference: ScoreData

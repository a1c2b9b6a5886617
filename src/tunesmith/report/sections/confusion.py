"""What is taken for what: a matrix for few classes, the most confused pairs for many, a scatter plot for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tunesmith.core.report_schema import Confusion, ReportData
from tunesmith.evaluation.spans import NONE
from tunesmith.report import words
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.plots.points import cosine_plot, scatter_plot
from tunesmith.report.sections.section import Section, bar, figure, scroll, table

MOST_CLASSES = 20
"""A matrix of more classes is a wallpaper; its largest cells are listed instead."""
_MOST_PAIRS, _PAIRS_BESIDE = 20, 8
_MOST_BESIDE = 8
"""Classes whose matrix leaves room for a table at its side."""
_BANDS = 5


def confusion(report: ReportData) -> Section | None:
    """Return the confusion of classes."""
    found = report.get("confusion") or {}
    labels, counts = found.get("labels") or [], found.get("counts") or []
    if not labels or len(counts) != len(labels):
        return None
    pairs, nouns = _pairs(found), words.nouns(report)
    if len(labels) > MOST_CLASSES:
        body = join(_worst(pairs, nouns), _many(pairs, len(labels), nouns))
    else:
        few = _pair_table(pairs[:_PAIRS_BESIDE], "Confused most often", nouns) if len(labels) > 2 and pairs else None
        beside = len(labels) <= _MOST_BESIDE
        body = join(_worst(pairs, nouns), tag("div", _matrix(found, nouns), few, class_="plots" if beside else None))
    return Section("confusion", "What is taken for what", body)


def predicted_against_true(report: ReportData) -> Section | None:
    """Return scatter plot and errors of a regression; of a matching the cosines by score."""
    pairs = [pair for pair in report.get("scatter") or [] if len(pair) == 2 and None not in pair]
    if not pairs:
        return None
    if report.get("task") == "embed":
        caption = f"{words.rows(len(pairs), 'pair')}; the more surely the cosine rises with the score, the better."
        shown = tag("div", figure(cosine_plot(pairs, len(pairs)), caption), _cosine_table(pairs), class_="plots")
        return Section("scatter", "Cosine by score", shown)
    caption = f"{words.rows(len(pairs))}; on the dashed diagonal the prediction is exact."
    body = tag("div", figure(scatter_plot(pairs, len(pairs)), caption), _error_table(pairs), class_="plots")
    return Section("scatter", "Predicted against true", body)


Pair = tuple[str, str, int, int]
"""(true class, predicted class, rows, rows of the true class)"""


def _pairs(found: Confusion) -> list[Pair]:
    labels, counts = found["labels"], found["counts"]
    pairs = [
        (labels[i], labels[j], counts[i][j], sum(counts[i]))
        for i in range(len(labels))
        for j in range(len(labels))
        if i != j and counts[i][j]
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[3], pair[0], pair[1]))


def _worst(pairs: Sequence[Pair], nouns: words.Nouns) -> Markup:
    pairs = [pair for pair in pairs if nouns.thing != "span" or NONE not in pair[:2]]
    if not pairs:
        return tag("p", f"No test {nouns.thing} was taken for another {nouns.label}.")
    true, predicted, n, of = pairs[0]
    return tag(
        "p",
        "The most frequent confusion: ",
        tag("b", breakable(true)),
        " taken for ",
        tag("b", breakable(predicted)),
        f", {n} of {words.rows(of, nouns.thing)} ({words.percent(n / of)}).",
    )


def _matrix(found: Confusion, nouns: words.Nouns) -> Markup:
    labels, counts = found["labels"], found["counts"]
    corner = tag("th", "true ↓ predicted →", class_="corner", scope="col")
    head = tag("tr", corner, *(tag("th", tag("span", label), scope="col") for label in labels))
    body = [
        tag(
            "tr",
            tag("th", tag("span", breakable(labels[i])), scope="row"),
            *_cells(i if labels[i] != NONE or nouns.thing != "span" else -1, row),
        )
        for i, row in enumerate(counts)
    ]
    matrix = tag("table", tag("thead", head), tag("tbody", *body), class_="matrix")
    caption = (
        f"Test {nouns.thing}s by true {nouns.label} (row) and predicted {nouns.label} (column); the shade is the share "
        f"of the true {nouns.label}, the outlined diagonal is right{_nothing(nouns)}."
    )
    return tag("figure", scroll(matrix, "Confusion matrix"), tag("figcaption", caption))


def _cells(i: int, row: Sequence[int]) -> list[Markup]:
    """The cells of a row of which the i-th is right; none is in the row of what has no kind."""
    total = sum(row) or 1
    return [
        tag(
            "td",
            words.count(n) if n else "·",
            class_="right" if i == j else None,
            style=f"--share:{0.12 + 0.88 * n / total:.2f}" if n else None,
        )
        for j, n in enumerate(row)
    ]


def _nothing(nouns: words.Nouns) -> str:
    """What the row and the column of no kind hold."""
    if nouns.thing != "span":
        return ""
    return f", whatever the bounds. In the row {NONE} stand the invented spans, in the column {NONE} the missed ones"


def _many(pairs: Sequence[Pair], classes: int, nouns: words.Nouns) -> Markup:
    shown = pairs[:_MOST_PAIRS]
    lead = f"With {classes} {nouns.labels} a matrix would be unreadable; these are the pairs confused most often"
    more = f" ({len(shown)} of {len(pairs)})" if len(pairs) > len(shown) else ""
    none = f" {NONE} taken for a kind is an invented span, a kind taken for {NONE} a missed one."
    said = tag("p", f"{lead}{more}.", none if nouns.thing == "span" else None, class_="lead")
    return join(said, _pair_table(shown, "Most confused pairs", nouns, bars=True))


def _pair_table(pairs: Sequence[Pair], title: str, nouns: words.Nouns, bars: bool = False) -> Markup:
    body: list[list[Child]] = [
        [breakable(true), breakable(predicted), words.count(n), words.percent(n / of), bar(n / of)]
        for true, predicted, n, of in pairs
    ]
    head: list[Child] = [f"True {nouns.label}", "Taken for", f"{nouns.thing.capitalize()}s", "Share", ""]
    columns = len(head) if bars else len(head) - 1
    return table(head[:columns], [row[:columns] for row in body], (2, 3), title, bars=4)


def _error_table(pairs: Sequence[Sequence[float]]) -> Markup:
    """Errors by the true value: where on the scale the model errs."""
    body: list[list[Child]] = []
    for span, band in _banded(pairs):
        errors = [predicted - true for true, predicted in band]
        bias = sum(errors) / len(errors)
        mean = sum(map(abs, errors)) / len(errors)
        body.append([span, words.count(len(band)), ("+" if bias > 0 else "") + words.plain(bias), words.plain(mean)])
    head = ["True value", "Rows", "Mean error", "Mean size of error"]
    return tag(
        "div",
        tag("h3", "Errors along the scale"),
        table(head, body, (1, 2, 3), "Errors by true value"),
        tag("p", "A positive mean error: predicted too high.", class_="small"),
    )


def _cosine_table(pairs: Sequence[Sequence[float]]) -> Markup:
    """Cosines by score: bands whose cosines overlap cannot be told apart by a threshold."""
    body: list[list[Child]] = []
    for span, band in _banded(pairs):
        cosines = sorted(cosine for _, cosine in band)
        tenth = len(cosines) // 10
        middle = f"{words.plain(cosines[tenth])} to {words.plain(cosines[-1 - tenth])}"
        body.append([span, words.count(len(band)), words.plain(sum(cosines) / len(cosines)), middle])
    head = ["Score", "Pairs", "Mean cosine", "80\u202f% lie within"]
    return tag("div", tag("h3", "Cosines along the scale"), table(head, body, (1, 2, 3), "Cosines by score"))


def _banded(pairs: Sequence[Sequence[float]]) -> list[tuple[str, Sequence[Sequence[float]]]]:
    """Return the pairs in bands of the true value that hold equally many, each with its bounds in words."""
    ordered = sorted(pairs, key=lambda pair: (pair[0], pair[1]))
    bands = min(_BANDS, len(ordered))
    edges = [round(i * len(ordered) / bands) for i in range(bands + 1)]
    cut = [ordered[start:end] for start, end in pairwise(edges)]
    return [(f"{words.number(band[0][0])} to {words.number(band[-1][0])}", band) for band in cut]

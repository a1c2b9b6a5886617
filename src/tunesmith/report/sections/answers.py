"""Answers in a text: how good they are, whether the model knows it, and each question with its context."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from tunesmith.core.example import Answer
from tunesmith.core.prediction import Mention
from tunesmith.core.report_schema import ReportData
from tunesmith.core.report_shown import Shown, SpanData
from tunesmith.evaluation.answers import row_scores
from tunesmith.evaluation.figure import as_objects
from tunesmith.report import words
from tunesmith.report.excerpt import Part, excerpt
from tunesmith.report.kinds import spans_in
from tunesmith.report.marks import Mark, lanes, marked_text, named_line
from tunesmith.report.markup import Child, Markup, breakable, join, tag
from tunesmith.report.plots.points import AnswerBin, answer_plot
from tunesmith.report.sections.section import Section, bar, details, figure, table

_MOST_LETTERS, _MOST_WHOLE = 420, 20_000
_BINS = 10
_FEWEST = 20


class _Asked(NamedTuple):
    """One test question: exact match, F1, and how sure the model was; 0 where it gave no answer."""

    exact: float
    f1: float
    score: float


def answers(report: ReportData) -> Section | None:
    """Return how many answers are right, in part right and wrong, and how that goes with confidence."""
    found = report.get("answers") or {}
    columns = [found.get(name) or [] for name in ("exact", "f1", "score")]
    asked = [_Asked(*row) for row in zip(*columns, strict=False) if all(x is not None and isfinite(x) for x in row)]
    if not asked:
        return None
    given = [one for one in asked if one.score > 0]
    body = join(_outcomes(asked, given), _by_confidence(given) if given else None)
    return Section("answers", "Right, in part, wrong", body)


def _outcomes(asked: Sequence[_Asked], given: Sequence[_Asked]) -> Markup:
    exact = [one for one in asked if one.exact == 1]
    nothing = [one for one in asked if one.f1 == 0]
    silent = [one for one in asked if one.score <= 0]
    groups = [
        ("exact", "the words of a right answer", len(exact)),
        ("in part", "shares words with a right answer", len(asked) - len(exact) - len(nothing)),
        ("wrong", "shares no word with one", len(nothing)),
    ]
    body: list[list[Child]] = [
        [name, tag("span", meaning, class_="soft"), bar(n / len(asked)), words.count(n), words.percent(n / len(asked))]
        for name, meaning, n in groups
    ]
    shown = table(["Answer", "", "", "Questions", "Share"], body, (3, 4), "Answers by how right they are", bars=2)
    if not silent:
        return shown
    right = sum(one.exact == 1 for one in silent)
    said = (
        f"To {words.rows(len(silent), 'question')} the model said that there is no answer, rightly to "
        f"{words.count(right)} of them; it answered {words.count(len(given))}."
    )
    return join(shown, tag("p", said))


def _by_confidence(given: Sequence[_Asked]) -> Markup:
    bins = _bins(given)
    caption = (
        "Each dot holds the answers of one tenth of the scale of confidence; the larger it is, the more of the "
        f"{words.rows(len(given), 'answer')}. Confidence is the probability of exactly this stretch of the context."
    )
    body: list[list[Child]] = [
        [
            f"{100 * item.low:.0f}–{100 * item.high:.0f}\u202f%",
            words.percent(item.f1),
            words.percent(item.exact),
            words.count(item.n),
        ]
        for item in bins
    ]
    shown = table(["Confidence", "Mean F1", "Exact", "Answers"], body, (1, 2, 3), "Answers by confidence")
    plot = tag("div", figure(answer_plot(bins), caption), shown, class_="plots")
    return join(tag("h3", "Does it know when it is right?"), tag("p", said) if (said := _halves(given)) else None, plot)


def _halves(given: Sequence[_Asked]) -> str:
    if len(given) < _FEWEST:
        return ""
    ordered = sorted(given, key=lambda one: -one.score)
    middle = len(ordered) // 2
    sure, unsure = (sum(one.f1 for one in half) / len(half) for half in (ordered[:middle], ordered[middle:]))
    return (
        f"The half of its answers that it was surest of has a mean F1 of {words.percent(sure)}, the other half "
        f"{words.percent(unsure)}."
    )


def _bins(given: Sequence[_Asked]) -> list[AnswerBin]:
    grouped: dict[int, list[_Asked]] = {}
    for one in given:
        grouped.setdefault(min(_BINS - 1, int(one.score * _BINS)), []).append(one)
    return [_bin(at, inside) for at, inside in sorted(grouped.items())]


def _bin(at: int, inside: Sequence[_Asked]) -> AnswerBin:
    exact, f1, score = (sum(column) / len(inside) for column in zip(*inside, strict=True))
    return AnswerBin(at / _BINS, (at + 1) / _BINS, exact, f1, score, len(inside))


def answer_card(row: Shown) -> Markup:
    """Return a question, the part of its context where the answers stand, and how good the one given is."""
    context = row.get("context", "")
    right, given = spans_in(row)
    shown = _shown(right, given)
    places: list[Part] = [(mark.start, mark.end) for lane in shown for mark in lane]
    whole = [(0, len(context))] if len(context) <= _MOST_WHOLE else excerpt(context, places, _MOST_WHOLE)
    parts = excerpt(context, places, _MOST_LETTERS)
    return tag(
        "li",
        tag("p", row.get("text", ""), class_="quote strong", dir="auto"),
        _lines(context, shown, parts),
        _facts(row),
        details(f"The context ({words.count(len(context))} characters)", _lines(context, shown, whole))
        if parts != whole and context
        else None,
    )


def _shown(right: Sequence[SpanData], given: Sequence[SpanData]) -> list[list[Mark]]:
    """Return the marks in lines: of right answers that overlap the one nearest to what was given, then what was given.

    SQuAD and its kin mark the same answer several times, a word more or less; all of them stand in the facts below.
    """
    bounds = {(span["start"], span["end"]) for span in given}
    marks: list[Mark] = []
    for span in sorted(right, key=lambda span: min((_apart(span, one) for one in given), default=0)):
        if all(span["end"] <= mark.start or mark.end <= span["start"] for mark in marks):
            note = "right and given" if (span["start"], span["end"]) in bounds else "right"
            marks.append(Mark(span["start"], span["end"], note, "k2 right"))
    taken = {(mark.start, mark.end) for mark in marks}
    for span in given:
        if (span["start"], span["end"]) not in taken:
            sure = f" {words.whole_percent(span['score'])}" if "score" in span else ""
            marks.append(Mark(span["start"], span["end"], f"given{sure}", "k1 off"))
    # The right answers in the first line wherever the two overlap.
    first = [mark for mark in marks if mark.look == "k2 right"]
    lines = lanes(first)
    for mark in marks[len(first) :]:
        if any(mark.start < other.end and other.start < mark.end for other in lines[0]):
            lines.append([mark])
        else:
            lines[0] = sorted([*lines[0], mark])
    return lines


def _apart(one: SpanData, other: SpanData) -> int:
    return abs(one["start"] - other["start"]) + abs(one["end"] - other["end"])


def _lines(context: str, lines: Sequence[Sequence[Mark]], parts: Sequence[Part]) -> Markup:
    if len(lines) == 1:
        return marked_text(context, lines[0], parts)
    return join(
        *(
            named_line("given" if line[0].look == "k1 off" else "right", marked_text(context, line, parts))
            for line in lines
        )
    )


def _facts(row: Shown) -> Markup:
    target = row.get("target")
    golds = list(dict.fromkeys(map(str, target))) if isinstance(target, list) else []
    given = str(row.get("label", ""))
    exact, f1 = _figures(golds, given)
    facts = [
        ("given", given or "(no answer)"),
        ("right", " | ".join(golds) or "(no answer)") if "target" in row else None,
        ("F1", words.percent(f1)) if "target" in row else None,
        ("exact", "yes" if exact else "no") if "target" in row else None,
        ("confidence", words.percent(row["score"])) if given and "score" in row else None,
    ]
    told = [tag("span", f"{fact[0]} ", tag("b", tag("bdi", breakable(fact[1])))) for fact in facts if fact]
    place = row.get("source") or row.get("id")
    return tag("p", *told, tag("span", place) if place else None, class_="facts")


def _figures(golds: Sequence[str], given: str) -> tuple[float, float]:
    said = (Mention(0, len(given), given, "", 0.0),) if given else ()
    exact, f1 = row_scores(as_objects([tuple(Answer(gold, None) for gold in golds)]), as_objects([said]))
    return float(exact[0]), float(f1[0])

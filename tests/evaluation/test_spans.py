import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Span
from tunesmith.core.prediction import Mention
from tunesmith.evaluation.figure import as_objects
from tunesmith.evaluation.interval import bootstrap
from tunesmith.evaluation.spans import NONE, SPANS, error_kinds, kind_confusion, outcomes, per_kind

KINDS = ("person", "place", "work")
WIDTH = 3


def column(rows):
    return as_objects(tuple(row) for row in rows)


def spans_of(tags):
    """The spans of a legal IOB2 sequence, each word being two characters and a space."""
    found = []
    for at, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append([at * WIDTH, at * WIDTH + 2, tag[2:]])
        elif tag.startswith("I-"):
            found[-1][1] = at * WIDTH + 2
    return [Span(*one) for one in found]


def legal(tags):
    """Break no rule of IOB2: what continues nothing begins."""
    before, found = "O", []
    for tag in tags:
        found.append("B-" + tag[2:] if tag.startswith("I-") and before[2:] != tag[2:] else tag)
        before = tag
    return found


tag_rows = st.lists(
    st.lists(st.sampled_from(["O", *(f"{begin}-{kind}" for begin in "BI" for kind in KINDS)]), max_size=12).map(legal),
    min_size=1,
    max_size=8,
)


def same_length(random, rows):
    """What a tagger makes of `rows`: mostly right, with shifted bounds, other kinds, gaps and inventions."""
    found = []
    for row in rows:
        tags = list(row)
        for at in range(len(tags)):
            chance = random.random()
            if chance < 0.1:
                tags[at] = "O"
            elif chance < 0.2:
                tags[at] = f"I-{KINDS[random.integers(3)]}"
            elif chance < 0.25:
                tags[at] = f"B-{KINDS[random.integers(3)]}"
        found.append(legal(tags))
    return found


def assert_agrees_with_seqeval(marked, given_tags):
    from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
    from seqeval.scheme import IOB2

    targets, outputs = column(map(spans_of, marked)), column(map(spans_of, given_tags))
    strict = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    if not sum(map(len, targets)) + sum(map(len, outputs)):
        assert all(np.isnan(metric(targets, outputs)) for metric in SPANS.values())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sides without spans, which is what is tried here
        expected = {
            "span_f1": f1_score(marked, given_tags, average="micro", **strict),
            "span_precision": precision_score(marked, given_tags, average="micro", **strict),
            "span_recall": recall_score(marked, given_tags, average="micro", **strict),
            "macro_span_f1": f1_score(marked, given_tags, average="macro", **strict),
        }
        report = classification_report(marked, given_tags, output_dict=True, **strict)
    found = {name: SPANS[name](targets, outputs) for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)
    kinds = per_kind(targets, outputs, ())
    assert {row["label"] for row in kinds} == {name for name in report if not name.endswith(" avg")}
    for row in kinds:
        theirs = report[row["label"]]
        assert [row["precision"], row["recall"], row["f1"], row["support"]] == pytest.approx(
            [theirs["precision"], theirs["recall"], theirs["f1-score"], theirs["support"]], abs=1e-12
        )


@settings(deadline=None, max_examples=60)
@given(marked=tag_rows, seed=st.integers(0, 10_000))
def test_strict_figures_equal_those_of_seqeval_on_unrelated_tags(marked, seed):
    pytest.importorskip("seqeval")
    random = np.random.default_rng(seed)
    given_tags = [legal(["O" if random.random() < 0.4 else f"{random.choice(['B', 'I'])}-{random.choice(KINDS)}"
                         for _ in row]) for row in marked]  # fmt: skip
    assert_agrees_with_seqeval(marked, given_tags)


@pytest.mark.parametrize("seed", range(3))
def test_strict_figures_equal_those_of_seqeval_on_errors_as_taggers_make_them(seed):
    pytest.importorskip("seqeval")
    random = np.random.default_rng(seed)
    marked = []
    for _ in range(200):
        row: list[str] = []
        while len(row) < 20:
            kind, length = KINDS[random.integers(3)], int(random.integers(1, 5))
            row += [f"B-{kind}", *[f"I-{kind}"] * (length - 1)] if random.random() < 0.3 else ["O"] * length
        marked.append(row)
    given_tags = same_length(random, marked)
    assert sum(map(len, map(spans_of, marked))) > 300
    assert_agrees_with_seqeval(marked, given_tags)


TARGETS = column([
    [Span(0, 5, "person"), Span(10, 20, "place"), Span(30, 35, "work")],
    [Span(0, 4, "work"), Span(6, 9, "place")],
    [],
])  # fmt: skip
OUTPUTS = column([
    [Mention(0, 5, "", "person", 0.9), Mention(10, 18, "", "place", 0.8), Mention(30, 35, "", "place", 0.7)],
    [Mention(2, 5, "", "person", 0.6)],
    [Mention(1, 2, "", "work", 0.5)],
])  # fmt: skip


def test_figures_of_a_case_done_by_hand():
    figures = {name: metric(TARGETS, OUTPUTS) for name, metric in SPANS.items()}
    assert figures == pytest.approx({
        "span_f1": 2 * 1 / 10,
        "span_precision": 1 / 5,
        "span_recall": 1 / 5,
        "macro_span_f1": (2 / 3 + 0 + 0) / 3,
        "overlap_f1": 2 * 2 / 10,  # the person, and the place that was cut short
        "boundary_f1": 2 * 2 / 10,  # the person, and the work that was called a place
    })  # fmt: skip


def test_every_error_is_of_one_kind():
    assert error_kinds(TARGETS, OUTPUTS) == {
        "right": 1, "boundary": 1, "kind": 1, "both": 1, "missed": 1, "invented": 1,
    }  # fmt: skip


def test_every_span_knows_what_became_of_it():
    marked = [Span(0, 4, "place"), Span(5, 9, "place"), Span(20, 24, "work"), Span(30, 34, "work")]
    given_spans = [Mention(20, 24, "", "place", 0.9), Mention(0, 9, "", "place", 0.9), Mention(5, 9, "", "place", 0.9),
                   Mention(40, 44, "", "work", 0.9)]  # fmt: skip
    assert outcomes(marked, given_spans) == (
        ["boundary", "right", "kind", "missed"], ["kind", "boundary", "right", "invented"],
    )  # fmt: skip
    assert outcomes([], []) == ([], [])


def test_confusion_holds_every_span_once():
    found = kind_confusion(TARGETS, OUTPUTS, ["place", "person"])
    assert found["labels"] == ["place", "person", "work", NONE]
    assert found["counts"] == [
        [1, 0, 0, 1],  # a place found with other bounds, one missed
        [0, 1, 0, 0],
        [1, 1, 0, 0],  # one work called a place, one a person
        [0, 0, 1, 0],  # a work invented
    ]


def test_kinds_without_spans_are_listed_with_zeros():
    found = per_kind(TARGETS, OUTPUTS, ["event", "person"])
    assert [row["label"] for row in found] == ["event", "person", "place", "work"]
    assert found[0] == {"label": "event", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert found[1]["f1"] == pytest.approx(2 / 3)
    assert [row["support"] for row in found] == [0, 1, 2, 2]


def test_one_given_span_finds_one_marked_span():
    targets = column([[Span(0, 4, "place"), Span(5, 9, "place")]])
    outputs = column([[Span(0, 9, "place")]])
    assert SPANS["overlap_f1"](targets, outputs) == pytest.approx(2 / 3)
    found = error_kinds(targets, outputs)
    assert (found["boundary"], found["missed"], found["invented"]) == (1, 1, 0)


def test_saying_a_thing_twice_is_wrong_once():
    once, twice = column([[Span(0, 4, "place")]]), column([[Span(0, 4, "place")] * 2])
    assert SPANS["span_precision"](once, twice) == 0.5
    assert SPANS["overlap_f1"](once, twice) == pytest.approx(2 / 3)


def best_matching(marked, given_spans, fits):
    """The most pairs, by trying all of them: an independent way for small rows."""
    if not marked:
        return 0
    first, rest = marked[0], marked[1:]
    best = best_matching(rest, given_spans, fits)
    for at, other in enumerate(given_spans):
        if fits(first, other):
            best = max(best, 1 + best_matching(rest, given_spans[:at] + given_spans[at + 1 :], fits))
    return best


span_rows = st.lists(
    st.lists(st.builds(lambda start, size, kind: Span(start, start + size, kind), st.integers(0, 12), st.integers(1, 6),
                       st.sampled_from(KINDS)), max_size=5),
    min_size=3, max_size=3,
)  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(marked=span_rows, given_spans=span_rows)
def test_spans_that_lie_in_each_other_are_matched_as_well_as_can_be(marked, given_spans):
    rules = {
        "span_f1": lambda a, b: a == b,
        "overlap_f1": lambda a, b: a.label == b.label and a.start < b.end and b.start < a.end,
        "boundary_f1": lambda a, b: (a.start, a.end) == (b.start, b.end),
    }
    total = sum(map(len, marked)) + sum(map(len, given_spans))
    for name, fits in rules.items():
        hits = sum(best_matching(a, b, fits) for a, b in zip(marked, given_spans, strict=True))
        found = SPANS[name](column(marked), column(given_spans))
        assert found == pytest.approx(2 * hits / total) if total else np.isnan(found)
    errors = error_kinds(column(marked), column(given_spans))
    paired = errors["right"] + errors["boundary"] + errors["kind"] + errors["both"]
    assert paired + errors["missed"] == sum(map(len, marked))
    assert paired + errors["invented"] == sum(map(len, given_spans))
    confusion = np.array(kind_confusion(column(marked), column(given_spans), KINDS)["counts"])
    assert confusion.sum() == paired + errors["missed"] + errors["invented"]


def test_resamples_equal_the_figure_of_the_rows_drawn():
    random = np.random.default_rng(4)
    rows = [[Span(0, 3, KINDS[random.integers(3)])] * int(random.integers(0, 2)) for _ in range(30)]
    others = [[Span(0, int(random.integers(2, 4)), KINDS[random.integers(3)])] for _ in range(30)]
    targets, outputs = column(rows), column(others)
    drawn = random.integers(0, 30, (30, 4))
    counts = np.stack([np.bincount(one, minlength=30) for one in drawn.T], axis=1).astype(float)
    for metric in SPANS.values():
        expected = [metric(targets[one], outputs[one]) for one in drawn.T]
        assert metric.over(targets, outputs, counts) == pytest.approx(expected)


def test_every_figure_gets_an_interval():
    random = np.random.default_rng(5)
    targets = column([[Span(0, 3, KINDS[random.integers(3)])] for _ in range(40)])
    outputs = column([row if random.random() < 0.7 else [Span(1, 3, row[0].label)] for row in targets])
    scores = bootstrap(SPANS, targets, outputs, resamples=200)
    assert set(scores) == set(SPANS)
    assert all(score.low <= score.value <= score.high for score in scores.values())
    assert scores["span_f1"].low < scores["span_f1"].high

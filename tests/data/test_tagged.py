"""Every way to mark spans, the spans that come of it, and what is said of those that had to be mended."""

from __future__ import annotations

import csv
import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import Span, TokenExample
from tunesmith.core.report import Finding
from tunesmith.core.words import words_of
from tunesmith.data.check import inspect
from tunesmith.data.joined import join_words
from tunesmith.data.load import load_splits
from tunesmith.data.rows import Prepared, label_counts, pick, prepare
from tunesmith.data.spanlist import Marked
from tunesmith.data.spanrepair import Repairs, repaired
from tunesmith.data.split import strata_of
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

GLIDE = "My Glide 2 battery died"
FOUND = (Span(3, 10, "PRODUCT"), Span(11, 18, "PART"))
NONE = "Nothing is marked here"


def write(path: Path, rows: list[Any]) -> str:
    """Write rows as jsonl, or as one document where the suffix is json."""
    whole = path.suffix == ".json"
    lines = [json.dumps(rows)] if whole else [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def prepared(tmp_path: Path, rows: list[Any], task: str = "auto", name: str = "rows.jsonl", **data: Any) -> Prepared:
    return prepare(Data(train=write(tmp_path / name, rows), **data), task)


def found(prepared: Prepared, code: str) -> Finding:
    (finding,) = [finding for finding in prepared.findings if finding.code == code]
    return finding


def spans_in(prepared: Prepared, split: str = "train") -> list[list[str]]:
    """Return what every span covers, with its kind."""
    rows = prepared.files[split]
    return [
        [f"{text[span.start : span.end]}/{span.label}" for span in target]  # type: ignore[union-attr]
        for text, target in zip(rows.texts[0], rows.targets, strict=True)
    ]


# --- shapes ------------------------------------------------------------------------------------------------------

LISTS = [[3, 10, "PRODUCT"], [11, 18, "PART"]]
OBJECTS = [{"start": 3, "end": 10, "label": "PRODUCT"}, {"start": 11, "end": 18, "label": "PART"}]
STUDIO = [
    {"type": "labels", "value": {"start": 3, "end": 10, "text": "Glide 2", "labels": ["PRODUCT"]}},
    {"type": "labels", "value": {"start": 11, "end": 18, "text": "battery", "labels": ["PART"]}},
    {"type": "choices", "value": {"choices": ["angry"]}},
]
SHAPES: dict[str, tuple[str, list[Any]]] = {
    "own": ("r.jsonl", [{"id": "a", "text": GLIDE, "spans": OBJECTS}, {"id": "b", "text": NONE, "spans": []}]),
    "doccano": ("r.jsonl", [{"id": 1, "text": GLIDE, "label": LISTS}, {"id": 2, "text": NONE, "label": []}]),
    "doccano with entities": (
        "r.jsonl",
        [{"text": GLIDE, "entities": [{"id": 1, "label": "PRODUCT", "start_offset": 3, "end_offset": 10},
                                      {"id": 2, "label": "PART", "start_offset": 11, "end_offset": 18}],
          "relations": []}, {"text": NONE, "entities": [], "relations": []}],
    ),
    "label studio": (
        "r.json",
        [{"id": 1, "data": {"text": GLIDE}, "annotations": [{"result": [], "was_cancelled": True}, {"result": STUDIO}]},
         {"id": 2, "data": {"text": NONE}, "annotations": [{"result": []}]}],
    ),
    "label studio, min": (
        "r.json",
        [{"id": 1, "text": GLIDE, "label": [item["value"] for item in STUDIO[:2]], "annotator": 1, "lead_time": 2.5},
         {"id": 2, "text": NONE, "label": [], "annotator": 1, "lead_time": 1.5}],
    ),
    "spacy pairs": ("r.json", [[GLIDE, {"entities": LISTS}], [NONE, {"entities": []}]]),
    "spacy pairs by line": ("r.jsonl", [[GLIDE, {"entities": LISTS}], [NONE, {"entities": []}]]),
    "spacy objects": ("r.json", [{"text": GLIDE, "ents": OBJECTS}, {"text": NONE, "ents": []}]),
    "an object of lists": (
        "r.jsonl",
        [{"text": GLIDE, "spans": {"start": [3, 11], "end": [10, 18], "label": ["PRODUCT", "PART"]}},
         {"text": NONE, "spans": {"start": [], "end": [], "label": []}}],
    ),
    "tokens and tags": (
        "r.jsonl",
        [{"tokens": GLIDE.split(), "tags": ["O", "B-PRODUCT", "I-PRODUCT", "B-PART", "O"]},
         {"tokens": NONE.split(), "tags": ["O"] * 4}],
    ),
    "words and ner_tags among other tags": (
        "r.jsonl",
        [{"words": GLIDE.split(), "pos_tags": ["A", "B", "C", "D", "E"], "label": "x",
          "ner_tags": ["O", "B-PRODUCT", "L-PRODUCT", "U-PART", "O"]},
         {"words": NONE.split(), "pos_tags": ["A", "B", "C", "D"], "label": "y", "ner_tags": ["O"] * 4}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_spans(tmp_path: Path, shape: str) -> None:
    name, rows = SHAPES[shape]
    got = prepared(tmp_path, rows, name=name)
    assert (got.task, got.kind) == ("tag", "spans")
    assert got.files["train"].texts == ([GLIDE, NONE],)
    assert got.files["train"].targets == [FOUND, ()]
    assert got.guesses[0].startswith("The task is tag, since column")
    assert got.guesses[0].endswith("change that with --task.")
    assert not got.findings


def test_conll_files_are_tagged_rows(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("My O\nGlide B-PRODUCT\n2 I-PRODUCT\nbattery B-PART\ndied O\n\nNothing O\n")
    got = prepare(Data(train=str(path)))
    assert got.files["train"].targets == [FOUND, ()]
    assert got.files["train"].numbers.tolist() == [1, 7]
    assert got.columns == {"tokens": "tokens", "tags": "tags"}


@pytest.mark.parametrize(
    ("marked", "style"),
    [("My [Glide 2](PRODUCT) [battery](PART) died", "[words](KIND)"),
     ("My <PRODUCT>Glide 2</PRODUCT> <PART>battery</PART> died", "<KIND>words</KIND>")],
)  # fmt: skip
def test_marks_within_a_csv_are_read(tmp_path: Path, marked: str, style: str) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["x1", f"  {marked} "], ["x2", NONE]])
    got = prepare(Data(train=str(path)))
    assert (got.task, got.columns) == ("tag", {"text": "text"})
    assert got.files["train"].texts == ([GLIDE, NONE],)
    assert got.files["train"].targets == [FOUND, ()]
    assert any(style in guess for guess in got.guesses)


def test_links_in_labelled_texts_are_no_marks(tmp_path: Path) -> None:
    rows = [{"text": f"see [this](page) about subject {n}", "label": "ab"[n % 2]} for n in range(20)]
    assert prepared(tmp_path, rows).task == "classify"
    assert prepared(tmp_path, rows, "tag", text="text").files["train"].targets[0] == (Span(4, 8, "page"),)


def test_texts_with_labels_and_spans_are_classified_unless_told(tmp_path: Path) -> None:
    rows = [{"text": f"{GLIDE} and more {n}", "label": "ab"[n % 2], "entities": LISTS} for n in range(20)]
    assert prepared(tmp_path, rows).task == "classify"
    assert prepared(tmp_path, rows, spans="entities").files["train"].targets[0] == FOUND


def test_cells_of_lists_in_a_csv_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["tokens", "tags"], [str(GLIDE.split()), str(["O", "B-PRODUCT", "I-PRODUCT", "B-PART", "O"])],
             [NONE, "O O O O"]]
        )  # fmt: skip
    got = prepare(Data(train=str(path)))
    assert (got.task, got.files["train"].targets) == ("tag", [FOUND, ()])


@pytest.mark.parametrize("named", [True, False])
def test_tags_that_are_numbers_need_names(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "rows.parquet"
    features = {"ner_tags": {"feature": {"names": ["O", "B-PART", "I-PART"], "_type": "ClassLabel"}, "_type": "List"}}
    kept = {"huggingface": json.dumps({"info": {"features": features}})} if named else None
    kind = pa.schema([("tokens", pa.list_(pa.string())), ("ner_tags", pa.list_(pa.int64()))], metadata=kept)
    pq.write_table(pa.table({"tokens": [["a", "b", "c"], ["d"]], "ner_tags": [[0, 1, 2], [0]]}, schema=kind), path)
    if not named:
        with pytest.raises(InputError, match=r"K107 .*holds numbers \(0, 1, 2, …\)"):
            prepare(Data(train=str(path)))
    data = Data(train=str(path), labels={} if named else {"0": "O", "1": "B-PART", "2": "I-PART"})
    got = prepare(data)
    assert got.files["train"].targets == [(Span(2, 5, "PART"),), ()]
    assert not got.findings


def test_words_without_prefix_are_labelled_one_by_one(tmp_path: Path) -> None:
    got = prepared(tmp_path, [{"tokens": ["the", "old", "man"], "tags": ["DET", "ADJ", "NOUN"]}])
    assert spans_in(got) == [["the/DET", "old/ADJ", "man/NOUN"]]
    assert any("one label a word" in guess for guess in got.guesses)


def test_columns_can_be_named(tmp_path: Path) -> None:
    rows = [{"w": ["a", "b"], "one": ["B-X", "O"], "two": ["O", "B-Y"]}]
    assert spans_in(prepared(tmp_path, rows, tokens="w", tags="two")) == [["b/Y"]]
    assert spans_in(prepared(tmp_path, rows, "tag", tokens="w", label="one")) == [["a/X"]]
    rows = [{"body": GLIDE, "marks": LISTS, "more": LISTS[:1], "title": "a title"}]
    got = prepared(tmp_path, rows, "tag", text="body", label="more", id="title")
    assert (spans_in(got), got.columns) == ([["Glide 2/PRODUCT"]], {"text": "body", "spans": "more", "id": "title"})


@pytest.mark.parametrize(
    ("rows", "data", "message"),
    [
        ([{"text": NONE, "label": "a"}], {}, "nothing is marked"),
        ([{"text": NONE}], {"spans": "span"}, 'no column "span"'),
        ([{"words": ["a"], "x": 1}], {"tokens": "words"}, "no column looks like the tags"),
    ],
)
def test_nothing_marked_is_said(tmp_path: Path, rows: list[Any], data: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=f"K106.*{message}"):
        prepared(tmp_path, rows, "tag", **data)


# --- offsets -----------------------------------------------------------------------------------------------------

WORDS = st.lists(
    st.text(alphabet=st.sampled_from("aZ9'电池ด่ךשؤéé😀👩\u200d🔬́ั，. "), min_size=1, max_size=4), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=100)
@given(WORDS)
def test_words_stand_where_they_are_said_to(words: list[str]) -> None:
    text, places = join_words(words)
    assert [text[place[0] : place[1]] if place else None for place in places] == [
        word.strip() or None for word in words
    ]
    given_places = [place for place in places if place]
    assert all(one[1] <= two[0] for one, two in pairwise(given_places))
    assert text == text.strip()
    between = {text[one[1] : two[0]] for one, two in pairwise(given_places)}
    assert between <= {"", " "}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["New York", "is", "big", "."], "New York is big ."),
        (["电", "池", "，", "坏"], "电池，坏"),
        (["买", "iPhone", "，", "好"], "买 iPhone ，好"),
        (["买", "i", "P", "4", "😀", "！"], "买iP4😀！"),  # single characters: nothing was parted by spaces
        (["电", " ", "a"], "电 a"),
        (["a", "b"], "a b"),
        (["สวัส", "ดี"], "สวัสดี"),
        (["한국", "말"], "한국 말"),
    ],
)
def test_words_are_joined_as_their_script_is_written(words: list[str], text: str) -> None:
    assert join_words(words)[0] == text


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet=st.sampled_from("ab 电池é́😀👍🏽\u200dשלום "), max_size=30), st.data())
def test_marked_stretches_come_back_exactly(text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = [Marked(one, two, "X") for one, two in zip(edges[::2], edges[1::2], strict=False) if text[one:two].strip()]
    repairs = Repairs()
    got, whole = repaired(0, text, spans, (), repairs)
    assert whole
    assert [text[span.start : span.end] for span in got] == [text[span.start : span.end].strip() for span in spans]
    inner = {edge for word in words_of(text) for edge in word}
    assert ("cut" in repairs.places) == any({span.start, span.end} - inner for span in got)


def test_texts_are_not_stripped_where_offsets_count(tmp_path: Path) -> None:
    got = prepared(tmp_path, [{"text": "  \n电池😀 died  ", "spans": [[3, 6, "PART"]]}])
    assert got.files["train"].texts == (["  \n电池😀 died  "],)
    assert spans_in(got) == [["电池😀/PART"]]


# --- what is wrong -----------------------------------------------------------------------------------------------

GOOD = {"text": GLIDE, "spans": LISTS}


@pytest.mark.parametrize(
    ("row", "code", "message", "spans"),
    [
        ({"text": GLIDE, "spans": [[3, 99, "X"], [0, 2, "Y"]]}, "K141", r"3 to 99 in 23 characters", ["My/Y"]),
        ({"text": GLIDE, "spans": [[5, 5, "X"]]}, "K141", r"5 to 5", []),
        ({"text": GLIDE, "spans": [[-2, 5, "X"]]}, "K141", r"-2 to 5", []),
        ({"text": GLIDE, "spans": [[2, 3, "X"]]}, "K141", r"2 to 3", []),  # white space only
        ({"text": GLIDE, "spans": [[0, 2]]}, "K141", r"a span is \[start, end, label\]", []),
        ({"text": GLIDE, "spans": [{"start": 1.5, "end": 2, "label": "X"}]}, "K141", "not 1.5", []),
        ({"text": GLIDE, "spans": [{"start": 0, "end": 2}]}, "K141", "needs a label", []),
        ({"text": " ", "spans": []}, "K108", "no text", []),
    ],
)
def test_bad_rows_are_left_out_kept_or_stop_the_work(
    tmp_path: Path, row: dict[str, Any], code: str, message: str, spans: list[str]
) -> None:
    rows = [GOOD, row, GOOD]
    got = prepared(tmp_path, rows)
    assert got.files["train"].numbers.tolist() == [1, 3]
    finding = found(got, code)
    assert (finding.rows, finding.severity) == ((2,), "warning")
    assert finding.message.endswith("; left out.")
    assert spans_in(prepared(tmp_path, rows, on_bad_row="keep"))[1] == spans
    with pytest.raises(InputError, match=rf"{code} rows\.jsonl row 2: 1 row has .*{message}"):
        prepared(tmp_path, rows, on_bad_row="error")


def test_rows_that_nobody_has_marked_are_left_out(tmp_path: Path) -> None:
    got = prepared(tmp_path, [GOOD, {"text": NONE, "spans": None}, {"text": NONE}, {"text": NONE, "spans": []}])
    assert found(got, "K109").rows == (2, 3)
    assert got.files["train"].numbers.tolist() == [1, 4]


@pytest.mark.parametrize("policy", ["skip", "keep"])
def test_tokens_and_tags_of_different_length_are_found(tmp_path: Path, policy: str) -> None:
    rows = [
        {"tokens": ["a", "b"], "tags": ["B-X", "O"]}, {"tokens": ["a", "b"], "tags": ["B-X"]},
        {"tokens": ["a"], "tags": ["B-X", "I-X"]}, {"tokens": ["c"], "tags": ["O"]},
    ]  # fmt: skip
    got = prepared(tmp_path, rows, on_bad_row=policy)
    assert found(got, "K140").rows == (2, 3)
    assert "(such as 2 tokens, 1 tags)" in found(got, "K140").message
    assert spans_in(got) == ([["a/X"], []] if policy == "skip" else [["a/X"], ["a/X"], ["a/X"], []])


def test_of_overlapping_spans_the_longest_is_kept(tmp_path: Path) -> None:
    spans = [[3, 8, "X"], [3, 10, "Y"], [6, 18, "Z"], [11, 18, "W"], [19, 23, "V"], [19, 23, "U"], [19, 23, "V"]]
    got = prepared(tmp_path, [{"text": GLIDE, "spans": spans}])
    assert spans_in(got) == [["de 2 battery/Z", "died/V"]]
    assert found(got, "K142").message == (
        '1 row has spans that overlap (such as "de 2 battery" (Z) and "Glide 2" (Y)); the longest was kept, of equals '
        "the first."
    )
    assert spans_in(prepared(tmp_path, [{"text": GLIDE, "spans": [[3, 10, "A"], [6, 13, "B"]]}])) == [["Glide 2/A"]]


def test_spans_that_say_another_text_are_found(tmp_path: Path) -> None:
    rows = [
        {"text": GLIDE, "spans": [{"start": 3, "end": 10, "label": "X", "text": "Glide 3"}]},
        {"text": GLIDE, "spans": [{"start": 3, "end": 10, "label": "X", "text": "Glide 2"}]},
        {"text": "😀 Glide 2", "spans": [{"start": 3, "end": 10, "label": "X", "text": "Glide 2"}]},  # UTF-16 units
    ]
    got = prepared(tmp_path, rows)
    warning, note = (finding for finding in got.findings if finding.code == "K143")
    assert (warning.rows, note.rows) == ((1,), (3,))
    assert '(such as "Glide 2" for "Glide 3")' in warning.message
    assert spans_in(got) == [["Glide 2/X"], ["Glide 2/X"], ["Glide 2/X"]]


def test_spans_that_cut_words_and_hold_blanks_are_found(tmp_path: Path) -> None:
    rows = [
        {"text": GLIDE, "spans": [[11, 16, "X"]]}, {"text": GLIDE, "spans": [[10, 19, "X"]]},
        {"text": "换电池了", "spans": [[1, 3, "X"]]}, {"text": "the dock's", "spans": [[4, 8, "X"]]},
    ]  # fmt: skip
    got = prepared(tmp_path, rows)
    assert found(got, "K144").rows == (1,)
    assert '"My Glide 2[batte]ry died"' in found(got, "K144").message.replace(" [", "[")
    assert found(got, "K145").rows == (2,)
    assert spans_in(got) == [["batte/X"], ["battery/X"], ["电池/X"], ["dock/X"]]


def test_broken_sequences_and_empty_tokens_are_found(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["a", "b", "c"], "tags": ["B-X", "I-Y", "I-Y"]},
        {"tokens": ["a", "", "c"], "tags": ["B-X", "I-X", "I-X"]},
        {"tokens": ["a", "b", "c"], "tags": ["B-X", "O", "B-Y"]},
    ]
    got = prepared(tmp_path, rows)
    assert found(got, "K146").rows == (1,)
    assert "1 break in all (such as I-Y after B-X)" in found(got, "K146").message
    assert found(got, "K148").rows == (2,)
    assert spans_in(got) == [["a/X", "b c/Y"], ["a c/X"], ["a/X", "c/Y"]]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ("O I-X O B-X", "I-X after O"),
        ("I-X O B-X B-X", "I-X at the beginning"),
        ("B-X X B-X B-X", "X after B-X"),
        ("S-X B-X I-X O", "I-X before O"),
        ("S-X S-X S-X B-X", "B-X at the end"),
        ("S-X I-X E-X O", "I-X after S-X"),
    ],
)
def test_a_break_says_what_breaks(tmp_path: Path, tags: str, said: str) -> None:
    got = prepared(tmp_path, [{"tokens": list("abcd"), "tags": tags.split()}])
    assert f"(such as {said})" in found(got, "K146").message


def test_halves_of_marks_are_found(tmp_path: Path) -> None:
    rows = [{"text": "a [b](X) c"}, {"text": "a [b [c](X) d](X)"}, {"text": "a [b](http://x.y)"}]
    got = prepared(tmp_path, rows, "tag")
    assert found(got, "K149").rows == (2,)
    assert spans_in(got) == [["b/X"], ["c/X"], []]


def test_several_annotators_are_said(tmp_path: Path) -> None:
    task = {"id": 1, "data": {"text": GLIDE}, "annotations": [{"result": STUDIO}, {"result": []}]}
    got = prepared(tmp_path, [task, {"data": {"text": NONE}, "annotations": []}], name="rows.json")
    assert found(got, "K120").rows == (1,)
    assert found(got, "K109").rows == (2,)
    assert got.files["train"].targets == [FOUND]


# --- kinds -------------------------------------------------------------------------------------------------------


def test_kinds_are_renamed_and_spelled_alike(tmp_path: Path) -> None:
    rows = [{"text": "a b c", "spans": [[0, 1, "per"], [2, 3, "per"], [4, 5, "ORG"]]},
            {"text": "d e", "spans": [[0, 1, "PER"], [2, 3, "loc"]]}]  # fmt: skip
    got = prepared(tmp_path, rows, labels={"loc": "ORG", "place": "ORG"})
    assert spans_in(got) == [["a/per", "b/per", "c/ORG"], ["d/per", "e/ORG"]]
    assert found(got, "K113").rows == (2,)
    assert '"place"' in found(got, "K107").message
    assert label_counts(got.files["train"].targets) == {"ORG": 2, "per": 2}  # rows, not spans


def test_kinds_that_train_lacks_are_errors(tmp_path: Path) -> None:
    test = write(tmp_path / "test.jsonl", [{"text": "x y", "spans": [[0, 1, "PROD"]]}, GOOD])
    got = prepared(tmp_path, [GOOD], test=test)
    finding = found(got, "K107")
    assert (finding.source, finding.rows, finding.severity) == ("test.jsonl", (1,), "error")
    assert 'label "PROD" is not one of (PART, PRODUCT)' in finding.message
    assert "PRODUCT" in finding.remedy


def test_the_check_speaks_of_spans(tmp_path: Path) -> None:
    rows = [{"text": f"the {word} number {n}", "spans": [[4, 4 + len(word), "X"]]}
            for n, word in enumerate(["alpha", "beta", "gamma"] * 5)]  # fmt: skip
    rows += [{"text": "the alpha number 0", "spans": []}, {"text": "one more", "spans": [[0, 3, "RARE"]]}]
    findings = {finding.code: finding for finding in inspect(prepared(tmp_path, rows)).findings}
    assert findings.keys() == {"K118", "K120", "K147"}
    assert findings["K120"].rows == (1, 16)
    assert "different spans, in 2 rows" in findings["K120"].message
    assert (findings["K147"].rows, '"RARE" (1)' in findings["K147"].message) == ((17,), True)
    nothing = inspect(prepared(tmp_path, [{"text": f"row {n}", "spans": []} for n in range(9)], "tag", spans="spans"))
    assert [finding.code for finding in nothing.findings if finding.severity == "error"] == ["K115"]


def test_long_texts_are_no_finding_since_they_are_read_in_windows(tmp_path: Path) -> None:
    got = prepared(tmp_path, [GOOD, {"text": NONE, "spans": []}])
    inspection = inspect(got, count_tokens=lambda texts: [1000] * len(texts), max_tokens=10)
    assert "K124" not in {finding.code for finding in inspection.findings}
    assert inspection.lengths.unit == "tokens"


# --- splits ------------------------------------------------------------------------------------------------------


def test_examples_carry_words_and_spans_into_every_split(tmp_path: Path) -> None:
    rows = [
        {"id": f"m{n}", "tokens": ["word", str(n), "电", "池"],
         "tags": ["O", "B-RARE" if n % 10 == 0 else "O", "B-PART", "I-PART"]} for n in range(80)
    ]  # fmt: skip
    data = Data(train=write(tmp_path / "rows.jsonl", rows), id="id", near_duplicates="ignore")
    loaded = load_splits(data, seed=3, folds=0)
    assert loaded.task == "tag"
    examples = [*loaded.splits.train, *loaded.splits.dev, *loaded.splits.test]
    assert sorted(example.id for example in examples) == sorted(f"m{n}" for n in range(80))
    for example in examples:
        assert isinstance(example, TokenExample)
        number = int(example.id[1:])
        assert example.text == f"word {number} 电池"
        end = 5 + len(str(number))
        assert example.words == ((0, 4), (5, end), (end + 1, end + 2), (end + 2, end + 3))
        rare = (Span(5, end, "RARE"),) if number % 10 == 0 else ()
        assert example.target == (*rare, Span(end + 1, end + 3, "PART"))
        assert example.source == f"rows.jsonl row {number + 1}"
    # The rarest kind of a row is its stratum: eight rows have it, and a fifth of them is for the test.
    assert loaded.stats["labels"]["test"]["RARE"] == 2
    assert len(set(strata_of(examples).tolist())) == 2


def test_words_are_picked_with_their_rows(tmp_path: Path) -> None:
    got = prepared(tmp_path, [{"tokens": ["a"], "tags": ["O"]}, {"tokens": ["bb", "c"], "tags": ["B-X", "O"]}])
    assert pick(got.files["train"], [1]).words == [((0, 2), (3, 4))]
    assert pick(prepared(tmp_path, [GOOD]).files["train"], [0]).words == []


# --- real files --------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_cluener_has_two_broken_sequences(shared: Path) -> None:
    path = next((shared / "cluener").glob("train.jsonl*"))
    broken = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            tags = ["O", *json.loads(line)["tags"]]
            broken += [
                number for before, tag in pairwise(tags)
                if tag.startswith("I-") and before[2:] != tag[2:]
            ]  # fmt: skip
    assert len(broken) == 2
    got = prepare(Data(train=str(path)))
    finding = found(got, "K146")
    assert finding.rows == tuple(dict.fromkeys(broken))
    assert "2 breaks in all" in finding.message
    assert [finding.code for finding in got.findings] == ["K146"]
    assert len(got.files["train"]) == 10_748


@pytest.mark.real
@pytest.mark.parametrize(("folder", "spans"), [("wnut17", 1975), ("ncbi_disease", 5134)])
def test_real_tokens_become_as_many_spans_as_tags_begin(shared: Path, folder: str, spans: int) -> None:
    path = next((shared / folder).glob("train.jsonl*"))
    whole = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [json.loads(line) for line in whole.decode().splitlines()]
    assert sum(tag.startswith("B-") for row in rows for tag in row["tags"]) == spans
    train = prepare(Data(train=str(path))).files["train"]
    assert sum(len(target) for target in train.targets) == spans  # type: ignore[arg-type]
    for row, text, words in zip(rows, train.texts[0], train.words, strict=True):
        assert [text[start:end] for start, end in words] == row["tokens"]


def test_the_entities_of_the_desk_fit_their_texts() -> None:
    desk = Path(__file__).parents[2] / "src" / "tunesmith" / "data" / "desk" / "entities.jsonl"
    got = prepare(Data(train=str(desk)))
    rows = [json.loads(line) for line in desk.read_text(encoding="utf-8").splitlines()]
    assert got.columns == {"text": "text", "spans": "spans"}
    assert got.files["train"].texts[0] == [row["text"] for row in rows]
    assert got.files["train"].targets == [
        tuple(Span(span["start"], span["end"], span["label"]) for span in row["spans"]) for row in rows
    ]
    assert not [finding for finding in got.findings if finding.code != "K144"]

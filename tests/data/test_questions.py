"""Questions with the answers in their context: every way of writing them, and what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.core.example import Answer
from tunesmith.core.report import Finding
from tunesmith.data.answers import place, read_answers
from tunesmith.data.questions import context_groups, question_findings
from tunesmith.data.rows import Prepared, prepare
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

RIVER = "The Glide rises in Norland. It reaches the sea at Port Glide."
NORLAND = (Answer("Norland", 19),)


def read(**files: Path | str | None) -> Prepared:
    data = Data(**{role: str(value) for role, value in files.items() if value is not None})  # type: ignore[arg-type]
    return prepare(data, "answer")


def jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def row(answers: Any, question: str = "Where does it rise?", context: str = RIVER, **more: Any) -> dict[str, Any]:
    return {"question": question, "context": context, "answers": answers, **more}


def found(findings: Sequence[Finding], code: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


# --- forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        [{"text": "Norland", "answer_start": 19}],
        [{"text": "Norland", "start": 19, "end": 26}],
        {"text": ["Norland"], "answer_start": [19]},
        {"text": "Norland", "answer_start": 19},
        ["Norland"],
        "Norland",
        '{"text": ["Norland"], "answer_start": [19]}',
        "{'text': ['Norland'], 'answer_start': [19]}",
        "['Norland']",
    ],
)
def test_every_form_of_an_answer_is_read(tmp_path: Path, written: Any) -> None:
    prepared = read(train=jsonl(tmp_path / "rows.jsonl", [row(written)]))
    rows = prepared.files["train"]
    assert (prepared.task, prepared.kind) == ("answer", "answers")
    assert rows.targets == [NORLAND]
    assert rows.texts == (["Where does it rise?"], [RIVER])
    assert prepared.findings == []


def test_answers_and_starts_in_columns_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Question", "Passage", "Answer", "Answer Start"])
        writer.writerow([" Where does it end? ", RIVER, "Glide", "55"])
        writer.writerow(["Where does it rise?", RIVER, "Norland", ""])
        writer.writerow(["Who lives there?", RIVER, "", "-1"])
    prepared = read(train=path)
    assert prepared.columns == {"question": "Question", "context": "Passage", "answers": "Answer"}
    assert len(prepared.guesses) == 3
    rows = prepared.files["train"]
    assert rows.texts[0][0] == "Where does it end?"
    assert rows.targets == [(Answer("Glide", 55),), NORLAND, ()]


def test_squad_documents_become_a_row_per_question(tmp_path: Path) -> None:
    document = {
        "version": "v2.0",
        "data": [
            {"title": "Glide", "paragraphs": [{"context": RIVER, "qas": [
                {"id": "a", "question": "Where does it rise?", "is_impossible": False,
                 "answers": [{"text": "Norland", "answer_start": 19}, {"text": "Norland", "answer_start": 19},
                             {"text": "in Norland", "answer_start": 16}]},
                {"id": "b", "question": "Who owns it?", "is_impossible": True, "answers": [],
                 "plausible_answers": [{"text": "Norland", "answer_start": 19}]},
            ]}]},
            {"title": "Sea", "paragraphs": [
                {"context": "  The sea is wide.", "qas": [
                    {"id": "c", "question": "What is wide?", "answers": [{"text": "sea", "answer_start": 6}]}]},
                {"context": "Nobody asks.", "qas": []},
            ]},
        ],
    }  # fmt: skip
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    rows = read(train=path).files["train"]
    assert rows.targets == [(*NORLAND, Answer("in Norland", 16)), (), (Answer("sea", 6),)]
    assert rows.texts[1][2] == "  The sea is wide."  # starts count from its first character
    assert rows.numbers.tolist() == [1, 2, 3]
    assert rows.column("id") == ["a", "b", "c"]
    assert rows.column("title") == ["Glide", "Glide", "Sea"]


def test_a_squad_document_with_holes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "x"}, {"qas": ["why?"]}]}]}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(train=path)
    assert [fault.where for fault in caught.value.faults] == [
        "squad.json item 1 paragraph 1",
        "squad.json item 1 paragraph 2",
    ]


def test_questions_without_an_answer(tmp_path: Path) -> None:
    forms = [None, [], "", {"text": [], "answer_start": []}, [""]]
    rows = [row(form) for form in forms] + [row("Norland", is_impossible=True), row("Norland", is_impossible=False)]
    prepared = read(train=jsonl(tmp_path / "rows.jsonl", rows))
    assert prepared.files["train"].targets == [(), (), (), (), (), (), NORLAND]
    note = found(list(question_findings(prepared)), "K150")
    assert (note.severity, note.count, list(note.rows)) == ("note", 6, [1, 2, 3, 4, 5, 6])


def test_no_answer_at_all_is_an_error_in_train_alone(tmp_path: Path) -> None:
    empty = jsonl(tmp_path / "empty.jsonl", [row([])])
    full = jsonl(tmp_path / "full.jsonl", [row(["Norland"])])
    assert found(list(question_findings(read(train=empty))), "K150").severity == "error"
    assert found(list(question_findings(read(train=full, test=empty))), "K150").severity == "warning"


# --- places ------------------------------------------------------------------------------------------------------


def test_a_wrong_start_moves_to_the_nearest_place(tmp_path: Path) -> None:
    rows = [
        row([{"text": "Glide", "answer_start": 53}]),
        row([{"text": "port  GLIDE", "answer_start": 0}]),
        row([{"text": "Norland", "answer_start": 19}]),
        row([{"text": "Norland", "answer_start": -1}]),
    ]
    prepared = read(train=jsonl(tmp_path / "rows.jsonl", rows))
    assert prepared.files["train"].targets == [
        (Answer("Glide", 55),), (Answer("Port Glide", 50),), NORLAND, NORLAND,
    ]  # fmt: skip
    warning = found(prepared.findings, "K152")
    assert (warning.severity, list(warning.rows)) == ("warning", [1, 2, 4])
    assert "3 answers in 3 rows" in warning.message
    assert "3 moved to the nearest place" in warning.message


def test_without_a_start_the_first_place_is_taken_and_said_if_there_are_more(tmp_path: Path) -> None:
    prepared = read(train=jsonl(tmp_path / "rows.jsonl", [row("Glide"), row("Norland")]))
    assert prepared.files["train"].targets == [(Answer("Glide", 4),), NORLAND]
    assert list(found(prepared.findings, "K154").rows) == [1]


def test_a_train_row_whose_answers_stand_nowhere_is_left_out(tmp_path: Path) -> None:
    rows = [row(["Norland"]), row(["Southland", "the south"]), row(["Southland", "Norland"])]
    train, test = jsonl(tmp_path / "train.jsonl", rows), jsonl(tmp_path / "test.jsonl", rows)
    prepared = read(train=train, test=test)
    lost, partly = (Answer("Southland", None), Answer("the south", None)), (Answer("Southland", None), *NORLAND)
    assert prepared.files["train"].targets == [NORLAND, partly]
    assert prepared.files["train"].numbers.tolist() == [1, 3]
    assert prepared.files["test"].targets == [NORLAND, lost, partly]
    of_train, of_test = [finding for finding in prepared.findings if finding.code == "K153"]
    assert list(of_train.rows) == list(of_test.rows) == [2, 3]
    assert "3 answers in 2 rows" in of_train.message
    assert "left out of train (row 2)" in of_train.message
    assert "left out" not in of_test.message
    assert read(train=train, on_bad_row="keep").files["train"].targets == [NORLAND, lost, partly]
    with pytest.raises(InputError, match=r"K153 train.jsonl rows 2, 3"):
        read(train=train, on_bad_row="error")


texts = st.text(st.sampled_from("ab 电池😀\u0301\u200d👩אב.\n"), max_size=30)


@given(before=texts, answer=texts.filter(str.strip), after=texts, off=st.integers(-3, 3))
def test_what_stands_in_the_context_is_found_exactly(before: str, answer: str, after: str, off: int) -> None:
    context = before + answer + after
    stripped = answer.strip()
    start = len(before) + answer.index(stripped)
    assert place(Answer(answer, len(before)), context).answer == Answer(stripped, start)
    for near in (Answer(answer, len(before) + off), Answer(answer, None), Answer(answer.upper(), None)):
        placed = place(near, context)
        at = placed.answer.start
        assert at is not None
        assert context[at : at + len(placed.answer.text)] == placed.answer.text
        assert placed.answer.text.upper().split() == stripped.upper().split()


@given(st.text(max_size=12), st.text(max_size=40))
def test_a_place_is_a_stretch_of_the_context_or_none(answer: str, context: str) -> None:
    if answer.strip():
        placed = place(Answer(answer, 1), context).answer
        assert placed.start is None or context[placed.start : placed.start + len(placed.text)] == placed.text
        assert (placed.start is None) <= (answer.strip() not in context)


def test_whole_words_come_before_parts_of_words() -> None:
    context = "Then the hen met another hen."
    assert place(Answer("hen", None), context).answer.start == 9
    assert place(Answer("hen", 2), context).answer.start == 9
    assert place(Answer("noth", None), context).answer.start == 18


@pytest.mark.parametrize(
    "cell, starts, why",
    [
        ('[{"answer": "x"}]', None, 'an object without "text"'),
        ('{"text": ["x", "y"], "answer_start": [0]}', None, "2 answers and 1 starts"),
        ('[["x"]]', None, "a list within a list"),
        ("x", "soon", 'a start that is no whole number, "soon"'),
        (["x", "y"], 3, "2 answers and 1 starts"),
        ("x", 1.5, 'a start that is no whole number, "1.5"'),
    ],
)
def test_unreadable_answers_say_why(cell: Any, starts: Any, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_answers(cell, starts, "nothing")
    assert str(caught.value) == why


# --- findings ----------------------------------------------------------------------------------------------------


def test_rows_that_cannot_be_used_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [
        row(["Norland"]),
        row(["Norland"], question=" "),
        row(["Norland"], context=""),
        row([{"answer": "Norland"}]),
    ]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    prepared = read(train=path)
    assert prepared.files["train"].numbers.tolist() == [1]
    said = {(finding.code, *finding.rows) for finding in prepared.findings}
    assert said == {("K108", 2), ("K108", 3), ("K151", 4)}
    with pytest.raises(InputError) as caught:
        read(train=path, on_bad_row="error")
    assert [fault.code for fault in caught.value.faults] == ["K108", "K108", "K151"]
    assert read(train=path, on_bad_row="keep", test=path).files["test"].numbers.tolist() == [1, 2, 3]


def test_missing_columns_are_named_all_at_once(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [{"query": "Where?", "story": RIVER, "reply": "Norland"}])
    with pytest.raises(InputError) as caught:
        read(train=path)
    assert [fault.remedy for fault in caught.value.faults] == [
        "Say which one: --set data.context=COLUMN",
        "Say which one: --set data.answers=COLUMN",
    ]
    assert 'story (such as "The Glide' in caught.value.faults[0].message
    assert read(train=path, context="story", answers="reply").files["train"].targets == [NORLAND]
    with pytest.raises(InputError, match=r'(?s)no column "stroy".*Did you mean "story"'):
        read(train=path, context="stroy", answers="reply")
    other = jsonl(tmp_path / "other.jsonl", [{"query": "Where?", "story": RIVER}])
    with pytest.raises(InputError, match=r'other.jsonl: there is no column "reply" \(the answers\)'):
        read(train=path, context="story", answers="reply", test=other)


def test_contexts_that_stand_on_both_sides(tmp_path: Path) -> None:
    other = "The Brook flows " + ", ".join(f"past town {number} with {number * 7} mills" for number in range(30))
    near = other.replace("Brook", "Creek")
    train = jsonl(tmp_path / "train.jsonl", [row(["Norland"]), row(["flows"], context=other)])
    test = jsonl(
        tmp_path / "test.jsonl",
        [row(["sea"], "Where does it end?", RIVER.upper()), row(["flows"], context=near), row(["x"], context="x y z")],
    )
    exact, almost = [item for item in question_findings(read(train=train, test=test)) if item.code == "K156"]
    assert (list(exact.rows), list(almost.rows)) == ([1], [2])
    assert "the same context as a row of train.jsonl: 33.3% of 3" in exact.message
    assert "nearly the same" in almost.message


def test_long_and_conflicting_answers(tmp_path: Path) -> None:
    rows = [row([RIVER[:30]], "What?"), row(["Norland"]), row(["norland"]), row(["sea"]), row(["sea"], "Which?")]
    findings = list(question_findings(read(train=jsonl(tmp_path / "rows.jsonl", rows))))
    assert list(found(findings, "K155").rows) == [1]
    conflict = found(findings, "K157")
    assert list(conflict.rows) == [2, 3, 4]
    assert conflict.message.startswith("1 question has different answers")


def test_questions_about_one_context_are_one_group(tmp_path: Path) -> None:
    rows = [row(["Norland"]), row(["x"], context="x y"), row(["sea"], context=RIVER + " "), row(["y"], context="x y")]
    groups = context_groups(read(train=jsonl(tmp_path / "rows.jsonl", rows)).files["train"])
    assert groups[0] == groups[2] != groups[1] == groups[3]
    towns = ", ".join(f"past town {number} with {number * 7} mills" for number in range(30))
    long = read(train=jsonl(tmp_path / "long.jsonl", [row(["town"], context=name + towns) for name in "ab"]))
    assert context_groups(long.files["train"]) == [0, 1]
    assert context_groups(long.files["train"], near=True) == [0, 0]


# --- real files --------------------------------------------------------------------------------------------------


def raw(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def misaligned(rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Count by other means: row number → answers that do not stand where their start says."""
    counts = {}
    for number, line in enumerate(rows, start=1):
        texts, starts = line["answers"]["text"], line["answers"]["answer_start"]
        wrong = sum(line["context"][at : at + len(text)] != text for text, at in zip(texts, starts, strict=True))
        if wrong:
            counts[number] = wrong
    return counts


@pytest.mark.real
def test_cmrc2018_has_205_misaligned_answers(shared: Path) -> None:
    files = {split: shared / "cmrc2018" / f"{split}.jsonl.gz" for split in ("train", "test")}
    prepared = read(**files)
    wrong = {split: misaligned(raw(path)) for split, path in files.items()}
    assert {split: sum(counts.values()) for split, counts in wrong.items()} == {"train": 200, "test": 5}
    said = {finding.source.split(".")[0]: finding for finding in prepared.findings if finding.code == "K152"}
    for split, counts in wrong.items():
        assert said[split].message.startswith(f"{sum(counts.values())} answers in {len(counts)} rows")
        assert said[split].count == len(counts)
        assert list(said[split].rows) == list(counts)[:20]
    assert {split: len(rows) for split, rows in prepared.files.items()} == {"train": 3219, "test": 1000}
    empty = [number for number, line in enumerate(raw(files["test"]), start=1) if not line["question"].strip()]
    assert list(found(prepared.findings, "K108").rows) == empty
    assert len(empty) == 2
    for rows in prepared.files.values():
        for context, target in zip(rows.texts[1], rows.targets, strict=True):
            answers = [answer for answer in target if isinstance(answer, Answer)]  # type: ignore[union-attr]
            assert any(answer.start is not None for answer in answers)
            assert all(
                answer.start is None or context.startswith(answer.text, answer.start) for answer in answers
            )  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize("language", ["de", "en", "es", "zh"])
def test_xquad_is_read_without_a_misaligned_answer(shared: Path, language: str) -> None:
    path = shared / "xquad" / f"{language}.jsonl.gz"
    prepared = read(train=path)
    rows, lines = prepared.files["train"], raw(path)
    assert misaligned(lines) == {}
    assert prepared.findings == []
    assert len(rows) == len(lines) == 1190
    assert rows.texts[1] == [line["context"] for line in lines]
    assert rows.targets == [
        tuple(map(Answer, line["answers"]["text"], line["answers"]["answer_start"])) for line in lines
    ]  # fmt: skip
    assert len(set(context_groups(rows))) == len({line["context"] for line in lines}) == 240

"""Dialogues: every way of writing them, and what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.example import DialogueExample, Message
from tunesmith.core.report import Finding
from tunesmith.data.check import inspect
from tunesmith.data.load import load_splits
from tunesmith.data.read import read_table
from tunesmith.data.rows import Prepared, prepare
from tunesmith.data.shape import task_of
from tunesmith.data.turns import read_turns, settle
from tunesmith.errors import InputError
from tunesmith.recipe.schema import Data

SYSTEM, HI, HELLO = Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")
MORE, WELL = Message("user", "How are you?"), Message("assistant", "Well.")
FULL = [SYSTEM, HI, HELLO, MORE, WELL]


def jsonl(path: Path, rows: Sequence[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(tmp_path: Path, rows: Sequence[Any], task: str = "chat", **data: Any) -> Prepared:
    return prepare(Data(train=jsonl(tmp_path / "rows.jsonl", rows), **data), task)


def openai(turns: Sequence[Message]) -> dict[str, Any]:
    return {"messages": [{"role": turn.role, "content": turn.content} for turn in turns]}


def sharegpt(turns: Sequence[Message]) -> dict[str, Any]:
    names = {"user": "human", "assistant": "gpt"}
    said = [{"from": names[turn.role], "value": turn.content} for turn in turns if turn.role != "system"]
    system = {"system": turns[0].content} if turns[0].role == "system" else {}
    return {"conversations": said, **system}


def alpaca(turns: Sequence[Message]) -> dict[str, Any]:
    texts = [turn.content for turn in turns if turn.role != "system"]
    history = [[texts[at], texts[at + 1]] for at in range(0, len(texts) - 2, 2)]
    system = turns[0].content if turns[0].role == "system" else ""
    return {"instruction": texts[-2], "input": "", "output": texts[-1], "system": system, "history": history}


def flat(turns: Sequence[Message]) -> dict[str, Any]:
    return {"prompt": turns[-2].content, "response": turns[-1].content}


def found(findings: Sequence[Finding], code: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


def codes(prepared: Prepared) -> list[str]:
    return sorted(finding.code for finding in inspect(prepared).findings)


# --- shapes ------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).map(str.strip).filter(bool)


@st.composite
def dialogues(draw: st.DrawFn, rounds: int = 3) -> list[Message]:
    system = draw(st.lists(texts, max_size=1))
    said = draw(st.lists(st.tuples(texts, texts), min_size=1, max_size=rounds))
    turns = [turn for user, answer in said for turn in (Message("user", user), Message("assistant", answer))]
    return [*(Message("system", text) for text in system), *turns]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(dialogues(), min_size=1, max_size=4), write=st.sampled_from([openai, sharegpt, alpaca]))
def test_dialogues_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Message]], write: Any
) -> None:
    prepared = read(tmp_path_factory.mktemp("rows"), [write(turns) for turns in rows])
    got = prepared.files["train"]
    assert got.messages == [tuple(turns[:-1]) for turns in rows]
    assert got.targets == [turns[-1].content for turns in rows]
    assert prepared.findings == []


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(dialogues(rounds=1), min_size=1, max_size=4))
def test_prompts_and_answers_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Message]]
) -> None:
    got = read(tmp_path_factory.mktemp("rows"), [flat(turns) for turns in rows]).files["train"]
    assert got.messages == [(turns[-2],) for turns in rows]
    assert got.targets == [turns[-1].content for turns in rows]


@pytest.mark.parametrize("write", [openai, sharegpt, alpaca])
def test_lines_a_list_a_wrapped_list_and_parquet_are_the_same(tmp_path: Path, write: Any) -> None:
    rows = [write(FULL), write(FULL[:3]), write(FULL[1:3])]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (tmp_path / "wrapped.json").write_text(json.dumps({"version": "1", "data": rows}, indent=1))
    jsonl(tmp_path / "rows.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    for name in ("list.json", "wrapped.json", "rows.jsonl", "rows.parquet"):
        got = prepare(Data(train=str(tmp_path / name)), "chat").files["train"]
        assert got.messages == [tuple(FULL[:4]), tuple(FULL[:2]), tuple(FULL[1:2])], name
        assert got.targets == ["Well.", "Hello", "Hello"]
        assert got.texts == (["Be brief.\nHi\nHello\nHow are you?", "Be brief.\nHi", "Hi"],)


def test_a_file_may_hold_one_dialogue(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(openai(FULL), indent=2))
    assert prepare(Data(train=str(path)), "chat").files["train"].messages == [tuple(FULL[:4])]
    path.write_text(json.dumps({"messages": [{"text": "late again", "label": "bad"}] * 3}))
    assert len(prepare(Data(train=str(path)), "classify").files["train"]) == 3


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "text", "text": " there"}]
    assert read_turns([{"role": "User", "content": parts}]) == [Message("user", "Hi there")]
    assert read_turns({"role": ["user"], "content": ["Hi"]}) == [HI]
    assert read_turns("[{'from': 'human', 'value': 'Hi'}]") == [HI]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ([{"role": "tool", "content": "4"}], 'the role "tool"'),
        ([{"from": "function", "value": "4"}], 'the role "function"'),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}], 'a part of type "image_url"'),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "a call of a tool"),
        ([{"content": "Hi"}], "a turn without a role"),
        ("Hi", "no list of turns"),
        ([], "no list of turns"),
        (["Hi"], "a turn that is no object"),
        ([{"role": "user", "content": 3}], "a content that is no text"),
    ],
)
def test_what_cannot_be_read_says_why(cell: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        read_turns(cell)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "from", "content", "value", "type", "text"]), inner, max_size=3)
    ),
)


@given(cell=json_values, as_text=st.booleans())
def test_whatever_a_cell_holds_it_is_turns_or_a_reason(cell: Any, as_text: bool) -> None:
    why = ""
    turns: list[Message] = []
    try:
        turns = read_turns(json.dumps(cell) if as_text else cell)
    except ValueError as error:
        why = str(error)
    assert bool(turns) != bool(why)
    dialogue = settle(turns)
    assert dialogue.fault or dialogue.messages[-1].role == "user"


def test_instruction_input_and_system(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Shorten.", "input": "A long text.", "output": "Text."},
        {"instruction": "Greet.", "input": "", "output": "Hello", "system": "Be kind."},
    ]
    prepared = read(tmp_path, rows, instruction="In English: ")
    first, second = prepared.files["train"].messages
    assert first == (Message("user", "In English:\nShorten.\nA long text."),)
    assert second == (Message("system", "Be kind."), Message("user", "In English:\nGreet."))
    assert prepared.columns == {"prompt": "instruction", "response": "output", "input": "input", "system": "system"}
    assert 'Column "input" is read behind the prompt, on a line of its own.' in prepared.guesses


def test_an_instruction_stands_before_the_first_thing_that_is_asked(tmp_path: Path) -> None:
    got = read(tmp_path, [openai(FULL)], instruction="Answer in German.").files["train"].messages[0]
    assert [turn.content for turn in got] == ["Be brief.", "Answer in German.\nHi", "Hello", "How are you?"]


def test_columns_are_named(tmp_path: Path) -> None:
    rows = [{"messages": "none", "en": "A dog.", "fr": "Un chien.", "who": "You translate."}] * 4
    prepared = read(tmp_path, rows, "auto", prompt="en", response="fr", system="who")
    assert prepared.task == "chat"
    assert prepared.files["train"].messages[0] == (Message("system", "You translate."), Message("user", "A dog."))
    assert prepared.guesses == ()
    with pytest.raises(InputError, match=r"K106 data\.prompt: there is no column \"english\""):
        read(tmp_path, rows, prompt="english", response="fr")
    with pytest.raises(InputError, match=r"K106 data\.messages: a column of dialogues"):
        read(tmp_path, rows, messages="en", response="fr")
    with pytest.raises(InputError) as error:
        read(tmp_path, [{"a": "one", "b": "two"}])
    assert [fault.code for fault in error.value.faults] == ["K106", "K106"]
    assert "data.prompt" in str(error.value)
    assert "data.response" in str(error.value)


def test_other_files_may_lack_the_system_prompt(tmp_path: Path) -> None:
    test = jsonl(tmp_path / "test.jsonl", [{"prompt": "Hi", "response": "Hello"}])
    prepared = read(tmp_path, [{"prompt": "Hi", "response": "Hello", "system": "Be brief."}], test=test)
    assert prepared.files["test"].messages == [(HI,)]
    with pytest.raises(InputError, match='there is no column "response"'):
        read(tmp_path, [flat(FULL)], test=jsonl(tmp_path / "test.jsonl", [{"prompt": "Hi"}]))


# --- the task ----------------------------------------------------------------------------------------------------

ALPACA = [
    {"instruction": f"Write about number {n}.", "input": "", "output": f"The number {n} follows {n - 1}."}
    for n in range(30)
]


@pytest.mark.parametrize(
    "rows",
    [
        [openai(FULL)] * 5,
        [sharegpt(FULL)] * 5,
        ALPACA,
        [{**row, "department": "abc"[n % 3]} for n, row in enumerate(ALPACA)],
    ],
)
def test_chat_is_told_by_its_shape(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    prepared = read(tmp_path, rows, "auto")
    assert prepared.task == "chat"
    assert prepared.guesses[0].startswith("The task is chat, since ")


SENTIMENT = [
    {"instruction": "Is it good?", "input": f"the bike {n} is {'fine' if n % 2 else 'bad'}", "output": "ny"[n % 2]}
    for n in range(30)
]


@pytest.mark.parametrize(
    ("rows", "data"),
    [
        (SENTIMENT, {}),
        ([{**row, "label": "ab"[n % 2]} for n, row in enumerate(ALPACA)], {}),
        ([{**row, "rating": n % 3} for n, row in enumerate(ALPACA)], {}),
        ([{**row, "department": "ab"[n % 2]} for n, row in enumerate(ALPACA)], {"label": "department"}),
        (ALPACA, {"text": "output"}),
        ([{"instruction": f"Say {n}.", "output": f"You wanted number {n}.", "kind": n % 2} for n in range(30)], {}),
        ([openai([HI, MORE])] * 9, {}),
        ([{"messages": f"the bike {n} is late", "label": "ab"[n % 2]} for n in range(30)], {}),
        ([{"conversation": f"Hi, where is bike {n}?", "intent": "ab"[n % 2]} for n in range(30)], {}),
        ([{**openai(FULL), "text": f"bike {n} is late", "label": "ab"[n % 2]} for n in range(30)], {}),
        ([{"prompt": f"where is bike {n}?", "response": f"it is here, at {n}"} for n in range(30)], {}),
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_chat(tmp_path: Path, rows: list[dict[str, Any]], data: dict[str, str]) -> None:
    path = jsonl(tmp_path / "rows.jsonl", rows)
    assert task_of(read_table(path), Data(train=path, **data), "auto")[0] == "auto"  # type: ignore[arg-type]


# --- order -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turns", "messages", "mends"),
    [
        ([HI, HELLO, MORE], [HI], ("unanswered",)),
        ([HELLO, HI, WELL], [HI], ("unasked",)),
        ([SYSTEM, HELLO, HI, WELL], [SYSTEM, HI], ("unasked",)),
        ([HI, MORE, WELL], [Message("user", "Hi\nHow are you?")], ("joined",)),
        ([HI, HI, WELL], [HI], ()),
        ([HI, MORE, HI, WELL], [Message("user", "Hi\nHow are you?\nHi")], ("joined",)),
        ([HI, HELLO, HELLO, MORE, WELL], [HI, HELLO, MORE], ()),
        ([SYSTEM, SYSTEM, HI, WELL], [SYSTEM, HI], ()),
        ([Message("system", ""), HI, WELL], [HI], ()),
        ([Message("system", "a"), Message("system", "b"), HI, WELL], [Message("system", "a\nb"), HI], ("joined",)),
    ],
)
def test_turns_are_brought_into_order(turns: list[Message], messages: list[Message], mends: tuple[str, ...]) -> None:
    got = settle(turns)
    assert (got.fault, list(got.messages), got.mends) == ("", messages, mends)


@pytest.mark.parametrize(
    ("turns", "fault"),
    [
        ([HI], "no answer"),
        ([HI, Message("assistant", "")], "no answer"),
        ([HI, Message("assistant", ""), MORE, WELL], "no answer"),
        ([SYSTEM, HELLO], "no prompt"),
        ([Message("user", ""), WELL], "no prompt"),
        ([HI, SYSTEM, HELLO], "order"),
        ([HI, HELLO, WELL], "order"),
    ],
)
def test_what_cannot_be_learnt_from_is_a_fault(turns: list[Message], fault: str) -> None:
    assert settle(turns).fault == fault


ROWS = [
    openai(FULL),
    openai([Message("user", " "), WELL]),
    openai([HI, HELLO, WELL]),
    openai([HI, MORE]),
    {"messages": [{"role": "user", "content": "2+2"}, {"role": "tool", "content": "4"}]},
    openai([HI, MORE, WELL]),
    openai([HI, HELLO, MORE]),
]


def test_bad_rows_are_left_out_and_named(tmp_path: Path) -> None:
    prepared = read(tmp_path, ROWS)
    assert prepared.files["train"].numbers.tolist() == [1, 6, 7]
    bad = {finding.code: (finding.severity, finding.rows) for finding in prepared.findings if finding.code != "K173"}
    assert bad == {
        "K108": ("warning", (2,)), "K172": ("warning", (3,)), "K170": ("warning", (4,)), "K171": ("warning", (5,)),
    }  # fmt: skip
    assert {finding.rows for finding in prepared.findings if finding.code == "K173"} == {(6,), (7,)}
    message = found(prepared.findings, "K171").message
    assert message == '1 row has a dialogue that cannot be read: the role "tool" (1); left out.'
    assert "two turns of the assistant in a row (1)" in found(prepared.findings, "K172").message


def test_bad_rows_stop_the_work_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, ROWS, on_bad_row="error")
    assert sorted(fault.code for fault in error.value.faults) == ["K108", "K170", "K171", "K172"]
    assert all(fault.remedy for fault in error.value.faults)


def test_bad_rows_are_kept_where_that_is_possible(tmp_path: Path) -> None:
    rows = read(tmp_path, ROWS, on_bad_row="keep").files["train"]
    assert rows.numbers.tolist() == [1, 2, 3, 6, 7]
    assert rows.messages[1] == (Message("user", ""),)
    assert (rows.messages[2], rows.targets[2]) == ((HI,), "Hello\nWell.")


# --- splits ------------------------------------------------------------------------------------------------------


def test_examples_are_dialogues_that_are_split_as_other_rows(tmp_path: Path) -> None:
    rows = [{"prompt": f"{word} {n} of the fleet?", "response": f"Bike {n}."}
            for n in range(20) for word in ("Which bike has number", "which bike  has number")]  # fmt: skip
    loaded = load_splits(Data(train=jsonl(tmp_path / "rows.jsonl", rows)), task="chat", seed=1)
    assert (loaded.task, loaded.protocol) == ("chat", "split")
    parts = [loaded.splits.train, loaded.splits.dev, loaded.splits.test]
    assert all(isinstance(example, DialogueExample) for part in parts for example in part)
    assert all(parts)
    assert sum(map(len, parts)) == 40
    sides = [{str(example.target) for example in part} for part in parts]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert loaded.stats["labels"] == {"train": {}, "dev": {}, "test": {}}
    assert any("drawn at random" in guess for guess in loaded.guesses)


def test_a_long_instruction_does_not_make_all_rows_the_same(tmp_path: Path) -> None:
    long = "You are an assistant of a bicycle shop, and you answer every question briefly, kindly and in English."
    words = ["brakes", "saddles", "chains", "lamps", "bells", "pedals", "tyres", "wheels", "locks", "racks"]
    rows = [{"prompt": f"{long}\n{one} or {two}?", "response": "Both."} for one in words for two in words if one < two]
    prepared = read(tmp_path, rows)
    clusters = inspect(prepared).clusters
    assert len(set(clusters.near.tolist())) == len(rows) == 45
    loaded = load_splits(Data(train=str(tmp_path / "rows.jsonl"), instruction=long), task="chat", seed=1)
    assert len(loaded.splits.test) == 9


def test_the_same_prompt_on_both_sides_is_a_leak(tmp_path: Path) -> None:
    rows = [{"prompt": f"Where is bike {n}?", "response": f"At {n}."} for n in range(30)]
    test = jsonl(tmp_path / "test.jsonl", [{**rows[3], "response": "Gone."}, {"prompt": "Who?", "response": "Me."}])
    findings = inspect(read(tmp_path, rows, test=test)).findings
    assert found(findings, "K121").rows == (1,)
    assert found(findings, "K121").source == "test.jsonl"
    assert "K120" not in {finding.code for finding in findings}


def test_repeated_prompts_and_repeated_rows_differ(tmp_path: Path) -> None:
    rows = [{"prompt": f"Where is bike {n}?", "response": f"At {n}."} for n in range(30)]
    rows += [{"prompt": "where is bike 3?", "response": "Gone."}, dict(rows[4])]
    findings = inspect(read(tmp_path, rows)).findings
    assert found(findings, "K118").rows == (32,)
    assert found(findings, "K174").rows == (4, 31)
    assert found(findings, "K174").severity == "note"


# --- targets -----------------------------------------------------------------------------------------------------


def test_long_and_foreign_answers_are_found(tmp_path: Path) -> None:
    rows = [{"prompt": f"Where is bike number {n}?", "response": f"It is in hall {n}."} for n in range(40)]
    assert codes(read(tmp_path, rows)) == []
    rows[5] = {"prompt": "Where is the manual?", "response": "Read this. " * 60}
    rows[7] = {"prompt": "Where is the lamp?", "response": "Лампа находится в зале."}
    findings = inspect(read(tmp_path, rows)).findings
    assert found(findings, "K175").rows == (6,)
    assert (found(findings, "K176").rows, found(findings, "K176").severity) == ((8,), "warning")
    assert "Cyrillic" in found(findings, "K176").message

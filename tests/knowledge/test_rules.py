"""Rules fire where all their conditions hold, and their votes add up."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.errors import InputError
from tunesmith.knowledge.rulefile import read_rules
from tunesmith.knowledge.rules import Row, Rules, decided
from tunesmith.recipe.text import write_document


def rules_of(tmp_path: Path, *rules: dict[str, Any], **lists: Any) -> Rules:
    path = tmp_path / "rules.yaml"
    path.write_text(write_document({"lists": lists, "rules": list(rules)}), encoding="utf-8")
    return read_rules(path)


@pytest.mark.parametrize(
    ("conditions", "text", "columns", "times"),
    [
        ({"words": ["good", "nice"]}, "Nice, good, good", {}, 3),
        ({"words": ["good"]}, "bad", {}, 0),
        ({"pattern": r"\d+ eur"}, "5 EUR and 7 eur", {}, 2),
        ({"pattern": "x*"}, "no such letter", {}, 0),
        ({"pattern": "refund", "words": ["now", "today"]}, "a refund today, now", {}, 2),
        ({"pattern": "refund", "words": ["now"]}, "now", {}, 0),
        ({"words": ["good"], "unless": ["not * good"]}, "not very good", {}, 0),
        ({"length": {"max": 2}}, "two words", {}, 1),
        ({"length": {"min": 2, "max": 2}}, "three short words", {}, 0),
        ({"length": {"min": 1}}, "", {}, 0),
        ({"column": {"source": "app"}}, "", {"source": "app"}, 1),
        ({"column": {"source": ["app", "web"]}}, "", {"source": "web"}, 1),
        ({"column": {"stars": 1}}, "", {"stars": "1"}, 1),
        ({"column": {"stars": 1.0}}, "", {"stars": "1"}, 1),
        ({"pattern": "^"}, "any", {}, 0),
        ({"column": {"paid": True}}, "", {"paid": "true"}, 1),
        ({"column": {"source": "app"}}, "", {"source": "mail"}, 0),
        ({"column": {"source": "app"}}, "", {}, 0),
        ({"column": {"source": "app"}, "words": ["good"]}, "good good", {"source": "app"}, 2),
    ],
)
def test_it_fires_as_often_as_it_finds_something(
    tmp_path: Path, conditions: dict[str, Any], text: str, columns: dict[str, str], times: int
) -> None:
    rules = rules_of(tmp_path, {"label": "a", **conditions})
    assert rules.counts([Row(text, columns)]).tolist() == [[times]]


def test_votes_add_up_and_later_hits_say_less(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "good", "list": "praise"}, {"label": "bad", "words": ["dull"], "strength": 2},
        {"against": "bad", "words": ["but"]}, praise=["fine", "fun"],
    )  # fmt: skip
    rows = [Row("fine, fun, fine"), Row("dull but fun"), Row("nothing"), Row("dull dull")]
    votes = rules.votes(rules.counts(rows), ["bad", "good"])
    expected = [[0, math.log2(4)], [2 - 1, 1], [0, 0], [2 * math.log2(3), 0]]
    assert votes == pytest.approx(np.array(expected))
    assert decided(votes).tolist() == [1, -1, -1, 0], "as many for another, or none at all, decide nothing"


def test_a_vote_against_one_of_two_is_one_for_the_other(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"against": "bad", "words": ["fun"]})
    counts = rules.counts([Row("fun")])
    assert decided(rules.votes(counts, ["bad", "good"])).tolist() == [1]
    assert decided(rules.votes(counts, ["bad", "good", "so so"])).tolist() == [-1]
    assert decided(rules.votes(counts, ["bad"])).tolist() == [-1]
    assert decided(rules.votes(counts, ["bad", "good"]), closed=False).tolist() == [-1]


@pytest.mark.parametrize(
    ("name", "text", "given", "found"),
    [
        ("l.txt", "# a comment\n; another\n\n good \nnot * bad\n", {}, ["good", "not very bad"]),
        ("l.txt", "# a comment\n#tag\n;)\n", {}, ["#tag", ";)"]),
        ("l.csv", 'good,1\n"so, so",2\n', {}, ["good", "so, so"]),
        ("l.tsv", 'good\t2.5\n"x\t1\nnot very bad\t-1\n', {"above": 2}, ["good"]),
        ("l.tsv", "good\t2.5\nnot very bad\t-1\n", {"below": 0}, ["not very bad"]),
    ],
)
def test_lists_are_read_from_files_beside_the_rules(
    tmp_path: Path, name: str, text: str, given: dict[str, Any], found: list[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    [rule] = rules_of(tmp_path, {"label": "a", "list": "l"}, l={"file": name, **given}).rules
    assert rule.found(Row("good, not very bad, so, so #tag ;)")) == found


def test_everything_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    (tmp_path / "words.txt").write_text("good\n", encoding="utf-8")
    path.write_text(
        "lists:\n"
        "  gone: nothere.txt\n"
        "  none: []\n"
        "  numbers: {file: words.txt, above: 1}\n"
        "  praise: words.txt\n"
        "rules:\n"
        "  - {label: a, list: prais}\n"
        "  - {label: a, pattern: '(open'}\n"
        "  - {label: a}\n"
        "  - {label: a, against: b, words: [x]}\n"
        "  - {words: [x]}\n"
        "  - {label: a, words: ['*']}\n"
        "  - {label: a, length: {min: 5, max: 3}}\n"
        "  - {label: a, column: {source: []}}\n"
        "  - {label: a, pattern: 'a{9999999999999}'}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_rules(path)
    said = [(fault.code, fault.where.removeprefix(f"{path} ")) for fault in caught.value.faults]
    assert said == [
        ("K805", "line 2: lists.gone"), ("K805", "line 3: lists.none"), ("K805", "line 4: lists.numbers"),
        ("K805", "line 7: rules[0].list"), ("K802", "line 8: rules[1].pattern"), ("K806", "line 9: rules[2]"),
        ("K806", "line 10: rules[3]"), ("K806", "line 11: rules[4]"), ("K806", "line 12: rules[5].words"),
        ("K806", "line 13: rules[6]"), ("K806", "line 14: rules[7]"), ("K802", "line 15: rules[8].pattern"),
    ]  # fmt: skip
    assert 'Did you mean "praise"?' in str(caught.value)


def test_rules_that_say_otherwise_under_the_same_conditions_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "lists: {both: [y, z]}\n"
        "rules:\n"
        "  - {label: a, words: [y, z]}\n"
        "  - {label: b, words: [Z, y, y]}\n"
        "  - {against: a, list: both, strength: 3}\n"
        "  - {against: b, words: [y, z], length: {max: 9}}\n",
        encoding="utf-8",
    )
    rules = read_rules(path)
    found = rules.contradictions(several=False)
    assert [(fault.code, fault.where[-6:]) for fault in found] == [("K804", "line 4"), ("K804", "line 5")]
    assert "votes for b under the conditions under which" in found[0].message
    assert "line 3 votes for a" in found[0].message
    assert [fault.where[-6:] for fault in rules.contradictions(several=True)] == ["line 5"]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("rules:\n  - {lable: a, words: [x]}\n", "K201", 'line 2: rules[0].lable: there is no key "lable"'),
        ("rules:\n  - {label: a, words: [x], strength: 0}\n", "K204", "line 2: rules[0].strength"),
        ("rules:\n  - {label: a, words: [x], strength: .inf}\n", "K204", "a number that is not infinite"),
        ("rules: []\n", "K204", "line 1: rules: [] came, expected: at least 1 of them"),
        ("lists: {}\n", "K202", "rules: is missing"),
        ("just text\n", "K204", "line 1"),
        ("rules: [\n", "K205", "this is not YAML"),
        ("rules:\n  - {label: a, words: [x], words: [y]}\n", "K206", "the key is already on line 2"),
    ],
)
def test_a_file_that_is_none_of_rules_is_named_with_the_line(tmp_path: Path, text: str, code: str, said: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_rules(path)
    assert caught.value.faults[0].code == code
    assert said in str(caught.value)


def test_lists_are_looked_at_although_keys_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("lists: {gone: none.txt}\nrules:\n  - {lable: a, list: gone}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_rules(path)
    assert [fault.code for fault in caught.value.faults] == ["K201", "K805"]


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="K101"):
        read_rules(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_rules(tmp_path / "bytes.yaml")


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "a", "column": {"sorce": "app"}})
    [fault] = rules.missing_columns(["text", "source"])
    assert (fault.code, fault.remedy) == ("K106", 'Did you mean "source"?')
    assert "line 3" in fault.where


def test_a_rule_without_a_name_is_called_what_it_looks_for(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path, {"label": "a", "words": ["x", "y", "z", "u"]}, {"label": "a", "column": {"source": ["app", "web"]}},
        {"label": "a", "length": {"max": 2}, "pattern": "x"}, {"label": "a", "list": "l"}, l=["u"],
    )  # fmt: skip
    assert [rule.name for rule in rules.rules] == ["x, y, z …", "source app or web", "/x/ and to 2 words", "list l"]


def test_labels_that_nobody_knows_are_named_with_the_near_one(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, {"label": "goood", "words": ["x"]}, {"label": "bad", "words": ["y"]})
    [fault] = rules.unknown(["bad", "good"])
    assert fault.code == "K801"
    assert "line 3" in fault.where
    assert "good" in fault.remedy

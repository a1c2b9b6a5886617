"""Rules are tried on rows: reach, accuracy with its interval, disagreement, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.cli.main import app
from tunesmith.errors import InputError

RULES = """
rules:
  - {name: praise, label: good, words: [fine, fun]}
  - {name: blame, label: bad, words: [dull]}
  - {name: fun is bad, label: bad, words: [fun]}
  - {name: never, label: bad, words: [awful]}
  - {name: from the app, against: bad, column: {source: app}}
"""
ROWS = [
    ("a fine film", "good", "web"), ("fun", "good", "web"), ("fun for all", "good", "app"), ("fine fun", "good", "app"),
    ("dull", "bad", "web"), ("so dull", "bad", "web"), ("a dull fine film", "bad", "app"), ("nothing", "bad", "web"),
]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    rules, data = tmp_path / "rules.yaml", tmp_path / "films.csv"
    rules.write_text(RULES, encoding="utf-8")
    lines = ["text,label,source", *(",".join(row) for row in ROWS)]
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(rules), str(data)


def test_every_rule_is_counted_and_judged(files: tuple[str, str]) -> None:
    value = tunesmith.try_rules(*files)
    assert value["rows"] == 8
    assert value["labels"] == {"bad": 4, "good": 4}
    told = {rule["name"]: rule for rule in value["rules"]}
    assert {name: rule["fires"] for name, rule in told.items()} == {
        "praise": 5, "blame": 3, "fun is bad": 3, "never": 0, "from the app": 3,
    }  # fmt: skip
    assert told["praise"]["accuracy"]["value"] == pytest.approx(4 / 5)
    assert told["praise"]["accuracy"]["n"] == 5
    assert told["praise"]["chance"] == 0.5
    assert told["praise"]["examples"] == [
        {"row": 7, "text": "a dull fine film", "found": ["fine"], "labels": ["bad"]}
    ]  # fmt: skip
    assert told["never"]["accuracy"] is None
    assert told["from the app"]["accuracy"]["value"] == pytest.approx(2 / 3)
    # fine and fun: rows 1, 4 for good; 2 and 3 cancel out but for the vote against; 7 has one each and one against bad
    assert value["vote"]["decided"] == 6
    assert value["vote"]["conflicts"] == 4
    assert value["vote"]["accuracy"]["value"] == pytest.approx(5 / 6)
    assert value["vote"]["chance"] == 0.5


def test_what_is_wrong_with_rules_is_found_on_rows(files: tuple[str, str]) -> None:
    found = {(finding["code"], finding["source"][-7:]): finding for finding in tunesmith.try_rules(*files)["findings"]}
    assert set(found) == {("K803", " line 6"), ("K804", " line 5")}
    assert found["K804", " line 5"]["rows"] == [2, 3, 4]
    assert '"praise"' in found["K804", " line 5"]["message"]


def test_a_rule_that_is_worse_than_chance_is_named(tmp_path: Path) -> None:
    data, rules = tmp_path / "films.csv", tmp_path / "rules.yaml"
    rows = [("fine film", "good")] * 12 + [("poor film", "bad")] * 12
    data.write_text("text,label\n" + "".join(f"{text} {n},{label}\n" for n, (text, label) in enumerate(rows)))
    rules.write_text("rules:\n  - {label: bad, words: [fine]}\n  - {label: good, words: [film]}\n")
    codes = [finding["code"] for finding in tunesmith.try_rules(rules, str(data))["findings"]]
    assert codes == ["K807", "K804"], "the second is as right as chance, and fires wherever the first does"


def test_rows_without_labels_are_counted(files: tuple[str, str], tmp_path: Path) -> None:
    value = tunesmith.try_rules(*files, labelled=False)
    assert value["labels"] == {}
    assert value["vote"]["accuracy"] is None
    assert [rule["fires"] for rule in value["rules"]] == [5, 3, 3, 0, 3]
    lines = tmp_path / "mails.txt"
    lines.write_text("fun\nnothing\n\ndull\n", encoding="utf-8")
    rules = tmp_path / "plain.yaml"
    rules.write_text("rules:\n  - {label: bad, words: [dull]}\n  - {against: bad, words: [fun]}\n", encoding="utf-8")
    value = tunesmith.try_rules(rules, lines, labelled=False)
    assert [rule["fires"] for rule in value["rules"]] == [1, 1]
    assert value["rules"][0]["examples"][0]["row"] == 4, "the line of the file"
    assert value["vote"]["decided"] == 1, "a vote against says nothing for labels that nobody has named"


def test_rows_of_several_labels_are_right_label_by_label(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "rules:\n  - {label: lock, words: [lock]}\n  - {label: bill, words: [bill]}\n"
        "  - {label: late, words: [lock]}\n  - {against: late, words: [bill]}\n",
        encoding="utf-8",
    )
    sets = tmp_path / "sets.csv"
    rows = 'lock and bill,"lock|bill"\nbill,bill\nlock,lock|late\n'
    sets.write_text("text,labels\n" + "".join(rows.replace(",", f" {n},", 3) for n in range(4)), encoding="utf-8")
    value = tunesmith.try_rules(rules, str(sets))
    assert [rule["accuracy"]["value"] for rule in value["rules"]] == [1, 1, 0.5, 1]
    assert value["vote"]["decided"] == 12
    assert value["vote"]["conflicts"] == 4, "rows with votes for and against being late"
    assert value["vote"]["accuracy"]["value"] == 1
    assert value["findings"] == []


def test_both_texts_of_a_pair_are_looked_at(tmp_path: Path) -> None:
    rules, data = tmp_path / "rules.yaml", tmp_path / "pairs.csv"
    rules.write_text("rules:\n  - {label: same, words: [moon]}\n", encoding="utf-8")
    lines = [f"sun {n},moon {n},same\nsun {n},star {n},other\n" for n in range(6)]
    data.write_text("one,two,label\n" + "".join(lines), encoding="utf-8")
    told = tunesmith.try_rules(rules, data, text=("one", "two"))["rules"][0]
    assert (told["fires"], told["accuracy"]["value"]) == (6, 1)
    assert tunesmith.try_rules(rules, data, text=("one", "two"), labelled=False)["rules"][0]["fires"] == 6


def test_what_cannot_be_tried_is_refused_with_a_remedy(tmp_path: Path) -> None:
    rules, numbers = tmp_path / "rules.yaml", tmp_path / "numbers.csv"
    rules.write_text("rules:\n  - {label: lock, words: [lock]}\n", encoding="utf-8")
    numbers.write_text("text,score\n" + "".join(f"lock {n},{n}.5\n" for n in range(40)), encoding="utf-8")
    with pytest.raises(InputError, match="K106"):
        tunesmith.try_rules(rules, numbers)
    (tmp_path / "bare.csv").write_text("text\na\nb\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"--label COLUMN.*--unlabelled"):
        tunesmith.try_rules(rules, tmp_path / "bare.csv")
    (tmp_path / "two.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="--text COLUMN"):
        tunesmith.try_rules(rules, tmp_path / "two.csv", labelled=False)
    (tmp_path / "head.csv").write_text("text,label\n", encoding="utf-8")
    with pytest.raises(InputError, match="K128"):
        tunesmith.try_rules(rules, tmp_path / "head.csv", labelled=False)


def test_what_is_shown_of_a_row_is_one_clean_line(tmp_path: Path) -> None:
    rules, data = tmp_path / "rules.yaml", tmp_path / "rows.jsonl"
    rules.write_text("rules:\n  - {label: a, pattern: '(?s)phone.*'}\n", encoding="utf-8")
    rows = [{"text": "my phone\n\x1b[31m" + "is red " * 40, "label": label} for label in "ab" * 6]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    [example, *_] = tunesmith.try_rules(rules, data)["rules"][0]["examples"]
    for text in (example["text"], *example["found"]):
        assert text.isprintable()
        assert len(text) <= 100


def test_the_verb_prints_a_table_or_the_same_as_json(files: tuple[str, str]) -> None:
    said = CliRunner().invoke(app, ["rules", "test", *files])
    assert said.exit_code == 0
    assert "praise" in said.stdout
    assert "They are right on 83.3 % of those" in said.stdout
    assert "row 7 (bad, found: fine): a dull fine film" in said.stdout
    assert "K803 warning" in said.stdout
    machine = CliRunner().invoke(app, ["rules", "test", *files, "--json"])
    assert json.loads(machine.stdout) == tunesmith.try_rules(*files)
    assert CliRunner().invoke(app, ["rules", "tset", *files]).exit_code == 2


def test_an_unknown_label_ends_with_its_line(files: tuple[str, str]) -> None:
    Path(files[0]).write_text("rules:\n  - {label: goood, words: [x]}\n", encoding="utf-8")
    said = CliRunner().invoke(app, ["rules", "test", *files])
    assert said.exit_code == 2
    assert "line 2" in said.output
    assert 'Did you mean "good"?' in said.output


def test_rules_that_learn_are_counted_but_not_judged(tmp_path: Path, files: tuple[str, str]) -> None:
    rules = tmp_path / "learning.yaml"
    rules.write_text(
        "rules:\n  - {learn: true, words: [fine, fun]}\n  - {label: bad, words: [fun]}\n", encoding="utf-8"
    )
    value = tunesmith.try_rules(rules, files[1])
    assert value["rules"][0]["fires"] == 5
    assert (value["rules"][0]["accuracy"], value["rules"][0]["chance"]) == (None, None)
    assert "K804" not in [finding["code"] for finding in value["findings"]]
    shown = CliRunner().invoke(app, ["rules", "test", str(rules), files[1]])
    assert shown.exit_code == 0, shown.output
    assert "as rows teach it" in shown.stdout
    both = tmp_path / "both.yaml"
    both.write_text("rules:\n  - {learn: true, label: bad, words: [fun]}\n", encoding="utf-8")
    with pytest.raises(InputError, match="label and learn came"):
        tunesmith.try_rules(both, files[1])


def test_rules_that_learn_are_counted_on_rows_without_labels(tmp_path: Path, files: tuple[str, str]) -> None:
    rules = tmp_path / "learning.yaml"
    rules.write_text("rules:\n  - {learn: true, words: [fine, fun]}\n", encoding="utf-8")
    value = tunesmith.try_rules(rules, files[1], labelled=False)
    assert (value["rules"][0]["fires"], value["vote"]["decided"]) == (5, 0)


@pytest.mark.parametrize(
    "rule, code", [('{label: "", words: [fun]}', "K204"), ("{label: bad, column: {label: bad}}", "K810")]
)
def test_rules_that_say_nothing_or_too_much(tmp_path: Path, files: tuple[str, str], rule: str, code: str) -> None:
    rules = tmp_path / "wrong.yaml"
    rules.write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        tunesmith.try_rules(rules, files[1])
    assert [fault.code for fault in error.value.faults] == [code]

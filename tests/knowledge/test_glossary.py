"""Glossaries: read from files, found in texts, replaced, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.knowledge.glossary import Entry, Glossary
from tunesmith.knowledge.glossaryfile import read_glossary
from tunesmith.knowledge.terms import Tokens

TABLE = """term,definition,aliases,class
machine translation,"turning text, by computer, into another language",MT; automatic translation,tech
MT system,a program that translates,,
café,a place for coffee,coffee house|CAFE bar,food
"""


def glossary(tmp_path: Path, text: str = TABLE, name: str = "terms.csv") -> Glossary:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_glossary(tmp_path / name)


def test_a_table_is_read_with_its_lines(tmp_path: Path) -> None:
    first, second, third = glossary(tmp_path).entries
    where = str(tmp_path / "terms.csv")
    definition = "turning text, by computer, into another language"
    assert first == Entry("machine translation", definition, ("MT", "automatic translation"), "tech", f"{where} line 2")
    assert (second.term, second.aliases, second.label) == ("MT system", (), "")
    assert (third.aliases, third.where) == (("coffee house", "CAFE bar"), f"{where} line 4")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("terms.tsv", "term\taliases\nrefund\tmoney back;pay back\n"),
        ("terms.csv", "Term ; Aliases\nrefund;money back|pay back\n"),
        ("terms.csv", "\ufeffaliases,term\n\nmoney back|pay back,refund\n"),
        ("terms.yaml", "- term: refund\n  aliases: [money back, pay back]\n"),
        ("terms.yml", "- {term: refund, aliases: money back; pay back}\n"),
    ],
)
def test_tables_and_lists_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    [entry] = glossary(tmp_path, text, name).entries
    assert (entry.term, entry.aliases) == ("refund", ("money back", "pay back"))


def test_only_the_term_is_needed(tmp_path: Path) -> None:
    assert [one.term for one in glossary(tmp_path, "term\nrefund\nparcel\n").entries] == ["refund", "parcel"]
    assert glossary(tmp_path, "- term: 42\n", "t.yaml").entries[0].term == "42"


WRONG = """term,definitoin,aliases
refund,,money back
,no term here,
Money  Back,,
parcel*,,box
box,,Box
one,two,three,four
"""


def test_everything_wrong_is_named_with_its_line_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        glossary(tmp_path, WRONG)
    where = str(tmp_path / "terms.csv")
    found = [(fault.code, fault.where.removeprefix(f"{where} line ")) for fault in caught.value.faults]
    assert found == [("K816", "1"), ("K816", "7"), ("K816", "3"), ("K816", "5"), ("K817", "4"), ("K817", "6")]
    assert 'Did you mean "definition"?' in caught.value.faults[0].remedy
    assert 'as "money back" for "refund"' in caught.value.faults[4].message
    assert "in the same entry" in caught.value.faults[5].message


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        ("t.csv", "word,definition\nrefund,x\n", "K816", "no column term"),
        ("t.csv", "term,term\na,b\n", "K816", "stands twice"),
        ("t.csv", "term\n", "K816", "holds no term"),
        ("t.yaml", "term: refund\n", "K816", "a list of entries"),
        ("t.yaml", "- refund\n- {term: parcel}\n", "K816", "line 1"),
        ("t.yaml", "- term: a\n- term: b\n  klass: x\n", "K816", 'line 3: there is no key "klass"'),
        ("t.yaml", "- {term: [a, b]}\n", "K816", "something else came"),
        ("t.yaml", "- {term: a\n", "K205", "not YAML"),
        ("t.yaml", "- term: a\n  term: b\n", "K206", "already on line"),
        ("t.csv", 'term\nshut\n"open\n', "K816", "line 3: the row cannot be read"),
        ("t.csv", '"term\nopen\n', "K816", "line 1: the row cannot be read"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, name: str, text: str, code: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        glossary(tmp_path, text, name)
    assert code in {fault.code for fault in caught.value.faults}
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"term\n\xff\xfe\n")
    for name in ("gone.csv", "bytes.csv"):
        with pytest.raises(InputError, match="K101"):
            read_glossary(tmp_path / name)


def test_aliases_become_terms_and_nothing_else_moves(tmp_path: Path) -> None:
    found = glossary(tmp_path)
    assert found.plain("MT, and automatic  translation!") == "machine translation, and machine translation!"
    assert found.plain("Ein “Coffee House” für Åse – naïve ﬁnd") == "Ein “café” für Åse – naïve ﬁnd"
    assert found.plain("Our MT system works.") == "Our MT system works."  # the longer term counts
    assert found.plain("Machine Translation is MACHINE TRANSLATION") == "Machine Translation is MACHINE TRANSLATION"
    assert Glossary(found.entries, aliases=False).plain("MT") == "MT"


def test_a_form_in_capitals_is_found_in_capitals_alone() -> None:
    found = Glossary((Entry("information technology", "computers", ("IT",)),))
    assert found.plain("it is IT, It says") == "it is information technology, It says"


@given(st.text(max_size=60))
def test_a_text_in_pieces_knows_where_they_stood(text: str) -> None:
    tokens, origins = Tokens.placed(text)
    spans = [(origins[start][0], origins[end - 1][1]) for start, end in tokens.spans]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert Glossary((Entry("word", "", ("thing",)),)).plain(text) == text or "thing" in text.casefold()


def test_notes_are_told_once_those_of_most_words_first(tmp_path: Path) -> None:
    found = glossary(tmp_path)
    texts = ["A café and a café.", "machine translation by an MT system"]
    assert [note.partition(":")[0] for note in found.notes(texts)] == ["machine translation", "MT system", "café"]
    assert found.notes(["nothing here"]) == []
    assert Glossary((Entry("word"),)).notes(["a word"]) == []  # it has no definition


def test_the_state_holds_all_of_it(tmp_path: Path) -> None:
    found = Glossary(glossary(tmp_path).entries, "terms.csv", None, False, 24)
    assert Glossary.load(found.state()) == found


def test_the_terms_of_a_class_are_a_rule_for_it(tmp_path: Path) -> None:
    rules = glossary(tmp_path).rules()
    assert [(rule.label, sorted(rule.terms.terms if rule.terms else ())) for rule in rules] == [
        ("tech", ["automatic translation", "machine translation", "mt"]),
        ("food", ["cafe bar", "café", "coffee house"]),
    ]
    assert rules[0].where.endswith("terms.csv line 2")

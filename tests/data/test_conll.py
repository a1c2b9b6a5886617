"""Files with a word and a tag on each line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tunesmith.data.read import iter_chunks, read_table
from tunesmith.errors import InputError

QUIRKS = (
    "\ufeff-DOCSTART- -X- -X- O\r\n"
    "\r\n"
    "# a comment of its own\r\n"
    "EU NNP I-NP B-ORG\r\n"
    "rejects  VBZ\tI-VP O\r\n"  # two spaces, and a tab
    "   \r\n"  # a blank line with blanks
    "\r\n"
    "# NN I-NP B-TAG\r\n"  # a word that is a hash
    "No\u00a01 NN I-NP I-TAG\r\n"  # a no-break space is part of a word
    "😀 UH O O\r\n"
    "-DOCSTART- -X- -X- O\r\n"  # without a blank line before it
    "电池 NN B-NP B-PART"  # no line end behind the last
)
TOKENS = [["EU", "rejects"], ["#", "No\u00a01", "😀"], ["电池"]]
TAGS = [["B-ORG", "O"], ["B-TAG", "I-TAG", "O"], ["B-PART"]]


def write(path: Path, text: str) -> str:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


@pytest.mark.parametrize("name", ["train.conll", "train.bio", "train.iob2", "train.conll.gz", "train.txt", "train"])
def test_every_quirk_of_the_format_is_read(tmp_path: Path, name: str) -> None:
    table = read_table(write(tmp_path / name, QUIRKS))
    assert table.data.to_pydict() == {"tokens": TOKENS, "tags": TAGS}
    assert table.rows.tolist() == [4, 8, 12]  # the lines of the first words
    assert table.rows_read == 3
    assert "line of its first word" in table.guesses[0]
    assert "of 4 columns, number 1 is the word and number 4 its tag" in table.guesses[0]
    assert not table.findings


def test_tabs_part_cells_so_that_words_may_hold_spaces(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "rows.tsv", "New York\tB-LOC\n\tO\n\nis\tO\nbig\tO\n"))
    assert table.data.to_pydict() == {"tokens": [["New York", ""], ["is", "big"]], "tags": [["B-LOC", "O"], ["O", "O"]]}


def test_a_header_is_no_word(tmp_path: Path) -> None:
    body = "".join(f"word{n}\tO\n" for n in range(30)) + "\nGlide\tB-X\n"
    for name in ("x.conll", "x.tsv"):
        table = read_table(write(tmp_path / name, "token\tner_tag\n" + body))
        assert table.data["tokens"].to_pylist() == [[f"word{n}" for n in range(30)], ["Glide"]]
        assert table.rows.tolist() == [2, 33]


def test_universal_dependencies_give_forms_and_upos(tmp_path: Path) -> None:
    rest = "_\t_\t0\troot\t_\t_"
    text = (
        f"# sent_id = 1\n1-2\tzum\t_\t_\t{rest}\n1\tzu\tzu\tADP\t{rest}\n2\tdem\tder\tDET\t{rest}\n2.1\tx\tx\tX\t"
        f"{rest}\n\n1\tHaus\tHaus\tNOUN\t{rest}\n"
    )
    table = read_table(write(tmp_path / "de.conllu", text))
    assert table.data.to_pydict() == {"tokens": [["zu", "dem"], ["Haus"]], "tags": [["ADP", "DET"], ["NOUN"]]}
    assert table.rows.tolist() == [3, 7]


def test_numbers_before_the_words_are_no_words(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "x.conll", "1 In O\n2 Rom B-LOC\n\n1 Ja O\n"))
    assert table.data["tokens"].to_pylist() == [["In", "Rom"], ["Ja"]]
    table = read_table(write(tmp_path / "y.conll", "1 CD O\n2 CD B-LOC\n\n7 CD O\n"))
    assert table.data["tokens"].to_pylist() == [["1", "2"], ["7"]]


@pytest.mark.parametrize("policy", ["skip", "keep", "error"])
def test_lines_without_a_tag_are_found(tmp_path: Path, policy: str) -> None:
    source = write(tmp_path / "x.conll", "a B-X\nb\n\nc O\nd O\n")
    if policy == "error":
        with pytest.raises(InputError, match=r"K104 x\.conll row 1: 1 sentence .* \(first: line 2\)\."):
            read_table(source, on_bad_row="error")
        return
    table = read_table(source, on_bad_row=policy)  # type: ignore[arg-type]
    (finding,) = table.findings
    assert (finding.code, finding.rows, finding.severity) == ("K104", (1,), "warning")
    kept = [["B-X", "O"], ["O", "O"]] if policy == "keep" else [["O", "O"]]
    assert table.data["tags"].to_pylist() == kept
    assert table.rows_read == 2


def test_words_alone_can_be_read_for_prediction(tmp_path: Path) -> None:
    source = write(tmp_path / "x.conll", "one\ntwo\n\nthree\n")
    (chunk,) = iter_chunks(source)
    assert chunk.to_pydict() == {"tokens": [["one", "two"], ["three"]]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prose.txt", "text\nThe first line is prose.\n\nA second one O\nand a third\n"),
        ("table.tsv", "text\tlabel\nvitamin\tB-12\nwater\tO\nair\tO\nsulphur\tS-2\n"),
        ("table.txt", "text\tlabel\ngood film\tpos\nbad film\tneg\n"),
        ("short.txt", "a O\nb B-X\n"),
        ("commas.txt", "text,label\na,O\nb,B-X\nc,O\n"),
    ],
)
def test_tables_and_prose_are_not_mistaken(tmp_path: Path, name: str, text: str) -> None:
    assert "tags" not in read_table(write(tmp_path / name, text)).columns


def test_a_file_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="K128"):
        read_table(write(tmp_path / "x.conll", "-DOCSTART- O\n\n# nothing\n"))

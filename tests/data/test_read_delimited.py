"""Delimited files as they occur: every encoding, delimiter and line end, and every way to tear a row."""

from __future__ import annotations

import csv
import gzip
import io
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tunesmith.data.read import iter_chunks, read_table
from tunesmith.data.table import Table
from tunesmith.errors import InputError

ROWS = [
    ("the café was great, really", "positive"),
    ("über 10 € for a coffee", "negative"),
    ("naïve but ok", "neutral"),
    ("never again", "negative"),
    ("what a \"lovely\" place", "positive"),
    ("two\nlines", "neutral"),
] * 5  # fmt: skip


def read(tmp_path: Path, content: bytes, name: str = "rows.csv", **options: object) -> Table:
    path = tmp_path / name
    path.write_bytes(content)
    return read_table(str(path), **options)  # type: ignore[arg-type]


def rows_of(table: Table) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in table.data.to_pylist()]


def codes(table: Table) -> dict[str, int]:
    return {finding.code: finding.count for finding in table.findings}


def as_csv(rows: list[tuple[str, ...]], delimiter: str = ",", newline: str = "\n", header: str = "text,label") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    if header:
        writer.writerow(header.split(","))
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    table = read(tmp_path, as_csv(ROWS, delimiter).encode(encoding))
    assert table.columns == ["text", "label"]
    assert rows_of(table) == ROWS
    assert table.rows_read == len(ROWS)
    assert ("K102" in codes(table)) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_line_end(tmp_path: Path, newline: str, packed: bool) -> None:
    content = as_csv([row for row in ROWS if "\n" not in row[0]], newline=newline).encode()
    table = read(tmp_path, gzip.compress(content) if packed else content, "rows.csv.gz" if packed else "rows.csv")
    assert table.rows_read == len(table) == 25


def test_latin1_and_gb18030(tmp_path: Path) -> None:
    latin = read(tmp_path, as_csv([("crème brûlée à la carte", "a"), ("très bien déjà", "b")] * 9).encode("latin-1"))
    assert rows_of(latin)[0] == ("crème brûlée à la carte", "a")
    chinese = [("送餐很快，味道也不错，下次还来", "好评"), ("等了一个小时都没有送到，太慢了", "差评")] * 9
    table = read(tmp_path, as_csv(chinese).encode("gb18030"))
    assert rows_of(table) == chinese
    assert "gb18030" in table.findings[0].message


def test_russian_windows_encoding(tmp_path: Path) -> None:
    rows = [("Очень хороший магазин, всем советую", "хорошо"), ("Доставка опоздала на два дня", "плохо")] * 20
    assert rows_of(read(tmp_path, as_csv(rows).encode("cp1251"))) == rows


def test_a_broken_byte_leaves_the_file_utf8_and_names_the_row(tmp_path: Path) -> None:
    rows = [("ein schöner Tag für Übermut", "ja"), ("öde Gegend überall", "nein")] * 10
    content = as_csv(rows).encode().replace("schöner".encode(), b"sch\xc3ner", 1)
    table = read(tmp_path, content)
    assert rows_of(table)[1:] == rows[1:]
    (finding,) = [finding for finding in table.findings if finding.code == "K102"]
    assert list(finding.rows) == [1]


def test_excel_names_its_separator(tmp_path: Path) -> None:
    table = read(tmp_path, b"sep=;\ntext;label\nhello, you;a\ngood, bye;b\n")
    assert rows_of(table) == [("hello, you", "a"), ("good, bye", "b")]


def test_unquoted_commas_are_joined_where_the_label_is_first(tmp_path: Path) -> None:
    lines = ["label,text"] + [f"{'ham' if n % 3 else 'spam'},well{', really' * (n % 4)} number {n}" for n in range(40)]
    table = read(tmp_path, "\n".join(lines).encode())
    assert table.rows_read == len(table) == 40
    assert [f"{label},{text}" for label, text in rows_of(table)] == lines[1:]
    assert codes(table) == {"K105": 30}


def test_unquoted_commas_are_joined_where_the_label_is_last(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"well{', really' * (n % 4)} number {n},{'ham' if n % 3 else 'spam'}" for n in range(40)]
    table = read(tmp_path, "\n".join(lines).encode())
    assert [f"{text},{label}" for text, label in rows_of(table)] == lines[1:]
    assert codes(table) == {"K105": 30}


def test_every_row_has_the_same_surplus(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"dear team, number {n} is late,{'ab'[n % 2]}" for n in range(40)]
    table = read(tmp_path, "\n".join(lines).encode())
    assert rows_of(table)[7] == ("dear team, number 7 is late", "b")


def test_quotes_that_never_close_in_a_whole_file(tmp_path: Path) -> None:
    """A tab-separated file written without quoting, quotes being text: the MSR paraphrase corpus looks like this."""
    rng = random.Random(0)
    lines = ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String"]
    for number in range(60):
        one = rng.choice(
            ['"I am here," he said, and left.', '"We will see.', "Nothing to quote at all here.", 'an 8" pipe']
        )
        two = rng.choice(['He said "I am here."', "A plain sentence stands in this cell.", '"Never," she said.'])
        lines.append(f"{number % 2}\t{7000 + number}\t{8000 + number}\t{one}\t{two}")
    table = read(tmp_path, ("\ufeff" + "\r\n".join(lines) + "\r\n").encode(), "msr.txt")
    assert table.columns == lines[0].split("\t")
    assert ["\t".join(row) for row in rows_of(table)] == lines[1:]


def test_a_stray_quote_does_not_swallow_the_rows_behind_it(tmp_path: Path) -> None:
    lines = ["text,label"] + [f'"quoted, number {n}",{"ab"[n % 2]}' for n in range(50)]
    lines[10] = '"an opening quote only,a'
    lines[30] = '"he said "no" to me",b'
    table = read(tmp_path, "\n".join(lines).encode())
    assert table.rows_read == len(table) == 50
    assert rows_of(table)[9] == ('"an opening quote only', "a")
    assert rows_of(table)[29] == ('he said "no" to me', "b")
    assert rows_of(table)[10] == ("quoted, number 10", "a")
    (finding,) = table.findings
    assert (finding.code, list(finding.rows)) == ("K110", [10, 30])


def test_a_quote_that_is_open_at_the_end(tmp_path: Path) -> None:
    lines = ["text,label"] + [f'"row, {n}",{"ab"[n % 2]}' for n in range(20)] + ['"never closed,a', "last one,b"]
    table = read(tmp_path, "\n".join(lines).encode())
    assert table.rows_read == len(table) == 22
    assert rows_of(table)[-2:] == [('"never closed', "a"), ("last one", "b")]


def test_swallowed_rows_that_fit_by_chance_are_found(tmp_path: Path) -> None:
    """The quote of row 3 closes in row 5, and the record in between has the right number of cells."""
    lines = ["label,text"] + [f'{"ham" if n % 2 else "spam"},"some text, number {n}"' for n in range(30)]
    lines[3] = 'ham,"ok then'
    lines[4] = "spam,you win"
    lines[5] = 'ham,see "you"'
    table = read(tmp_path, "\n".join(lines).encode())
    assert table.rows_read == len(table) == 30
    assert rows_of(table)[2:5] == [("ham", '"ok then'), ("spam", "you win"), ("ham", 'see "you"')]


def test_a_row_torn_inside_a_quoted_cell_does_not_merge_with_the_next(tmp_path: Path) -> None:
    lines = ["id,label,text,place"] + [f'{n},{"ab"[n % 2]},"well, number {n}",here' for n in range(30)]
    lines[5] = '4,a,"well, num'
    lines[9] = '8,a,"well'
    table = read(tmp_path, "\n".join(lines).encode())
    assert (table.rows_read, len(table)) == (30, 28)
    assert [row[0] for row in rows_of(table)] == [str(n) for n in range(30) if n not in (4, 8)]
    assert sorted((finding.code, *finding.rows) for finding in table.findings) == [("K104", 5), ("K104", 9)]


def test_cells_over_many_lines_are_whole(tmp_path: Path) -> None:
    rows = [("pos", "one, two\nthree, four\n\nfive, six"), ("neg", "a\nb, c")] * 10
    table = read(tmp_path, as_csv(rows, header="label,text").encode())
    assert rows_of(table) == rows
    assert not table.findings


def test_short_and_long_rows(tmp_path: Path) -> None:
    lines = ["id,title,body,label"] + [f"{n},a title here,a body there,{'ab'[n % 2]}" for n in range(30)]
    lines[4] = "3,only a title"
    lines[8] = "7,x,y,a,b,c,d"
    content = "\n".join(lines).encode()
    table = read(tmp_path, content)
    assert (table.rows_read, len(table)) == (30, 28)
    assert {row for finding in table.findings for row in finding.rows} == {4, 8}
    assert 4 not in table.rows
    assert table.rows[3] == 5
    kept = read(tmp_path, content, on_bad_row="keep")
    assert len(kept) == 30
    assert rows_of(kept)[3] == ("3", "only a title", "", "")
    with pytest.raises(InputError) as caught:
        read(tmp_path, content, on_bad_row="error")
    assert [fault.code for fault in caught.value.faults] == ["K104", "K104"]
    assert "rows.csv row 4" in str(caught.value)
    assert "on_bad_row" in str(caught.value)


def test_trailing_names_and_delimiters_are_dropped_and_what_spilled_over_is_joined(tmp_path: Path) -> None:
    lines = ["v1,v2,,,"] + [f"{'ham' if n % 3 else 'spam'},some longer text number {n},,," for n in range(40)]
    lines[6] = "ham,it begins, goes on, and ends,"
    table = read(tmp_path, "\n".join(lines).encode("latin-1"))
    assert table.columns == ["v1", "v2"]
    assert table.rows_read == len(table) == 40
    assert rows_of(table)[5] == ("ham", "it begins, goes on, and ends")
    assert codes(table)["K105"] == 1


def test_row_numbers_without_a_name(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"{n},some text,{'ab'[n % 2]}" for n in range(1, 30)]
    table = read(tmp_path, "\n".join(lines).encode())
    assert table.columns == ["column1", "text", "label"]


def test_headers_that_repeat_or_are_missing(tmp_path: Path) -> None:
    table = read(tmp_path, b"text,label,label,\nhello there,a,b,c\ngood bye now,b,a,d\n")
    assert table.columns == ["text", "label", "label_2"]
    pasted = read(tmp_path, b"text,label\nhello,a\ntext,label\nbye,b\nwell,a\n")
    assert (pasted.rows_read, len(pasted)) == (4, 3)
    assert list(pasted.findings[0].rows) == [2]


@pytest.mark.parametrize(
    ("first", "second"),
    [("1,good", "0,bad"), ("good film and more,pos", "bad film,neg"), ("2024-01-02,3", "2024-01-03,4")],
)
def test_files_without_header(tmp_path: Path, first: str, second: str) -> None:
    content = "\n".join([first, second] * 10).encode()
    table = read(tmp_path, content)
    assert table.columns == ["column1", "column2"]
    assert table.rows_read == len(table) == 20
    assert codes(table) == {"K111": 0}
    forced = read(tmp_path, content, header=True)
    assert forced.rows_read == 19


def test_an_unknown_header_is_said(tmp_path: Path) -> None:
    table = read(tmp_path, b"foo,bar\nsome words here,a\nmore words there,b\nand again some,a\n")
    assert table.columns == ["foo", "bar"]
    assert "data.header=false" in table.guesses[-1]
    assert read(tmp_path, b"foo,bar\nsome words,a\n", header=False).rows_read == 2


def test_one_column_with_commas(tmp_path: Path) -> None:
    texts = ["one, two", "three", "four, five, six"] * 5
    table = read(tmp_path, "\n".join(["text", *texts]).encode())
    assert [row[0] for row in rows_of(table)] == texts


def test_very_long_cells(tmp_path: Path) -> None:
    rows = [("x" * 300_000, "a"), ("y", "b")] * 2
    assert rows_of(read(tmp_path, as_csv(rows).encode())) == rows


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "K101"), (b"  \n", "K101"), (b"text,label\n", "K128"), (b"\xd0\xcf\x11\xe0rest of it", "K103"),
     (b"\x1f\x8b\x08\x00broken", "K101")],
)  # fmt: skip
def test_what_cannot_be_read_is_an_input_error(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert caught.value.faults[0].code == code
    assert "rows.csv" in str(caught.value)


def test_a_cut_gzip_file_is_an_input_error(tmp_path: Path) -> None:
    content = gzip.compress(as_csv(ROWS * 200).encode(), mtime=0)
    with pytest.raises(InputError, match="K101"):
        read(tmp_path, content[: len(content) // 2], "rows.csv.gz")


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,b\n")
    with pytest.raises(InputError, match=r'Did you mean "train.csv"\?'):
        read_table(str(tmp_path / "tran.csv"))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(as_csv(ROWS).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    table = read_table("-")
    assert table.name == "stdin"
    assert rows_of(table) == ROWS


def test_chunks_hold_every_row_in_order(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"text number {n},{'ab'[n % 2]}" for n in range(101)]
    lines[50] = "torn"
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines))
    chunks = list(iter_chunks(str(path), rows=10))
    assert [chunk.num_rows for chunk in chunks] == [10] * 10 + [1]
    texts = [text for chunk in chunks for text in chunk["text"].to_pylist()]
    assert texts == [line.split(",")[0] for line in lines[1:]]


cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from(',;\t|"\n '), max_size=40
).filter(lambda text: text.strip() == text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells.filter(bool), st.sampled_from(["yes", "no"])), min_size=1, max_size=30))
def test_what_a_csv_writer_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    table = read(tmp_path, as_csv(rows).encode())
    assert table.rows_read == len(rows)
    assert rows_of(table) == rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=400))
@example(b"\n\r\x01")
@example(b';\xe2\x80\xa8\r"\r\n\t\r')
def test_no_bytes_end_in_a_traceback(tmp_path: Path, content: bytes) -> None:
    with suppress(InputError):
        table = read(tmp_path, content)
        assert table.rows_read >= len(table)

"""json, jsonl, parquet, xlsx and the hub."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunesmith.data.read import iter_chunks, read_table
from tunesmith.errors import InputError, MissingExtra

ROWS: list[dict[str, Any]] = [{"text": f"text {n}", "label": "ab"[n % 2], "score": n / 2} for n in range(30)]


def write(tmp_path: Path, name: str, content: str) -> str:
    path = tmp_path / name
    data = content.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


@pytest.mark.parametrize("name", ["rows.json", "rows.json.gz", "rows.unknown"])
@pytest.mark.parametrize("shape", ["list", "wrapped", "columns", "pandas", "lines"])
def test_json_in_every_shape(tmp_path: Path, name: str, shape: str) -> None:
    columns = {key: [row[key] for row in ROWS] for key in ROWS[0]}
    if name == "rows.unknown" and shape in ("wrapped", "columns", "pandas"):
        pytest.skip("without a suffix, one object on one line is a line of jsonl")
    value = {
        "list": json.dumps(ROWS, indent=1),
        "wrapped": json.dumps({"version": 1, "data": ROWS}),
        "columns": json.dumps(columns),
        "pandas": json.dumps({key: {str(n): item for n, item in enumerate(items)} for key, items in columns.items()}),
        "lines": "\n".join(map(json.dumps, ROWS)),
    }[shape]
    table = read_table(write(tmp_path, name, value))
    assert table.data.to_pylist() == ROWS
    assert table.rows_read == 30


def test_jsonl_counts_lines_and_names_bad_ones(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in ROWS]
    lines[4], lines[9] = '{"text": "cut', "[1, 2]"
    lines.insert(2, "")
    path = write(tmp_path, "rows.jsonl", "\n".join(lines))
    table = read_table(path)
    assert (table.rows_read, len(table)) == (30, 28)
    assert table.rows[:5].tolist() == [1, 2, 4, 5, 7]
    (finding,) = table.findings
    assert (finding.code, list(finding.rows)) == ("K130", [6, 11])
    with pytest.raises(InputError, match=r"K130 rows\.jsonl rows 6, 11"):
        read_table(path, on_bad_row="error")
    with pytest.raises(InputError, match=r"rows\.jsonl line 6"):
        list(iter_chunks(path))


def test_jsonl_of_changing_types_and_keys(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "a", "label": 1}] * 20_000 + [{"text": "b", "label": 2.5, "new": ["x"]}]
    table = read_table(write(tmp_path, "rows.jsonl", "\n".join(map(json.dumps, rows))))
    assert table.data["label"].to_pylist()[-2:] == [1.0, 2.5]
    assert table.data["new"].to_pylist()[-2:] == [None, ["x"]]
    rows[-1]["label"] = "three"
    table = read_table(write(tmp_path, "rows.jsonl", "\n".join(map(json.dumps, rows))))
    assert table.data["label"].to_pylist()[-2:] == ["1", "three"]


@pytest.mark.parametrize("content", ['{"a": 1', "[1, 2]", "[]", '"text"', "[" * 100_000])
def test_json_without_rows_is_an_input_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="K103"):
        read_table(write(tmp_path, "rows.json", content))


def test_parquet_with_class_names_dictionaries_and_lists(tmp_path: Path) -> None:
    features = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}, "text": {"_type": "Value"}}
    schema = pa.schema(
        [("text", pa.large_string()), ("label", pa.int64()), ("kind", pa.dictionary(pa.int8(), pa.string())),
         ("tags", pa.list_(pa.string())), ("day", pa.date32())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )  # fmt: skip
    columns = [["x", "y"] * 9, [0, 1] * 9, ["k", "l"] * 9, [["a"], ["b", "c"]] * 9, [1, 2] * 9]
    pq.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema),
                   tmp_path / "rows.parquet")  # fmt: skip
    table = read_table(str(tmp_path / "rows.parquet"))
    assert table.data.slice(1, 1).to_pylist() == [
        {"text": "y", "label": "good", "kind": "l", "tags": ["b", "c"], "day": "1970-01-03"}
    ]
    assert [chunk.num_rows for chunk in iter_chunks(str(tmp_path / "rows.parquet"), rows=5)] == [5, 5, 5, 3]


def test_damaged_binary_files_are_input_errors(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04 and then nothing")
    (tmp_path / "c.parquet").write_text("text,label\n")
    for name in ("a.parquet", "b.xlsx", "c.parquet"):
        with pytest.raises(InputError, match=name):
            read_table(str(tmp_path / name))


def test_xlsx_reads_the_first_sheet_with_rows(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "empty"
    sheet = book.create_sheet("rows")
    sheet.append(["text", "label"])
    for number in range(5):
        sheet.append([f"text {number}", number % 2])
    sheet.append([None, None])
    sheet.append(["last", 1.0])
    book.create_sheet("notes").append(["see above"])
    book.save(tmp_path / "rows.xlsx")
    table = read_table(str(tmp_path / "rows.xlsx"))
    assert table.data.to_pylist()[-1] == {"text": "last", "label": "1"}
    assert table.rows.tolist() == [1, 2, 3, 4, 5, 7]
    assert 'sheet "rows" was read; not read: empty, notes' in table.guesses[0]


@pytest.mark.parametrize(("module", "source"), [("openpyxl", "rows.xlsx"), ("datasets", "hub:some/name")])
def test_a_missing_extra_prints_its_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, source: str
) -> None:
    (tmp_path / "rows.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match="pip install"):
        read_table(source if source.startswith("hub:") else str(tmp_path / source))


def test_a_hub_data_set_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load_dataset(*args: Any, **options: Any) -> None:
        asked.append((args, options))
        raise ConnectionError("Couldn't reach it\nand a long story")

    fake = ModuleType("datasets")
    fake.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", fake)
    with pytest.raises(InputError) as caught:
        read_table("hub:some/name@config:test")
    assert asked == [(("some/name", "config"), {"split": "test"})]
    assert caught.value.faults[0].code == "K129"
    assert "Couldn't reach it)" in str(caught.value)


def test_a_hub_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 1]}, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: rows.select([2, 0]))
    table = read_table("hub:some/name")
    assert table.data.to_pylist() == [{"text": "c", "label": "yes"}, {"text": "a", "label": "no"}]

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.cli.main import app
from tunesmith.cli.predict import spoken
from tunesmith.errors import InputError
from tunesmith.jobs import predict as module
from tunesmith.tasks.embed import Embed
from tunesmith.tasks.pair import Pair

MakeRun = Callable[..., Path]
TEXTS = ["the film was good", "", "this bike is nasty"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(make_run: MakeRun) -> Path:
    return make_run()


def test_texts_get_what_the_bundle_says(run: Path) -> None:
    bundle = tunesmith.load(run)
    found = list(tunesmith.predict(run, TEXTS))
    assert [row["text"] for row in found] == TEXTS
    for row, expected in zip(found, bundle.predict(TEXTS), strict=True):
        assert (row["label"], row["score"], row["scores"]) == (expected.label, expected.score, dict(expected.scores))
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-6)
        assert row["score"] == max(row["scores"].values())
        assert "evidence" not in row
    assert list(tunesmith.predict(run / "model", TEXTS)) == found
    assert list(tunesmith.predict(bundle, [])) == []


def test_half_precision_is_asked_for_by_name(run: Path) -> None:
    exact = next(iter(tunesmith.predict(run, TEXTS)))["scores"]
    told = CliRunner().invoke(app, ["predict", str(run), TEXTS[0], "--precision", "bf16", "--json"])
    half = json.loads(told.stdout)["scores"]
    assert half == pytest.approx(exact, abs=0.02)
    assert half != exact
    refused = CliRunner().invoke(app, ["predict", str(run), TEXTS[0], "--precision", "fp16"])
    assert refused.exit_code == 2
    assert "fp16" in refused.output


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_file_keeps_its_columns_and_rows(run: Path, holdout: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    value = tunesmith.predict(run, data=str(holdout), out=out)
    before = read_csv(holdout)
    after = {
        ".csv": lambda: read_csv(out),
        ".jsonl": lambda: [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()],
        ".parquet": lambda: pq.read_table(out).to_pylist(),
    }[out.suffix]()
    assert len(after) == len(before) == value["rows"] == 30
    added = ["predicted_label", "score", "p_bad", "p_good", "p_odd"]
    assert list(after[0]) == ["number", "review", "mood", "label", *added]
    assert value["columns"] == added
    assert [{key: row[key] for key in before[0]} for row in after] == before
    expected = load_bundle(run).predict([row["review"] for row in before])
    assert [row["predicted_label"] for row in after] == [prediction.label for prediction in expected]
    assert [float(row["p_odd"]) for row in after] == pytest.approx([p.scores["odd"] for p in expected], abs=1e-6)
    assert sum(value["labels"].values()) == 30


def test_rows_stream_in_blocks(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 4)
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"text {taken}"

    rows = tunesmith.predict(run, endless())
    first = [next(rows)["text"] for _ in range(6)]
    assert first == [f"text {n}" for n in range(1, 7)]
    assert taken == 8


def test_the_column_is_the_trained_one_or_the_only_one_or_asked_for(run: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("sentence\nthe film was good\n", encoding="utf-8")
    assert [row["text"] for row in tunesmith.predict(run, data=str(one))] == ["the film was good"]
    several = tmp_path / "several.csv"
    several.write_text("a,b\nthe film was good,this bike is bad\n", encoding="utf-8")
    assert [row["text"] for row in tunesmith.predict(run, data=str(several), columns=["b"])] == ["this bike is bad"]
    for columns, code in (((), "K612"), (("c",), "K611"), (("a", "b"), "K612")):
        with pytest.raises(InputError, match=code) as caught:
            list(tunesmith.predict(run, data=str(several), columns=columns))
        assert "several.csv" in str(caught.value)


def test_texts_or_data_not_both_and_not_neither(run: Path, holdout: Path) -> None:
    for texts, data in ((None, None), (["a"], str(holdout))):
        with pytest.raises(InputError, match="K610"):
            tunesmith.predict(run, texts, data=data)


def test_an_error_leaves_no_half_file(run: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"review": "a"}\n{"review": \n', encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        tunesmith.predict(run, data=str(broken), out=tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_the_program_prints_a_line_per_text(run: Path) -> None:
    done = CliRunner().invoke(app, ["predict", str(run), *TEXTS, "--json"])
    assert done.exit_code == 0, done.stderr
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == TEXTS
    done = CliRunner().invoke(app, ["predict", str(run), *TEXTS])
    assert [line.split("\t")[2] for line in done.stdout.splitlines()] == TEXTS


def test_the_program_reads_lines_from_stdin(run: Path) -> None:
    done = CliRunner().invoke(app, ["predict", str(run), "--json"], input="one\n\nthree")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["one", "", "three"]


def test_a_model_that_gives_vectors_takes_one_text_or_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\tb\nc\n"))
    reads = Embed.reads
    assert list(spoken([], reads)) == [("a", "b"), "c"]
    assert list(spoken(["a"], reads)) == ["a"]
    assert list(spoken(["a", "b"], reads)) == [("a", "b")]


@pytest.mark.parametrize(
    ("texts", "stdin", "expected"),
    [
        (["a", "b", "c", "d"], "", [("a", "b"), ("c", "d")]),
        ([], "a\tb\nc\td\n", [("a", "b"), ("c", "d")]),
        (["a", "b", "c"], "", "K601"),
        ([], "a\tb\nc\n", "stdin line 2"),
    ],
)
def test_pairs_come_in_two_words_or_around_a_tab(
    texts: list[str], stdin: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected):
            list(spoken(texts, Pair.reads))
    else:
        assert list(spoken(texts, Pair.reads)) == expected

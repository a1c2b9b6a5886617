"""What the screen does with results, events and failures."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
import typer

from tunesmith.cli.guard import working
from tunesmith.cli.show import EVERY_SECONDS, Lines, Live, Screen
from tunesmith.cli.words import event_lines, finding_lines, prediction_line, report_lines, step_text, table
from tunesmith.errors import Fault, Interrupted, RunError

STEP: dict[str, Any] = {
    "kind": "step", "stage": "select", "epoch": 1.44, "epochs": 8.0, "step": 30, "steps": 160, "loss": 0.41249,
    "tokens_per_second": 5210.4, "seconds_left": 65.2,
}  # fmt: skip
DEV: dict[str, Any] = {
    "kind": "dev", "stage": "select", "step": 30, "epoch": 1.5, "loss": 0.4, "metric": "macro_f1", "score": 0.8123,
    "kept": True,
}  # fmt: skip


def test_ctrl_c_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, working(as_json=False, debug=False, again="Go on like this."):
        raise KeyboardInterrupt
    assert caught.value.exit_code == 3
    assert capsys.readouterr().err == "K420: interrupted.\n     Go on like this.\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError(Fault("K409", "runs/x", "the disk is full.")), 1),
        (Interrupted(Fault("K420", "runs/x", "stopped.")), 3),
        (PermissionError(13, "Permission denied", "out.csv"), 1),
    ],
)
def test_errors_become_exit_codes(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, working(as_json=True, debug=False):
        raise error
    assert caught.value.exit_code == code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit_code"] == code
    assert captured.err.startswith("K4")


def test_our_own_bugs_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), working(as_json=False, debug=False):
        _ = 1 / 0


def test_json_alone_reaches_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with working(as_json=True, debug=False) as screen:
        print("a library says something")
        screen.result({"score": float("nan"), "text": "ä"}, ["not shown"])
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"score": None, "text": "ä"}
    assert captured.err == "a library says something\n"


def test_rows_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=True)
    screen.row({"label": "a\nb"}, "")
    screen.row({"label": "c"}, "")
    assert [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()] == ["a\nb", "c"]


def test_a_character_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    Screen(as_json=False).result(None, ["ä"])
    assert raw.getvalue() == b"\\xe4\n"


def test_lines_show_a_step_every_ten_seconds() -> None:
    said: list[str] = []
    now = [0.0]
    lines = Lines(said.append, clock=lambda: now[0])
    for seconds in (0.0, 1.0, EVERY_SECONDS, EVERY_SECONDS + 1, 2 * EVERY_SECONDS):
        now[0] = seconds
        lines(STEP)
    assert said == [f"select: {step_text(STEP)}"] * 2
    lines(DEV)
    lines({"kind": "say", "text": "The text is column review."})
    lines({"kind": "stage", "name": "select", "text": None})
    assert said[2:] == ["select: dev Macro-F1 81.2 % (kept)", "The text is column review."]


def test_a_terminal_gets_a_live_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with Screen(as_json=False).progress() as progress:
        assert isinstance(progress, Live)
        progress({"kind": "say", "text": "a [bold] word"})
        progress(DEV)
        progress({**STEP, "stage": "fold-1"})
        progress(STEP)
    shown = terminal.getvalue()
    assert "a [bold] word" in shown, "data must not be read as markup"
    assert "step 30/160" in shown
    assert "81.2 %" in shown
    assert "select" in shown


def test_a_step_in_words() -> None:
    expected = "epoch 1.4/8  step 30/160  loss 0.412  5,210 tokens/s  1 min 5 s left"
    assert step_text(STEP) == expected
    assert step_text({"kind": "step", "stage": "x", "step": 3}) == "step 3"


def test_a_finding_in_words() -> None:
    finding = {
        "code": "K201", "severity": "warning", "message": "Something is odd.", "remedy": "Look.",
        "rows": list(range(1, 21)), "count": 50, "source": "a.csv",
    }  # fmt: skip
    lines = ["K201 warning a.csv rows 1, 2, 3, 4, 5, 6, 7, 8 and 42 more: Something is odd.", "     Look."]
    assert finding_lines(finding) == lines
    assert event_lines({"kind": "finding", **finding}) == lines


def test_a_prediction_in_words() -> None:
    assert prediction_line({"text": "a\nb", "label": "x", "score": 0.971}) == "x\t97.1%\ta b"
    assert prediction_line({"text": "a", "label": ["x", "y"], "score": 0.5}) == "x, y\t50.0%\ta"
    assert prediction_line({"text": "a", "label": 3.25, "score": 3.25}) == "3.25\ta"
    assert prediction_line({"text_a": "a", "text_b": "b", "label": "x", "score": 1.0}) == "x\t100.0%\ta | b"
    assert len(prediction_line({"text": "a" * 200, "label": "x", "score": 1.0})) < 100


def test_a_table_is_aligned() -> None:
    assert table([["a", "1"], ["long", "10"]], right=[1]) == ["a      1", "long  10"]
    assert table([]) == []


def test_the_end_of_a_training() -> None:
    score = {"value": 0.912, "low": 0.88, "high": 0.941, "n": 189}
    report = {
        "metric": "macro_f1", "verdict": "Better than all baselines.", "test": {"macro_f1": score},
        "baselines": {
            "tfidf": {"title": "TF-IDF with logistic regression", "scores": {"macro_f1": {**score, "value": 0.8}}},
            "frozen": {},
        },
    }  # fmt: skip
    lines = list(report_lines(report, "runs/x"))
    assert "189 rows" in lines[0]
    assert [line.split()[0] for line in lines[1:4]] == ["tuned", "TF-IDF", "frozen"]
    assert "91.2 %" in lines[1]
    assert "[88.0 to 94.1 %]" in lines[1]
    assert "Better than all baselines." in lines
    assert any("runs/x/report.html" in line for line in lines)

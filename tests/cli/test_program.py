"""The program from outside: what scripts may rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tunesmith import __version__
from tunesmith.cli.main import VERBS, app
from tunesmith.errors import CODES

NAMES = [verb.__name__ for verb in VERBS]


def tunesmith(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program as users do; a start costs up to a second, so most tests use `invoke`."""
    command = [sys.executable, "-m", "tunesmith", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, stdin=subprocess.DEVNULL, check=False)


def invoke(*words: str) -> Result:
    """Run the program in this process."""
    return CliRunner().invoke(app, list(words), prog_name="tunesmith")


def test_the_verbs_are_all_there() -> None:
    assert sorted(NAMES) == [
        "adapt", "chat", "check", "compare", "demo", "evaluate", "fuse", "init", "memory", "merge", "models", "predict",
        "reproduce", "rules", "runs", "train", "why",
    ]  # fmt: skip


def test_help_names_every_verb_in_a_whole_sentence() -> None:
    done = tunesmith("--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in NAMES)
    assert "..." not in done.stdout.partition("Commands:")[2], "a summary was cut"


@pytest.mark.parametrize("verb", NAMES)
def test_every_verb_has_help_with_an_example_and_json(verb: str) -> None:
    done = invoke(verb, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"tunesmith {verb}" in done.stdout.partition("Example")[2].partition("Options:")[0]
    assert "--json" in done.stdout
    assert "--debug" in done.stdout


def test_version() -> None:
    assert tunesmith("--version").stdout == f"tunesmith {__version__}\n"


def test_nothing_heavy_is_loaded_for_help() -> None:
    heavy = "{'torch', 'transformers', 'pydantic', 'numpy', 'pyarrow', 'sklearn', 'rich', 'yaml'}"
    probe = f"import sys, tunesmith, tunesmith.cli.main; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trian", "a.csv"), "train"),
        (("train",), "DATA|RECIPE"),
        (("train", "a.csv", "--sed", "1"), "--seed"),
        (("train", "a.csv", "--seed", "x"), "--seed"),
        (("train", "none.yaml"), "K211"),
        (("train", "a.csv", "--task", "clasify"), 'Did you mean "classify"?'),
        (("train", "a.csv", "--set", "optimizer.learning_rte=1"), 'Did you mean "learning_rate"?'),
        (("check", "a.csv", "--set", "nonsense"), "K208"),
        (("predict", "none", "text"), "K602"),
        (("predict", "none", "text", "--data", "a.csv"), "K610"),
        (("compare", "one"), "K712"),
        (("reproduce", "none"), "K406"),
        (("runs", "shw"), 'Did you mean "show"?'),
        (("runs", "show"), "K712"),
        (("runs", "remove", "runs/x"), "K712"),
        (("models", "fetch"), "K712"),
        (("models", "fetch", "minilmm"), 'Did you mean "minilm"?'),
        (("init", "--task", "clasify"), 'Did you mean "classify"?'),
        (("why", "K2o3"), "K710"),
    ],
)
def test_a_mistake_is_said_with_exit_code_2_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(*words)
    assert done.exit_code == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == [], "a mistake left something behind"


@pytest.mark.parametrize("words", [("trian",), ("train", "none.yaml")])
def test_a_mistake_shows_no_traceback(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = tunesmith(*words, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = tunesmith("train", "none.yaml", "--debug", folder=tmp_path)
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "K211" in done.stderr


def test_json_gives_a_document_for_mistakes_too(tmp_path: Path) -> None:
    done = tunesmith("train", "a.csv", "--task", "clasify", "--set", "sed=1", "--json", folder=tmp_path)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 2
    assert [fault["code"] for fault in document["faults"]] == ["K203", "K201"]
    assert document["faults"][0].keys() == {"code", "where", "message", "remedy"}
    assert "K203" in done.stderr


def test_why_explains_one_code_or_lists_all() -> None:
    assert CODES["K201"].cure in invoke("why", "k201").stdout
    assert json.loads(invoke("why", "K201", "--json").stdout)["title"] == CODES["K201"].title
    assert json.loads(invoke("why", "--json").stdout).keys() == CODES.keys()


def test_init_writes_a_recipe_that_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = invoke("init", "r.yaml", "--task", "pair", "--schema", "s.json", "--json")
    assert json.loads(first.stdout) == {"file": "r.yaml", "schema": "s.json"}
    assert (tmp_path / "r.yaml").read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=s.json\n")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["properties"]["task"]["enum"][0] == "auto"
    again = invoke("init", "r.yaml", "--schema", "s.json")
    assert again.exit_code == 2
    assert again.stderr.count("K711") == 2
    assert invoke("init", "r.yaml", "--force").exit_code == 0


def test_runs_of_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke("runs").stdout == "There are no runs in runs.\n"
    assert json.loads(invoke("runs", "--json").stdout) == {"runs": []}


def test_models_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_CACHE", str(tmp_path))
    assert "minilm" in [model["name"] for model in json.loads(invoke("models", "--json").stdout)["models"]]
    assert "minilm" in invoke("models").stdout

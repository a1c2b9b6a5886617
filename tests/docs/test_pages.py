"""The pages say what the code does: all of it is mentioned, recipes parse, examples run, nothing is stale."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tunesmith.cli.main import VERBS
from tunesmith.errors import CODES
from tunesmith.recipe.catalogue import STRATEGIES, TASKS, load_entry
from tunesmith.recipe.faults import part_of
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Recipe

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
MODULES = [
    "data.arrays", "data.duplicates", "data.findings", "data.header", "data.labels", "data.minhash", "data.names",
    "data.scripts", "data.split", "data.times", "engine.optim", "errors", "evaluation.bleu", "evaluation.chrf",
    "evaluation.rouge", "evaluation.runs", "models.known", "recipe.diff", "recipe.parse",
    "recipe.text", "report.markup", "report.plots.axes", "runs.files", "runs.lock", "runs.seed", "tasks.labels",
]  # fmt: skip
"""Modules whose examples are run. Those of `jobs`, `bundle` and the package itself would train, and are skipped."""


def snippets(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in FENCE.finditer(page.read_text(encoding="utf-8")):
            if found[1] == language:
                yield str(page.relative_to(ROOT)), found[2]


def lines_of_shell() -> list[tuple[str, list[str]]]:
    return [
        (page, shlex.split(line, comments=True))
        for page, text in snippets("sh")
        for line in text.splitlines()
        if line.strip()
    ]


def keys() -> list[str]:
    found = []
    for name, info in Recipe.model_fields.items():
        part = part_of(info.annotation)
        found += [f"{name}.{key}" for key in part.model_fields] if part else [name]
    return found


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    sys.path.insert(0, str(DOCS))
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(DOCS))


def test_every_verb_has_its_help_and_an_example() -> None:
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    assert len(VERBS) >= 11
    for verb in VERBS:
        _, _, said = text.partition(f"\n## {verb.__name__}\n")
        said = said.partition("\n## ")[0]
        assert f"Usage: tunesmith {verb.__name__}" in said
        assert f"\n    tunesmith {verb.__name__}" in said, f"the help of {verb.__name__} shows no example"


def test_every_code_is_explained() -> None:
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    headings = dict(re.findall(r"^### (K\d+): (.*) \{ #k\d+ \}$", text, re.MULTILINE))
    assert headings == {code: entry.title for code, entry in CODES.items()}


def test_codes_in_prose_exist() -> None:
    named = {code for page in PAGES for code in re.findall(r"\bK\d{3}\b", page.read_text(encoding="utf-8"))}
    assert named == set(CODES)


def test_every_key_of_a_recipe_is_explained() -> None:
    rows = re.findall(
        r"^\| `([a-z_.0-9]+)` \|.*\| (.+) \|$", (DOCS / "reference" / "recipe.md").read_text(), re.MULTILINE
    )
    assert sorted(key for key, _ in rows) == sorted(keys())
    assert all(len(said) > 10 for _, said in rows)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_page_of_a_strategy_says_what_when_at_what_cost_and_from_where(name: str) -> None:
    text = (DOCS / "strategies" / f"{name}.md").read_text(encoding="utf-8")
    for word in ("**Use it when**", "**Cost.**", "**Source.**", "## Options", f"- {name}"):
        assert word in text, f"{name}.md does not say {word!r}"
    for option in load_entry("strategies", name).model_fields:
        assert f"| `{option}` |" in text
    assert f"(strategies/{name}.md)" in (DOCS / "strategies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_page_of_a_task_names_every_figure(name: str) -> None:
    text = (DOCS / "tasks" / f"{name}.md").read_text(encoding="utf-8")
    assert "**Use it when**" in text
    assert f"(tasks/{name}.md)" in (DOCS / "tasks.md").read_text(encoding="utf-8")
    if name != "pair":  # its figures are those of classify or regress, and its page says so
        for figure in load_entry("tasks", name)().metrics():
            assert f"| `{figure}` |" in text


def test_recipes_in_the_pages_parse() -> None:
    found = [(page, yaml.safe_load(text)) for page, text in snippets("yaml")]
    found += [(page, json.loads(text)) for page, text in snippets("json")]
    recipes = [(page, value) for page, value in found if isinstance(value, dict) and ("data" in value)]
    assert len(recipes) >= 12
    for page, value in recipes:
        if isinstance(value["data"], dict):
            value["data"].setdefault("train", "rows.csv")
        assert parse(value).data.train, page


def test_commands_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^(\w+): \$\(READY\)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert targets == {"demo", "test", "check", "bench", "docs", "format"}
    verbs = {verb.__name__ for verb in VERBS}
    lines = lines_of_shell()
    assert len(lines) >= 20
    for page, words in lines:
        if words[0] == "make":
            assert words[1] in targets, f"{page}: {words}"
        elif words[0] == "tunesmith":
            assert words[1] in verbs, f"{page}: {words}"
        elif words[0] in ("torchrun", "accelerate"):
            assert words[words.index("-m") + 1] == "tunesmith", f"{page}: {words}"
            assert words[words.index("-m") + 2] in verbs, f"{page}: {words}"
        else:
            assert words[:2] == ["pip", "install"], f"{page}: {words}"


def test_options_in_the_pages_exist() -> None:
    import typer.main

    from tunesmith.cli.main import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for page, words in lines_of_shell():
        if words[0] == "tunesmith":
            known = {option for parameter in commands[words[1]].params for option in parameter.opts}
            asked = {word for word in words[2:] if word.startswith("--")}
            assert asked <= known, f"{page}: {words}"


def test_python_in_the_pages_compiles() -> None:
    found = [(page, text) for page, text in snippets("python") if page != "docs/reference/python.md"]
    assert len(found) >= 3
    for page, text in found:
        compile(text, page, "exec")


def test_nothing_generated_is_stale(build: ModuleType) -> None:
    files = build.fresh_files()
    assert len(files) >= 9
    stale = [str(path.relative_to(ROOT)) for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"`make docs` writes them anew: {', '.join(stale)}"


def test_a_generated_block_follows_the_code(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.errors import Code

    monkeypatch.setitem(CODES, "K799", Code("A new title", "Because.", "Do it."))
    text = "above\n<!-- generated: codes K7 -->\nold\n<!-- /generated -->\nbelow"
    said = build.filled(text)
    assert "### K799: A new title { #k799 }" in said
    assert "old" not in said
    assert said.startswith("above\n<!-- generated: codes K7 -->\n")
    assert said.endswith("<!-- /generated -->\nbelow")
    assert build.filled(said) == said


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    outcome = doctest.testmod(import_module(f"tunesmith.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > 0, f"tunesmith.{name} has no example; take it off the list"
    assert outcome.failed == 0


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert str(page.relative_to(DOCS)) in nav
